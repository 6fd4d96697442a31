"""What the two sides say at this moment: the ledger, and MLflow."""

from __future__ import annotations

from tasks.domain.intent import projection_key
from tasks.promote.books import LedgerBook, RegistryBook
from tasks.promote.projection import Shown, Standing


def shown_in(registry: RegistryBook, model: str) -> Shown:
    """What MLflow says. Ask it before the ledger: a move in between then looks like one that is under way."""
    aliases = registry.aliases(model)
    versions = registry.versions(model)
    return Shown(
        aliases=aliases,
        sha256={one.version: one.sha256 for one in versions},
        live={one.sha256: one.version for one in reversed(versions) if one.sha256 and not one.duplicate},
    )


def standing_of(ledger: LedgerBook, model: str) -> Standing:
    """What the ledger says; of several waiting requests the newest is the challenger."""
    champion = ledger.promotions.champion(model)
    waiting = ledger.approvals.pending(model)
    history = ledger.promotions.history(model)
    carried = ledger.outbox.get(projection_key(model, history[0].seq)) if history else None
    return Standing(
        champion=champion.sha256 if champion else "",
        previous=ledger.promotions.rollback_target(model) or "",
        challenger=max(waiting, key=lambda one: one.id).challenger_sha256 if waiting else "",
        settled=carried is not None and carried.state == "done",
    )
