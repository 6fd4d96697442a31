"""What is kept of estimates: calibrations and audits in the bucket, what labels said of them in the ledger."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from tasks.connections import ledger, store, tables
from tasks.domain.errors import ConfigError, ContractError, NotFound
from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.model import Kind, ModelRef
from tasks.domain.snapshot import TableRef, table_note, table_of
from tasks.domain.tables import AUDITS
from tasks.domain.window import Window
from tasks.estimate import calibration_json
from tasks.estimate.audit import Audit, Candidate, audit
from tasks.estimate.backtest import Check
from tasks.estimate.calibration import Calibration
from tasks.estimate.few import FewLabels
from tasks.estimate.flag import Flag
from tasks.estimate.guess import ESTIMATED
from tasks.estimate.reading import images_of

CALIBRATED, AUDIT = "calibrated", "audit"
"""Kinds of decision in the ledger."""

BACKTEST, AUDITED = "backtest", "audit"
"""What the sets are called whose evaluations are kept here."""

HISTORY = 1_000
"""Newest evaluations that are searched."""

STANDARD = 3.92
"""Width of a 95 % interval in standard errors."""


def keep_calibration(champion: ModelRef, found: Calibration, until: datetime | None = None) -> None:
    """The calibration beside the version; the ledger says which one counts, and up to when its images reach."""
    data = calibration_json.written(found)
    digest = hashlib.sha256(data).hexdigest()
    key = f"{champion.name}/evergreen/estimates/{champion.sha256[:16]}/calibration-{digest[:16]}.json"
    store().put(key, data, "application/json")
    payload: dict[str, Any] = {"key": key, "digest": digest, "labels": found.n, "second": found.second}
    payload["until"] = until.isoformat() if until else None
    ledger().decisions.append(champion.name, CALIBRATED, champion.sha256, "estimate", payload)


def calibration_of(champion: ModelRef) -> Calibration | None:
    """The newest calibration of this version; None without one, or when it is damaged or of another program version."""
    noted = ledger().decisions.latest(champion.name, CALIBRATED, champion.sha256)
    if noted is None:
        return None
    try:
        data = store().get(noted.payload["key"], calibration_json.MAX_BYTES)
        return calibration_json.read(data) if hashlib.sha256(data).hexdigest() == noted.payload["digest"] else None
    except (NotFound, ContractError):
        return None


def checks_of(champion: ModelRef) -> list[Check]:
    """Every estimate that labels caught up with, the newest window first; of a window what most labels said."""
    found: dict[Window, Check] = {}
    for record in ledger().evaluations.list(champion.name, HISTORY):
        kept = record.evaluation
        if kept.dataset != BACKTEST or kept.model_sha256 != champion.sha256 or record.window is None:
            continue
        check = Check(
            window=record.window,
            flag=(Flag.VALID if kept.metrics["valid"] else Flag.EXTRAPOLATING).value,
            estimate=kept.metrics["estimate"],
            measured=kept.headline.value,
            doubt=(kept.headline.high - kept.headline.low) / STANDARD,
            n=kept.n,
        )
        if record.window not in found or found[record.window].n < check.n:
            found[record.window] = check
    return [found[window] for window in sorted(found, key=lambda each: each.end, reverse=True)]


def keep_check(champion: ModelRef, check: Check, measured: Interval, digest: str) -> None:
    """What labels said of an estimate."""
    kept = Evaluation(
        model_sha256=champion.sha256,
        dataset=BACKTEST,
        digest=digest,
        protocol="",
        metric=ESTIMATED[champion.kind],
        headline=measured,
        n=check.n,
        metrics={"estimate": check.estimate, "valid": float(check.flag == Flag.VALID), "error": check.error},
    )
    ledger().evaluations.save(champion.name, kept, check.window)


def draw_audit(model: str, n: int, window: Window | None = None) -> tuple[Audit, TableRef]:
    """`n` random images of a judged window (the newest with images), written down with their chances.

    Raises:
        ConfigError: fewer than one image is asked for.
        NotFound: no such window was judged, or it has no accepted image.
    """
    if n < 1:
        raise ConfigError(f"an audit looks at one image at least, {n} were asked for: --n 100")
    found = next((each for each in _judged(model) if window in (None, each[0])), None)
    if found is None:
        which = f"window {window}" if window else "window with an accepted image"
        raise NotFound(f"no {which} of {model!r} was judged: `evergreen monitor {model}` first")
    drawn = audit(found[0], images_of(tables(), found[1]), n)
    return drawn, _keep_audit(model, drawn)


def audits_of(model: str, last: int = 20) -> list[tuple[Window, list[Candidate]]]:
    """The newest audits: the window, and the images drawn with their chances."""
    noted = [each for each in ledger().decisions.list(model, HISTORY) if each.kind == AUDIT][:last]
    return [
        (
            Window.parse(each.subject),
            [_candidate(row) for row in tables().read(table_of(each.payload["table"])).to_pylist()],
        )
        for each in noted
    ]


def keep_audited(champion: ModelRef, window: Window, found: dict[str, FewLabels], digest: str) -> None:
    """What an audit's labels say of the window, with and without the help of guesses."""
    f1 = found["f1"]
    facts = {"trust": f1.trust, "gain": f1.gain, "pool": float(f1.pool), "alone_low": f1.alone.low}
    facts["alone_high"] = f1.alone.high
    for name, each in found.items():
        facts |= {name: each.interval.value, f"{name}_low": each.interval.low, f"{name}_high": each.interval.high}
    kept = Evaluation(
        model_sha256=champion.sha256,
        dataset=AUDITED,
        digest=digest,
        protocol="",
        metric="accuracy" if champion.kind is Kind.CLASSIFY else "f1",
        headline=f1.interval,
        n=f1.n,
        metrics={name: value for name, value in facts.items() if math.isfinite(value)},
    )
    ledger().evaluations.save(champion.name, kept, window)


