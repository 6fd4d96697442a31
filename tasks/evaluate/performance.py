"""Is the champion still as good as it was? Only an interval that lies on one side of the limit answers that."""

from __future__ import annotations

import math

from tasks.domain.evaluation import Evaluation
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.power import more_needed
from tasks.domain.protocol import aside, refusal
from tasks.evaluate.rules import EvaluateRules

CHECK = "performance"

GONE = (
    "the labels that the baseline was measured on are gone, so freeze a golden set first (`evergreen golden-freeze "
    "MODEL`): it is measured again with every evaluation"
)
"""What to do where a baseline could not be measured again (`tasks.evaluate.task.comparable_baseline`)."""


def judge_performance(recent: Evaluation, baseline: Evaluation | None, rules: EvaluateRules) -> Report:
    """Breach when the whole 95 % interval lies below baseline - margin, ok when it lies above, else inconclusive.

    No baseline, too few labels, no labelled object, or another protocol is inconclusive, with the reason.
    """
    return Report(stage=Stage.EVALUATE, findings=(_finding(recent, baseline, rules),))


def _finding(recent: Evaluation, baseline: Evaluation | None, rules: EvaluateRules) -> Finding:
    value = recent.headline.value if math.isfinite(recent.headline.value) else None
    limit = None if baseline is None else baseline.headline.value - rules.margin
    outcome, note = _outcome(recent, baseline, rules)
    return Finding(
        check=CHECK,
        subject=recent.metric,
        outcome=outcome,
        value=value,
        limit=limit if limit is not None and math.isfinite(limit) else None,
        unit="0..1",
        n=recent.n,
        note=note,
    )


def _outcome(recent: Evaluation, baseline: Evaluation | None, rules: EvaluateRules) -> tuple[Outcome, str]:
    reason = obstacle(recent, baseline, rules)
    if reason or baseline is None:
        return Outcome.INCONCLUSIVE, reason
    low, high = recent.headline.low, recent.headline.high
    limit = baseline.headline.value - rules.margin
    span = f"{recent.headline.value:.3f} (95 %: {low:.3f} to {high:.3f}), was {baseline.headline.value:.3f}"
    span = f"{span}; {told}" if (told := aside(recent, baseline)) else span
    if high < limit:
        return Outcome.BREACH, f"{span}: below {limit:.3f} even at its best"
    if low > limit:
        return Outcome.OK, span
    return Outcome.INCONCLUSIVE, f"{span}: {limit:.3f} lies inside the interval, {_missing(recent, limit)}"


def _missing(recent: Evaluation, limit: float) -> str:
    """How many more labels decide it, if the value stays where it is."""
    away = abs(recent.headline.value - limit)
    more = more_needed(recent.n, (recent.headline.high - recent.headline.low) / 2, away)
    if more is None:
        return "more labels than anybody writes decide it: the value is almost at the limit"
    return f"about {more:,} more labels decide it"


def obstacle(recent: Evaluation, baseline: Evaluation | None, rules: EvaluateRules) -> str:
    """Why nothing can be said; empty when something can."""
    missing = rules.min_labels - recent.n
    if missing > 0:
        return f"{recent.n} labelled images, {missing} more needed"
    if not math.isfinite(recent.headline.value):
        return f"{recent.n} labelled images hold no object to find: label images that show some"
    if baseline is None or not math.isfinite(baseline.headline.value):
        return (
            "nobody measured this version when it became champion: evaluate it on a golden set, or let it pass shadow"
        )
    if refused := refusal(recent, baseline):
        return f"{refused}; {GONE}"
    if not math.isfinite(recent.headline.low):
        return f"{recent.n} labelled images from too few sessions: label more sessions"
    return ""
