"""Commands for the decisions that belong to people."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from tasks.cli.known_model import show_of_model
from tasks.cli.output import CHECK_FAILED, OK, nothing, say, show_json, show_rows
from tasks.domain.wording import stated


def approvals(model: str | None = None, *, json: bool = False) -> int:
    """Requests that wait for a person, with the page where they are answered."""
    from tasks.connections import ledger, orchestrator

    rows = [
        {
            "request": request.id,
            "model": request.model,
            "challenger": request.challenger_sha256[:12],
            "expires": f"{request.expires_at:%Y-%m-%d %H:%M} UTC",
            "page": orchestrator().run_url(request.flow_run_id),
        }
        for request in ledger().approvals.pending(model)
    ]
    show_rows("waiting for a person", rows, "nothing waits for a person", json)
    return OK


def approve(request: int | None = None, *, by: str, reason: str = "", json: bool = False) -> int:
    """Approve a waiting promotion (the only one, or by its number)."""
    return _answer(request, "approve", by, reason, json)


def reject(request: int | None = None, *, by: str, reason: str = "", json: bool = False) -> int:
    """Reject a waiting promotion (the only one, or by its number)."""
    return _answer(request, "reject", by, reason, json)


def adopt(
    model: str, *, version: str | None = None, by: str = "", reason: str = "first champion", json: bool = False
) -> int:
    """Make a trained version the first champion (`--version` by number or hash prefix; default: the newest)."""
    from tasks.connections import ledger, registry
    from tasks.promote.named import named, newest
    from tasks.promote.reconcile import reconcile
    from tasks.promote.task import adopt as first_champion

    chosen = named(ledger(), model, version) if version else newest(ledger(), model)
    promotion = first_champion(model, chosen.sha256, by or getpass.getuser(), reason)
    reconcile(ledger(), registry(), model)
    return _moved(promotion, json)


def import_weights(model: str, weights: Path, *, sha256: str = "", imgsz: int | None = None, json: bool = False) -> int:
    """Bring a .pt file that you trained yourself; `evergreen adopt` then makes it the first champion.

    Where there is a champion, `evergreen shadow` compares the two and asks you.
    """
    from tasks.adapters.yolo_load import sha256_of
    from tasks.connections import ledger, registry
    from tasks.domain.errors import NotFound
    from tasks.promote.reconcile import reconcile
    from tasks.promote.task import version_of
    from tasks.retrain.task import import_version

    if not weights.is_file():
        raise NotFound(f"there is no file {weights}")
    imported = import_version(model, weights, sha256 or sha256_of(weights), imgsz)
    reconcile(ledger(), registry(), model)
    ref = version_of(model, imported.sha256)
    if json:
        show_json({"model": model, "version": ref.version, "sha256": ref.sha256, "classes": ref.classes})
    else:
        step = "adopt" if ledger().promotions.champion(model) is None else "shadow"
        say(f"{ref}: {ref.kind.value}, {len(ref.classes)} classes, {ref.imgsz} px; next: evergreen {step} {model}")
    return OK


def rollback(model: str, *, by: str, reason: str, to: str | None = None, json: bool = False) -> int:
    """Give the champion back to the version it replaced (or `--to` another one); works while Prefect is down."""
    from tasks.connections import ledger, registry
    from tasks.promote.named import named
    from tasks.promote.reconcile import reconcile
    from tasks.promote.task import roll_back

    promotion = roll_back(model, by, reason, named(ledger(), model, to).sha256 if to else None)
    reconcile(ledger(), registry(), model)
    return _moved(promotion, json)


def pin_reference(
    model: str, *, last: int = 3, by: str = "", reason: str = "accepted as healthy", json: bool = False
) -> int:
    """Accept the newest windows as healthy: drift is measured against them from now on."""
    from tasks.domain.hours import hours_around
    from tasks.drift.task import pin_reference as pin_windows
    from tasks.report.records import newest_windows

    seen = newest_windows(model, last)
    pinned = pin_windows.fn(model, seen, by or getpass.getuser(), reason)
    hours = len(frozenset().union(*(hours_around(window, 0) for window in seen)))
    answer = {"reference": pinned.id, "model": model, "images": pinned.table.rows, "windows": [str(w) for w in seen]}
    answer["hours"] = hours
    if json:
        show_json(answer)
    else:
        say(f"reference {pinned.id}: {pinned.table.rows} images of {len(seen)} window(s)")
        if hours < 24:
            say(f"it knows {hours} of 24 hours; at the others cameras are held against all of it: pin whole days")
    return OK


def audit(model: str, *, limit: int = 50, json: bool = False) -> int:
    """The newest decisions, after checking that the chain of hashes is unbroken."""
    from tasks.connections import ledger

    ledger().decisions.verify()
    rows = [
        {"seq": d.seq, "at": d.at, "kind": d.kind, "subject": d.subject, "actor": d.actor, "hash": d.hash[:12]}
        for d in ledger().decisions.list(model, limit)
    ]
    title, empty = f"decisions about {model}, chain verified", f"nothing was decided about {model} yet"
    return show_of_model(model, title, rows, empty, json)


def _answer(request: int | None, decision: str, by: str, reason: str, as_json: bool) -> int:
    from tasks.cli.loop_commands import wait_for
    from tasks.connections import ledger, orchestrator
    from tasks.domain.signed import require_named

    require_named("an answer", by)
    waiting = [found for found in ledger().approvals.pending(None) if request in (None, found.id)]
    if len(waiting) != 1:
        note = f"{len(waiting)} matching requests wait: `evergreen approvals`, then name one by its number"
        return nothing(note, as_json)
    run_id = waiting[0].flow_run_id
    orchestrator().answer(run_id, {"decision": decision, "approver": by, "reason": reason})
    run = wait_for(run_id, timeout=600)
    answer: dict[str, Any] = {"request": waiting[0].id, "state": run.state_name, "message": run.message, "url": run.url}
    if as_json:
        show_json(answer)
    else:
        say(f"{stated(run.state_name, run.message)}\n{run.url}")
    return OK if run.state_name in ("Promoted", "Rejected") else CHECK_FAILED


def _moved(promotion: Any, as_json: bool) -> int:
    if as_json:
        show_json(
            {
                "kind": promotion.kind.value,
                "to": promotion.to_sha256,
                "from": promotion.from_sha256,
                "seq": promotion.seq,
            }
        )
    else:
        say(f"{promotion.model}: {promotion.to_sha256[:12]} is champion ({promotion.kind.value} {promotion.seq})")
    return OK