def audited_of(champion: ModelRef) -> list[tuple[Window, Evaluation]]:
    """What audits said of this version, the newest first."""
    found = ledger().evaluations.list(champion.name, HISTORY)
    return [
        (record.window, record.evaluation)
        for record in found
        if record.window and record.evaluation.dataset == AUDITED and record.evaluation.model_sha256 == champion.sha256
    ]


def _judged(model: str) -> list[tuple[Window, TableRef]]:
    rows = ledger().windows.latest(model, 200)
    return [(row.window, row.facts.catalog) for row in rows if row.facts and row.facts.catalog and row.facts.accepted]


def _keep_audit(model: str, drawn: Audit) -> TableRef:
    rows = [
        {
            "image_id": each.image.image_id,
            "key": each.image.key,
            "sha256": each.image.sha256,
            "camera": each.image.camera,
            "captured_at": each.image.captured_at,
            "chance": each.chance,
        }
        for each in drawn.drawn
    ]
    ref: TableRef = tables().write(
        pa.Table.from_pylist(rows, schema=AUDITS),
        "audits",
        f"{model}/evergreen/audits/{drawn.window.start:%Y%m%dT%H%M%SZ}-{len(rows)}-{_digest(rows)}.parquet",
    )
    note = table_note(ref)
    known = ledger().decisions.latest(model, AUDIT, str(drawn.window))
    if known is None or known.payload["table"] != note:
        payload = {"table": note, "n": len(rows), "accepted": drawn.accepted}
        ledger().decisions.append(model, AUDIT, str(drawn.window), "estimate", payload)
    return ref


def _digest(rows: Sequence[dict[str, object]]) -> str:
    return hashlib.sha256(json.dumps([row["sha256"] for row in rows]).encode()).hexdigest()[:12]


def _candidate(row: dict[str, object]) -> Candidate:
    return Candidate(**row)  # type: ignore[arg-type] # the columns are the fields
