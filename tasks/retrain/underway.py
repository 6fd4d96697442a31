"""Whether a challenger is on its way already: then a breach that is judged again asks for no second one."""

from __future__ import annotations

import logging
from datetime import timedelta

from tasks.connections import ledger, orchestrator
from tasks.domain.errors import EvergreenError

CHAIN = ("retrain", "shadow", "promote")
"""The flows between a breach and a person's question."""

LONGEST = timedelta(hours=24)
"""A run that was asked for longer ago counts no more: one whose machine was lost may look alive for ever. A training
that really takes so long is not repeated either: the second one waits for it, and finds it by its key or cools down."""

log = logging.getLogger(__name__)


def under_way(model: str) -> str:
    """Why no challenger has to be asked for now, in a sentence; empty when nobody is at it."""
    busy = waiting(model) or _running(model)
    if busy:
        log.info("%s: no further challenger is asked for: %s", model, busy)
    return busy


def waiting(model: str) -> str:
    """The question about a challenger that nobody has answered yet, in a sentence; empty when there is none.

    A question about another champion does not count: its answer can change nothing any more.
    """
    champion = ledger().promotions.champion(model)
    asked = [each for each in ledger().approvals.pending(model) if champion and each.base_sha256 == champion.sha256]
    if not asked:
        return ""
    return f"version {asked[0].challenger_sha256[:12]} waits for an answer: `evergreen approve` or `evergreen reject`"


def _running(model: str) -> str:
    """The run of the chain that is at it, in a sentence.

    When Prefect does not say, nobody is: one question too many is refused by retrain itself, a missing one by nobody.
    """
    try:
        runs = [run for flow in CHAIN for run in orchestrator().unfinished(flow, LONGEST)]
    except EvergreenError as error:
        log.warning("%s: whether a challenger is on its way is not known: %s", model, error)
        return ""
    busy = (f"{run.flow} {run.name} is {run.state_name}" for run in runs if run.parameters.get("model") == model)
    return next(busy, "")
