"""What a window is measured by: champion, reference and rules, those of now or those of its own time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from tasks.adapters.ledger.records import PinnedReference, WindowFacts, WindowRecord
from tasks.connections import ledger, store
from tasks.domain.errors import ConfigError, NotFound
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import AS_OF
from tasks.domain.window import Window
from tasks.domain.wording import moment

R = TypeVar("R", bound=BaseModel)

AsOf = Literal["then", "now"]
"""`then`: as the window was first judged, or would have been when it ended. `now`: what is in force today."""

RULES_BYTES = 1 << 20
TIMELY, LOOK_BACK, NEIGHBOURS = timedelta(days=2), timedelta(days=30), 50
"""The rules of a time are those of a window near it that was judged within `TIMELY` of its end: one of at most
`NEIGHBOURS` windows of the `LOOK_BACK` before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """`rules` maps the name of a rules class to its values, {} where those of now count; `told` says which it is."""

    champion: ModelRef | None
    reference: PinnedReference | None
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    told: str = "what is in force now"

    def applied(self, rules: R) -> R:
        """The same rules with the values of the yardstick's time.

        Raises:
            ConfigError: an older version wrote them, and this one does not understand them any more.
        """
        values = self.rules.get(type(rules).__name__)
        if values is None:
            return rules
        try:
            return type(rules).model_validate(values)
        except ValidationError as error:
            name = type(rules).__name__
            raise ConfigError(f"the {name} of then do not fit this version; judge `--as-of now`: {error}") from error

    def beside(self, facts: WindowFacts) -> WindowFacts:
        """The facts of a window that was measured by it."""
        return replace(
            facts,
            champion_sha256=self.champion.sha256 if self.champion else "",
            reference_id=self.reference.id if self.reference else None,
            artifacts={**facts.artifacts, AS_OF: self.told},
        )


def yardstick(model: str, window: Window, as_of: AsOf) -> Yardstick:
    """What the window is measured by; where nothing of then is known, what is in force now, and it says so."""
    if as_of == "now":
        return _now(model)
    first = _first_judged(model, window)
    if first is not None and first.facts is not None:
        return _as_first_judged(model, first, first.facts)
    return _as_it_ended(model, window)


def keep_rules(model: str, rules: Sequence[BaseModel], digest: str) -> None:
    """Write the rules of a verdict down under their digest, so that a later judgement can be made by them."""
    key = _rules_key(model, digest)
    if not store().exists(key):
        values = {type(each).__name__: each.model_dump(mode="json") for each in rules}
        store().put(key, json.dumps(values, sort_keys=True).encode(), "application/json")


def _rules_key(model: str, digest: str) -> str:
    return f"{model}/evergreen/rules/{digest}.json"


def _kept_rules(model: str, digest: str) -> Mapping[str, Mapping[str, Any]]:
    """The rules of that digest; {} where an earlier version judged, which kept the digest only."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(store().get(_rules_key(model, digest), RULES_BYTES))
    except NotFound:
        return {}
    return found


def _now(model: str) -> Yardstick:
    champion = ledger().promotions.champion(model)
    return Yardstick(champion=champion, reference=_newest_pin(model, champion))


def _newest_pin(model: str, champion: ModelRef | None) -> PinnedReference | None:
    return ledger().references.current(model, champion.sha256) if champion else None


def _as_first_judged(model: str, first: WindowRecord, facts: WindowFacts) -> Yardstick:
    told = f"as first judged on {moment(first.committed_at)}" if first.committed_at else "as first judged"
    sha256, pinned = facts.champion_sha256, facts.reference_id
    champion = ledger().versions.get(model, sha256).ref if sha256 else None
    reference = ledger().references.get(pinned) if pinned is not None else None
    return _filled(model, champion, reference, _kept_rules(model, facts.config_hash), told)


def _as_it_ended(model: str, window: Window) -> Yardstick:
    moves = [move for move in ledger().promotions.history(model) if move.at <= window.end]
    champion = ledger().versions.get(model, moves[0].to_sha256).ref if moves else None
    reference = ledger().references.current(model, champion.sha256, window.end) if champion else None
    near = next(_timely(model, window), None)
    rules = _kept_rules(model, near.config_hash) if near else {}
    return _filled(model, champion, reference, rules, f"what was in force when it ended, {moment(window.end)}")


def _filled(
    model: str,
    champion: ModelRef | None,
    reference: PinnedReference | None,
    rules: Mapping[str, Mapping[str, Any]],
    told: str,
) -> Yardstick:
    """Gaps filled with what is in force now, each said by name."""
    missing = {"champion": champion is None, "reference": reference is None, "rules": not rules}
    champion = champion or ledger().promotions.champion(model)
    reference = reference or _newest_pin(model, champion)
    names = ", ".join(name for name, gap in missing.items() if gap)
    told = f"{told}; of now, because nothing else is known: {names}" if names else told
    return Yardstick(champion=champion, reference=reference, rules=rules, told=told)


def _first_judged(model: str, window: Window) -> WindowRecord | None:
    return next(iter(ledger().windows.revisions(model, window)[::-1]), None)


def _timely(model: str, window: Window) -> Iterator[WindowFacts]:
    """The facts of windows before this one that were judged soon after they ended, the newest first."""
    near = ledger().windows.between(model, window.start - LOOK_BACK, window.end)
    for record in near[-NEIGHBOURS:][::-1]:
        first = _first_judged(model, record.window)
        if first and first.facts and first.committed_at and first.committed_at - record.window.end <= TIMELY:
            yield first.facts
