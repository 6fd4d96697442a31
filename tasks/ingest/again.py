"""A window in which nothing changed since it was judged is not read again: its tables stand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.objects import ObjectStore
from tasks.domain.contract_reasons import Reason
from tasks.domain.snapshot import LEFT_OUT, LISTED, RECIPE, Claim, Snapshot, table_of
from tasks.ingest.rules import IngestRules

PULL_VERSION = 2
"""Changes whenever the same objects and rules would give other tables."""

PASSING = frozenset({Reason.VANISHED, Reason.CHANGED_DURING_READ, Reason.FETCH_TIMEOUT})
"""Refusals that may have passed: a window with one of them is read again."""


def recipe(rules: IngestRules, classes: int | None) -> str:
    """What a window's tables depend on beside its objects, as one digest."""
    words = (str(PULL_VERSION), rules.model_dump_json(), str(classes))
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]


def standing(
    claim: Claim, facts: WindowFacts | None, wanted: str, store: ObjectStore, mark: Callable[[], str]
) -> Snapshot | None:
    """The snapshot that the window was judged by; None when it has to be pulled anew.

    Args:
        claim: Who judges it now.
        facts: What the newest verdict stands on.
        wanted: The recipe of now.
        store: Where its tables must still be.
        mark: Lists the window; asked only where everything else is as it was.
    """
    if (
        facts is None
        or facts.catalog is None
        or facts.artifacts.get(RECIPE) != wanted
        or PASSING & set(facts.quarantined)
    ):
        return None
    predictions = table_of(facts.artifacts["predictions"])
    tables = (facts.catalog, predictions)
    if not all(store.exists(store.key_of(each.uri)) for each in tables) or mark() != facts.artifacts.get(LISTED):
        return None
    return Snapshot(
        claim=claim,
        catalog=facts.catalog,
        predictions=predictions,
        listed=facts.listed,
        accepted=facts.accepted,
        quarantined=sum(facts.quarantined.values()),
        mark=facts.artifacts[LISTED],
        left_out=int(facts.artifacts.get(LEFT_OUT, "0")),
        recipe=wanted,
    )
