"""Reading windows: rows of two tables and the object counts, as one record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from tasks.adapters.ledger.records import WindowFacts, WindowRecord, WindowState
from tasks.adapters.ledger.schema import objects, revisions, windows
from tasks.domain.errors import LostLease
from tasks.domain.finding import Outcome
from tasks.domain.snapshot import Claim, TableRef
from tasks.domain.verdict import Action
from tasks.domain.window import Window

QUARANTINED = "quarantined"
ACCEPTED = "accepted"

_COMMITTED = [column for column in revisions.c if column.name not in {"window_id", "revision", "epoch"}]


def window_row(connection: Connection, model: str, window: Window) -> Row[Any] | None:
    """The row of the window itself, or None when nobody ever claimed it."""
    query = select(windows).where(
        windows.c.model == model, windows.c.start_at == window.start, windows.c.end_at == window.end
    )
    return connection.execute(query).one_or_none()


def held(connection: Connection, claim: Claim) -> Row[Any]:
    """The row of a window that the claim still holds.

    A lease that ran out without anybody taking over still counts. Raises `LostLease` otherwise.
    """
    row = window_row(connection, claim.model, claim.window)
    if row is None:
        raise LostLease(f"the ledger knows no claim of {claim.window_id}")
    if row.epoch != claim.epoch:
        raise LostLease(
            f"{claim.window_id} is at epoch {row.epoch}, held by {row.owner!r}: epoch {claim.epoch} must stop"
        )
    if row.state != WindowState.CLAIMED:
        raise LostLease(f"{claim.window_id} is {row.state}: the claim of epoch {claim.epoch} was given back")
    return row


def newest(model: str) -> Select[Any]:
    """The model's windows, each beside its newest revision; columns of the latter are null before the first."""
    beside = and_(revisions.c.window_id == windows.c.id, revisions.c.revision == windows.c.revision)
    query = select(windows, *_COMMITTED).select_from(windows.outerjoin(revisions, beside))
    return query.where(windows.c.model == model)


def every_revision(window_id: int) -> Select[Any]:
    """All committed revisions of one window, the newest first."""
    return _committed().where(windows.c.id == window_id).order_by(revisions.c.revision.desc())


def written_by(claim: Claim) -> Select[Any]:
    """The one revision that a claim committed."""
    here = (windows.c.start_at == claim.window.start, windows.c.end_at == claim.window.end)
    return _committed().where(windows.c.model == claim.model, *here, revisions.c.revision == claim.revision)


def _committed() -> Select[Any]:
    own = [column for column in windows.c if column.name not in {"epoch", "revision"}]
    query = select(*own, revisions.c.epoch, revisions.c.revision, *_COMMITTED)
    return query.select_from(windows.join(revisions, revisions.c.window_id == windows.c.id))


def records(connection: Connection, query: Select[Any]) -> list[WindowRecord]:
    """The records of a query made by `newest`, `every_revision` or `written_by`, in its order."""
    rows = connection.execute(query).mappings().all()
    counts = _quarantined(connection, {row["id"] for row in rows})
    return [_record(row, counts.get((row["id"], row["revision"]), {})) for row in rows]


def _quarantined(connection: Connection, ids: Iterable[int]) -> dict[tuple[int, int], dict[str, int]]:
    query = select(objects).where(objects.c.window_id.in_(sorted(ids)), objects.c.verdict == QUARANTINED)
    found: dict[tuple[int, int], dict[str, int]] = {}
    for row in connection.execute(query.order_by(objects.c.reason)).mappings():
        found.setdefault((row["window_id"], row["revision"]), {})[row["reason"]] = row["count"]
    return found


def _record(row: Mapping[Any, Any], quarantined: Mapping[str, int]) -> WindowRecord:
    committed = row["committed_at"] is not None
    return WindowRecord(
        model=row["model"],
        window=Window(row["start_at"], row["end_at"]),
        state=WindowState(row["state"]),
        epoch=row["epoch"],
        revision=row["revision"],
        owner=row["owner"],
        lease_until=row["lease_until"],
        attempts=row["attempts"],
        message=row["message"],
        outcome=Outcome(row["outcome"]) if committed else None,
        action=Action(row["action"]) if committed else None,
        verdict=row["verdict"],
        facts=_facts(row, quarantined) if committed else None,
        digest=row["digest"] or "",
        committed_at=row["committed_at"],
    )


def _facts(row: Mapping[Any, Any], quarantined: Mapping[str, int]) -> WindowFacts:
    return WindowFacts(
        listed=row["listed"],
        accepted=row["accepted"],
        quarantined=quarantined,
        catalog=TableRef(**row["catalog"]) if row["catalog"] else None,
        artifacts=row["artifacts"],
        champion_sha256=row["champion_sha256"],
        reference_id=row["reference_id"],
        config_hash=row["config_hash"],
    )
