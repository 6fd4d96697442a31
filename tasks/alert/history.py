"""Which alert stands after a line of verdicts: the memory that makes one alert out of many sick windows.

Verdicts come as `verdict_json` writes them. An inconclusive window changes nothing: it neither repeats an alert
nor ends one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.alert.rules import AlertRules
from tasks.domain.finding import Outcome

Told = Mapping[str, Any]
"""A verdict as `verdict_json` writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The verdicts around a window, in the order of time; `previous` is its own one, when it is judged again."""

    earlier: Sequence[Told] = ()
    previous: Told | None = None
    later: Sequence[Told] = ()


def cameras(verdict: Mapping[str, Any]) -> tuple[str, ...]:
    """The cameras of all causes, sorted, each once."""
    return tuple(sorted({str(camera) for cause in verdict.get("causes", ()) for camera in cause.get("cameras", ())}))


def signature(model: str, verdict: Mapping[str, Any]) -> str:
    """What makes two verdicts the same news: model, outcome, action and the causes' cameras; 16 hex digits.

    >>> sick = {"outcome": "breach", "action": "fix_camera", "causes": [{"cameras": ["line-1"]}]}
    >>> signature("solar", sick) == signature("solar", {**sick, "sentence": "worse than yesterday"})
    True
    """
    words = (model, str(verdict["outcome"]), str(verdict["action"]), *cameras(verdict))
    return hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:16]


def before_and_after(model: str, history: History, present: Told, rules: AlertRules) -> tuple[Told | None, Told | None]:
    """What stands today, and what stands once `present` has taken the place of the window's previous verdict.

    A window counts once, however often it is judged: its previous verdict is remembered as told, but is not counted
    as a window of its own. Verdicts of later windows have the last word.
    """
    own = [history.previous] if history.previous is not None else []
    told = _standing(model, None, (), [*history.earlier, *own], rules)
    before = _standing(model, told, [*history.earlier, *own], history.later, rules)
    return before, _standing(model, told, history.earlier, [present, *history.later], rules)


def _standing(
    model: str, told: Told | None, already: Sequence[Told], verdicts: Iterable[Told], rules: AlertRules
) -> Told | None:
    """The verdict that people were last told of and that is not over, after these; None when all is well."""
    seen = list(already)
    for verdict in verdicts:
        seen.append(verdict)
        told = _after(model, told, seen, rules)
    return told


def _after(model: str, told: Told | None, seen: Sequence[Told], rules: AlertRules) -> Told | None:
    newest = seen[-1]
    if newest["outcome"] == Outcome.BREACH and _confirmed(seen, rules):
        same = told is not None and signature(model, told) == signature(model, newest)
        return told if same else newest
    if newest["outcome"] == Outcome.OK and _recovered(seen, rules):
        return None
    if newest["outcome"] == Outcome.INCONCLUSIVE and rules.inconclusive and told is None:
        return newest
    return told


def _confirmed(seen: Sequence[Told], rules: AlertRules) -> bool:
    newest = seen[-rules.fire_windows :]
    breaches = [verdict for verdict in newest if verdict["outcome"] == Outcome.BREACH]
    return len(breaches) >= rules.fire_breaches


def _recovered(seen: Sequence[Told], rules: AlertRules) -> bool:
    decided = [verdict for verdict in seen if verdict["outcome"] != Outcome.INCONCLUSIVE][-rules.resolve_windows :]
    return len(decided) == rules.resolve_windows and all(verdict["outcome"] == Outcome.OK for verdict in decided)
