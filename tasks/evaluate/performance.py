"""Is the champion still as good as it was? Only an interval of the change on one side of the margin answers that."""

from __future__ import annotations

import math

from tasks.domain.change import change
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

MORE_GOLDEN = "mark more labelled images golden, then `evergreen golden-accept MODEL`"
"""What to do where a baseline says too little."""


def judge_performance(recent: Evaluation, baseline: Evaluation | None, rules: EvaluateRules) -> Report:
    """Breach when the whole 95 % interval of the change lies below -margin, ok when it lies above, else inconclusive.

    The baseline was measured on a few images too: its own doubt belongs to the change, or an unchanged model falls
    whenever its baseline was lucky. No baseline, too few labels of either, no labelled object, or another protocol is
    inconclusive, with the reason.
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
    limit = baseline.headline.value - rules.margin
    moved = change(recent.headline, baseline.headline)
    span = f"{_span(recent)}, was {_span(baseline)}: {moved.value:+.3f} (95 %: {moved.low:+.3f} to {moved.high:+.3f})"
    span = f"{span}; {told}" if (told := aside(recent, baseline)) else span
    if moved.high < -rules.margin:
        return Outcome.BREACH, f"{span}: below {limit:.3f} even at its best"
    if moved.low > -rules.margin:
        return Outcome.OK, span
    missing = _missing(recent, baseline, abs(recent.headline.value - limit))
    return Outcome.INCONCLUSIVE, f"{span}: a change of {-rules.margin:+.3f} lies inside the interval, {missing}"


def _span(found: Evaluation) -> str:
    return f"{found.headline.value:.3f} ({found.headline.low:.3f} to {found.headline.high:.3f})"


def _missing(recent: Evaluation, baseline: Evaluation, away: float) -> str:
    """Whose labels decide it, and how many more, if both values stay where they are, `away` (0..1) from the limit."""
    mine, other = ((each.headline.high - each.headline.low) / 2 for each in (recent, baseline))
    if other >= away:
        more = more_needed(baseline.n, other, away / math.sqrt(2))  # the other half is left to the recent ones
        whose = f"labels of its baseline (now {baseline.n:,})"
    else:
        more, whose = more_needed(recent.n, mine, math.sqrt(away**2 - other**2)), "labels"
    if more is None:
        return "more labels than anybody writes decide it: the value is almost at the limit"
    return f"about {more:,} more {whose} decide it"


def obstacle(recent: Evaluation, baseline: Evaluation | None, rules: EvaluateRules) -> str:
    """Why nothing can be said; empty when something can."""
    missing = rules.min_labels - recent.n
    if missing > 0:
        return f"{recent.n} labelled images, {missing} more needed"
    if not math.isfinite(recent.headline.value):
        return f"{recent.n} labelled images hold no object to find: label images that show some"
    if reason := _unfit(baseline, recent, rules):
        return reason
    if not math.isfinite(recent.headline.low):
        return f"{recent.n} labelled images from too few sessions: label more sessions"
    return ""


def _unfit(baseline: Evaluation | None, recent: Evaluation, rules: EvaluateRules) -> str:
    """Why nothing can be held against this baseline; empty when something can."""
    if baseline is None or not math.isfinite(baseline.headline.value):
        return (
            "nobody measured this version when it became champion: evaluate it on a golden set, or let it pass shadow"
        )
    if refused := refusal(recent, baseline):
        return f"{refused}; {GONE}"
    if (missing := rules.min_baseline - baseline.n) > 0:
        return f"its baseline was measured on {baseline.n} labelled images, {missing} more needed: {MORE_GOLDEN}"
    if not math.isfinite(baseline.headline.low):
        return f"its baseline rests on too few sessions of {baseline.n} labelled images: {MORE_GOLDEN}"
    return ""
