"""The line of champions: it is read off the moves, so there is exactly one, and never none after the first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select

from tasks.adapters.ledger.schema import promotions
from tasks.domain.promotion import Promotion, PromotionKind


def champion_sha256(connection: Connection, model: str) -> str:
    """Where the newest move led; empty before the first."""
    query = select(promotions.c.to_sha256).where(promotions.c.model == model).order_by(promotions.c.seq.desc())
    return str(connection.execute(query.limit(1)).scalar_one_or_none() or "")


def moves(connection: Connection, model: str) -> list[Promotion]:
    """All moves, the oldest first."""
    query = select(promotions).where(promotions.c.model == model).order_by(promotions.c.seq)
    return [_promotion(row) for row in connection.execute(query)]


def standing(history: Iterable[Promotion]) -> list[str]:
    """The champions that a rollback can go back through, the present one last.

    A promotion lays one on top; a rollback takes all off that lie above its target. So two rollbacks go back
    two steps, and a version that was rolled back from never returns this way.
    """
    pile: list[str] = []
    for move in history:
        if move.kind is PromotionKind.ROLLBACK:
            while pile and pile[-1] != move.to_sha256:
                pile.pop()
        else:
            pile.append(move.to_sha256)
    return pile


def _promotion(row: Row[Any]) -> Promotion:
    return Promotion(
        model=row.model,
        seq=row.seq,
        kind=PromotionKind(row.kind),
        from_sha256=row.from_sha256,
        to_sha256=row.to_sha256,
        approval_id=row.approval_id,
        actor=row.actor,
        reason=row.reason,
        at=row.at,
    )
