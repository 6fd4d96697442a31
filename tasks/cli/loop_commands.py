"""Commands that run the loop and look at what it found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

from tasks.cli.known_model import hint, show_of_model
from tasks.cli.output import CHECK_FAILED, OK, nothing, say, show_json, show_table
from tasks.domain.finding import ALL, Finding, Outcome, finding_json
from tasks.domain.window import Window
from tasks.domain.wording import excess, stated

POLL_SECONDS = 1.0

BREACHES = 20
"""Rows that `explain` shows unless it is asked for everything."""


def monitor(
    model: str | None = None,
    *,
    window: str | None = None,
    backfill: str | None = None,
    rescore: bool = False,
    as_of: Literal["then", "now"] = "then",
    json: bool = False,
) -> int:
    """Judge every window that is due, one by name (`--window start/end`), or all of a span (`--backfill start/end`).

    Windows that are named are measured by the champion, reference and rules of their time, unless `--as-of now`.
    """
    given = _given(model=model, window=window, backfill=backfill, rescore=rescore)
    given |= {"as_of": as_of} if as_of != "then" else {}
    return _start("monitor/default", given, json)


def evaluate(model: str | None = None, *, json: bool = False) -> int:
    """Evaluate the champion on the labels that have arrived."""
    return _start("evaluate/default", _given(model=model), json)


def retrain(model: str, *, reason: str = "asked for on the command line", json: bool = False) -> int:
    """Train a challenger from the champion and the new labels."""
    return _start("retrain/default", {"model": model, "reason": reason}, json)


def shadow(model: str, *, version: str | None = None, json: bool = False) -> int:
    """Compare a version with the champion (`--version` by number or hash prefix; default: the newest), and ask.

    What you trained elsewhere gets in this way: `evergreen import-weights`, then this.
    """
    from tasks.connections import ledger
    from tasks.promote.challenger import challenger_of

    chosen = challenger_of(ledger(), model, version or "")
    return _start("shadow/default", {"model": model, "challenger_sha256": chosen.sha256}, json)


def windows(model: str, *, limit: int = 20, json: bool = False) -> int:
    """The newest windows with their verdicts."""
    from tasks.connections import ledger

    rows = [
        {
            "window": str(row.window),
            "outcome": (row.outcome or row.state).value,
            "action": row.action.value if row.action else "",
            "revision": row.revision,
            "sentence": (row.verdict or {}).get("sentence", row.message),
        }
        for row in ledger().windows.latest(model, limit)
    ]
    empty = f"no window of {model} was judged yet: `evergreen monitor {model}`"
    return show_of_model(model, f"windows of {model}", rows, empty, json)


def explain(model: str, *, window: str | None = None, everything: bool = False, json: bool = False) -> int:
    """Why the newest window (or `--window`) was judged as it was; `--everything` for all that was out of limits."""
    from tasks.connections import ledger

    book = ledger()
    row = book.windows.get(model, Window.parse(window)) if window else next(iter(book.windows.latest(model, 1)), None)
    if row is None or row.verdict is None:
        return nothing(f"no such window of {model} was judged: `evergreen windows {model}`{hint(model)}", json)
    found = book.findings.of(model, row.window)
    if json:
        findings = [{"stage": stage.value, **finding_json(finding)} for stage, finding in found]
        show_json(
            {
                "window": str(row.window),
                "verdict": row.verdict,
                "findings": findings,
                "pages": dict(row.facts.artifacts) if row.facts else {},
            }
        )
        return OK
    say(f"{row.window}: {row.verdict.get('sentence', row.state)}")
    for cause in row.verdict.get("causes", []):
        say(f"  because: {cause['summary']} (since {cause['since'] or 'this window'})")
    _show_breaches([f for _, f in found if f.outcome is Outcome.BREACH], everything)
    return OK


def _show_breaches(breaches: Sequence[Finding], everything: bool) -> None:
    """All cameras together first, then by how far the value lies beyond its limit."""
    ranked = sorted(breaches, key=lambda each: (each.slice != ALL, -excess(each)))
    rows = [
        {"check": f.check, "subject": f.subject, "where": f.slice, "value": f.value, "limit": f.limit, "n": f.n,
         "note": f.note}
        for f in (ranked if everything else ranked[:BREACHES])
    ]  # fmt: skip
    show_table("out of limits", rows, "nothing was out of limits")
    if len(ranked) > len(rows):
        say(f"{len(ranked) - len(rows)} more, mostly of single cameras: --everything")


def versions(model: str, *, json: bool = False) -> int:
    """Every version with its hash, its parent and who is champion."""
    from tasks.connections import ledger

    book = ledger()
    champion = book.promotions.champion(model)
    rows = [
        {
            "version": record.ref.version or "?",
            "sha256": record.ref.sha256[:12],
            "role": "champion" if champion and champion.sha256 == record.ref.sha256 else "",
            "source": record.source,
            "parent": record.parent_sha256[:12] if record.parent_sha256 else "",
            "created": f"{record.created_at:%Y-%m-%d %H:%M}",
        }
        for record in book.versions.list(model)
    ]
    return show_of_model(model, f"versions of {model}", rows, f"{model} has no version yet", json)


def schema(table: str | None = None, *, json: bool = True) -> int:  # asked for or not, it is JSON
    """The data contract as JSON schema, all of it or one table."""
    from tasks.domain.contract import json_schemas
    from tasks.domain.errors import NotFound

    schemas = json_schemas()
    if table and table not in schemas:
        raise NotFound(f"no table {table!r}; there are {', '.join(sorted(schemas))}")
    show_json(schemas[table] if table else schemas)
    return OK


def wait_for(run_id: str, timeout: float = 3600.0) -> Any:
    """The run once it has finished or waits for a person, or as it is after `timeout` seconds."""
    from tasks.connections import orchestrator

    deadline = time.monotonic() + timeout
    run = orchestrator().run(run_id)
    while not (run.finished or run.waiting) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        run = orchestrator().run(run_id)
    return run


def _given(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value not in (None, False)}


def _start(deployment: str, parameters: dict[str, Any], as_json: bool) -> int:
    from tasks.connections import orchestrator

    run = wait_for(orchestrator().start(deployment, parameters).id)
    if as_json:
        show_json(
            {"id": run.id, "state": run.state_name, "type": run.state_type, "message": run.message, "url": run.url}
        )
    else:
        say(f"{stated(run.state_name, run.message)}\n{run.url}")
    return OK if run.state_type in ("COMPLETED", "PAUSED") else CHECK_FAILED
