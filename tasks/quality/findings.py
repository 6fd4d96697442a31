"""What a broken, kept or unanswerable rule amounts to."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.expectation import Answer, Severity
from tasks.domain.finding import Finding, Outcome
from tasks.quality.certainty import beyond, needed


def finding(answer: Answer, examples: int) -> Finding:
    """The finding of one answer: `value` is the observed number, or the rows that broke the rule.

    A rule about nothing (no rows, a column without values) is never ok. A broken critical rule is a breach, a
    broken warning is inconclusive: such a window is not called healthy. An empty window is inconclusive, and so is a
    rate that a few rows show beyond its limit, but no further than chance may do (`tasks.quality.certainty`).
    """
    asked = answer.expectation
    by_row = answer.observed is None
    return Finding(
        check=asked.name,
        subject=f"{asked.table}.{asked.column}" if asked.column else asked.table,
        outcome=outcome(answer),
        value=float(answer.unexpected) if by_row else answer.observed,
        limit=float(int((1 - asked.mostly) * answer.evaluated + 1e-9)) if by_row else _limit(answer),
        unit="rows" if by_row else _unit(answer),
        n=answer.evaluated,
        note=_note(answer, examples),
    )


def outcome(answer: Answer) -> Outcome:
    """Whether a rule was kept, broken, or could not be judged."""
    if not answer.rows:
        return Outcome.INCONCLUSIVE
    if answer.error:
        return Outcome.BREACH
    if answer.success:
        return Outcome.OK if answer.evaluated else Outcome.INCONCLUSIVE
    if not answer.evaluated and answer.observed is None and not answer.unexpected:
        return Outcome.INCONCLUSIVE
    sure = answer.expectation.severity is Severity.CRITICAL and not perhaps(answer)
    return Outcome.BREACH if sure else Outcome.INCONCLUSIVE


def perhaps(answer: Answer) -> bool:
    """Whether a rate is beyond its limit, and so few rows may show that by chance."""
    if not answer.expectation.beyond_chance or answer.success or not answer.evaluated:
        return False
    rows = answer.evaluated if answer.worth is None else answer.worth
    return not beyond(*_rate(answer), rows)


def _rate(answer: Answer) -> tuple[float, float]:
    """The share of rows that are bad, and how large it may be."""
    if answer.observed is None:
        return answer.unexpected / answer.evaluated, 1 - answer.expectation.mostly
    high = answer.expectation.parameters.get("max_value")
    return answer.observed, float(high) if isinstance(high, int | float) else 1.0


def _limit(answer: Answer) -> float | None:
    """The bound that the observed number lies beyond; the upper one while it is kept."""
    low, high = (answer.expectation.parameters.get(name) for name in ("min_value", "max_value"))
    below = isinstance(low, int | float) and answer.observed is not None and answer.observed < low
    bound = low if below or high is None else high
    return float(bound) if isinstance(bound, int | float) else None


def _unit(answer: Answer) -> str:
    name = answer.expectation.name
    return "share" if name.endswith("_share") else "hours" if name == "freshness" else "images"


def _note(answer: Answer, examples: int) -> str:
    asked = answer.expectation
    if not answer.rows:
        return f"the window has no {asked.table}"
    if answer.error:
        return answer.error
    if not answer.evaluated:
        return f"{asked.column or asked.table} has no value in any of {answer.rows} rows"
    if answer.success:
        return ""
    few = f", which may be chance: {needed(*_rate(answer))} rows at this share would tell" if perhaps(answer) else ""
    if answer.observed is not None:
        counts = f" ({round(answer.observed * answer.evaluated)} of {answer.evaluated})" if asked.beyond_chance else ""
        return f"{asked.column or asked.table} is {answer.observed:.4g}{counts}, allowed {_allowed(answer)}{few}"
    shown = ", ".join(answer.examples[:examples])
    return f"{answer.unexpected} of {answer.evaluated} rows break it{few}" + (f": {shown}" if shown else "")


def _allowed(answer: Answer) -> str:
    low, high = (answer.expectation.parameters.get(name) for name in ("min_value", "max_value"))
    return f"{'any' if low is None else low} to {'any' if high is None else high}"


def of_answers(answers: Sequence[Answer], examples: int) -> tuple[Finding, ...]:
    """The findings of all answers in their order."""
    return tuple(finding(answer, examples) for answer in answers)
