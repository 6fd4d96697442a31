"""Moving the champion: a sequence of moves per model, each a compare-and-set on the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from tasks.adapters.ledger import approval_rows, decisions, outbox
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.lineage import champion_sha256, moves, standing
from tasks.adapters.ledger.records import DecisionKind, Entry, Intent
from tasks.adapters.ledger.schema import promotions
from tasks.adapters.ledger.versions import existing_version
from tasks.domain.errors import ContractError, Stale
from tasks.domain.intent import IntentKind, projection_key
from tasks.domain.model import ModelRef
from tasks.domain.promotion import Promotion, PromotionKind


class Promotions:
    """Who is champion, how it became so, and where a rollback would lead."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def champion(self, model: str) -> ModelRef | None:
        """The version that the newest move led to; None before the first."""
        with self._database.read() as connection:
            sha256 = champion_sha256(connection, model)
            return existing_version(connection, model, sha256).ref if sha256 else None

    def history(self, model: str) -> list[Promotion]:
        """All moves, the newest first."""
        with self._database.read() as connection:
            return moves(connection, model)[::-1]

    def rollback_target(self, model: str) -> str | None:
        """SHA-256 of the champion before the present one, rolled-back ones left out; None when there is none."""
        with self._database.read() as connection:
            pile = standing(moves(connection, model))
        return pile[-2] if len(pile) > 1 else None

    def move(  # noqa: PLR0913 - every word of a move is in the audit trail
        self,
        model: str,
        kind: PromotionKind,
        expected_from: str | None,
        to: str,
        actor: str,
        reason: str,
        approval_id: int | None = None,
        intents: Sequence[Intent] = (),
    ) -> Promotion:
        """Make the version `to` the champion, provided that `expected_from` (SHA-256, empty for none) is it now.

        The move, its decision, the intent to project the aliases and `intents` are one transaction.

        Raises:
            Stale: the champion is another one; or the approval is missing, not for exactly these two, not
                approved, expired or used.
            ContractError: a bootstrap where there is a champion, a promotion where there is none, a rollback to
                what was never under the present champion, or a gate report that did not pass.
            NotFound: no such version or approval.
        """
        wanted = Promotion(
            model=model,
            seq=0,
            kind=PromotionKind(kind),
            from_sha256=expected_from or "",
            to_sha256=to,
            approval_id=approval_id,
            actor=actor,
            reason=reason,
            at=self._database.now(),
        )
        with self._database.write() as connection:
            return _move(connection, self._database.now(), wanted, intents)


def _move(connection: Connection, now: datetime, wanted: Promotion, intents: Sequence[Intent]) -> Promotion:
    present = champion_sha256(connection, wanted.model)
    if present != wanted.from_sha256:
        raise Stale(
            f"{wanted.model!r}: the champion is {present[:12] or 'not set'}, not {wanted.from_sha256[:12] or 'unset'}: "
            "somebody moved it, look again"
        )
    existing_version(connection, wanted.model, wanted.to_sha256)
    _check_kind(connection, now, wanted)
    values = {**asdict(wanted), "seq": _next_seq(connection, wanted.model), "at": now}
    connection.execute(insert(promotions).values(**values))
    done = Promotion(**values)
    approval_rows.supersede(connection, now, wanted.model, wanted.to_sha256)
    projection = Intent(
        key=projection_key(done.model, done.seq), kind=IntentKind.PROJECT_ALIASES, payload={"model": done.model}
    )
    outbox.enqueue(connection, now, (projection, *intents))
    _decide(connection, now, done)
    return done


def _check_kind(connection: Connection, now: datetime, wanted: Promotion) -> None:
    if not wanted.actor.strip():
        raise ContractError("a champion is moved by somebody with a name")
    if wanted.from_sha256 == wanted.to_sha256:
        raise ContractError(f"{wanted.to_sha256[:12]} is the champion of {wanted.model!r} already")
    if wanted.approval_id is not None and wanted.kind is not PromotionKind.PROMOTE:
        raise ContractError(f"a {wanted.kind} uses up no approval: leave {wanted.approval_id} out")
    if wanted.kind is PromotionKind.BOOTSTRAP:
        _check_bootstrap(wanted)
    elif wanted.kind is PromotionKind.ROLLBACK:
        _check_rollback(connection, wanted)
    else:
        _check_promotion(connection, now, wanted)


def _check_bootstrap(wanted: Promotion) -> None:
    if wanted.from_sha256:
        raise ContractError(f"{wanted.model!r} has a champion: a new one needs a gate and an approval")


def _check_rollback(connection: Connection, wanted: Promotion) -> None:
    if wanted.to_sha256 not in standing(moves(connection, wanted.model))[:-1]:
        raise ContractError(
            f"{wanted.to_sha256[:12]} was not champion of {wanted.model!r} before the present one, "
            "or was rolled back from: promote it through a gate instead"
        )


def _check_promotion(connection: Connection, now: datetime, wanted: Promotion) -> None:
    if not wanted.from_sha256:
        raise ContractError(f"{wanted.model!r} has no champion yet: bootstrap the first one")
    approval_rows.spend(connection, now, wanted)


def _next_seq(connection: Connection, model: str) -> int:
    query = select(func.coalesce(func.max(promotions.c.seq), 0)).where(promotions.c.model == model)
    return int(connection.execute(query).scalar_one()) + 1


def _decide(connection: Connection, now: datetime, done: Promotion) -> None:
    payload = {
        "seq": done.seq,
        "kind": done.kind.value,
        "from_sha256": done.from_sha256,
        "to_sha256": done.to_sha256,
        "approval_id": done.approval_id,
        "reason": done.reason,
    }
    decisions.record(
        connection,
        now,
        Entry(model=done.model, kind=DecisionKind.PROMOTION, subject=done.to_sha256, actor=done.actor, payload=payload),
    )
