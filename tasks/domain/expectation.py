"""A rule about a table as plain data, and what was found: written by the quality stage, run by an adapter.

Rows of a sample stand for more than themselves. A table may say for how many in `stands_for` (1 / chance of having been
drawn): shares are then those of everything that was drawn from. Rules that allow no row at all, extremes and counts
of rows are about the rows that are there, whatever they stand for.

Source: Horvitz and Thompson, A generalization of sampling without replacement (1952); divided by the sum of the
weights, as Hájek proposed (1971); what differing weights cost in rows: Kish, Survey Sampling (1965).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

STANDS_FOR = "stands_for"
"""Column with how many rows of the whole a row stands for, at least 1."""

EXISTS = "ExpectColumnToExist"
NOT_NULL = "ExpectColumnValuesToNotBeNull"
MEAN = "ExpectColumnMeanToBeBetween"


class Severity(StrEnum):
    """How bad it is when the rule is broken."""

    CRITICAL = "critical"  # the data must not be judged further
    WARNING = "warning"  # the window cannot be called healthy, but it is not broken either


Parameter = float | int | str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One rule. `rule` is an expectation of great-expectations in its own spelling, `table` names the frame.

    `parameters` are passed to it as they stand; `column` is empty for rules about a whole table. `mostly` is
    the share of rows (0..1) that must satisfy it. `beyond_chance`: the rule is about a rate, of which the rows are
    a sample; a share that few rows show beyond its limit is then no certain breach.
    """

    name: str
    rule: str
    table: str
    column: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))
    mostly: float = 1.0
    severity: Severity = Severity.CRITICAL
    beyond_chance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an expectation.

    `evaluated` counts the rows that had a value to look at: where it is 0 the rule says nothing, whatever
    `success` is. `unexpected` counts those that broke it, `examples` shows a few; `observed` is the number
    that a rule about a whole column or table looked at. `error` is why the rule could not be asked at all (a
    missing column), else empty. `worth` is how many rows of equal weight tell as much; None: as many as `evaluated`.
    """

    expectation: Expectation
    success: bool
    rows: int
    evaluated: int
    unexpected: int
    examples: tuple[str, ...] = ()
    observed: float | None = None
    error: str = ""
    worth: float | None = None


def weights_of(table: pa.Table) -> NDArray[np.float64] | None:
    """How many each row stands for, (n,); None where the table does not say, or all stand for equally many."""
    if STANDS_FOR not in table.column_names or not table.num_rows:
        return None
    found = np.asarray(table[STANDS_FOR].to_numpy(), np.float64)
    return found if np.ptp(found) > 0 else None


def weighed(answer: Answer, table: pa.Table, weights: NDArray[np.float64], broke: Sequence[int]) -> Answer:
    """The same answer about what the rows stand for: the mean of a column, or the share of rows that broke the rule.

    `broke` are the places of all rows that did. `unexpected` is then as many of the rows as their share of the whole
    would be, one at least.
    """
    asked = answer.expectation
    if answer.error or not answer.evaluated or not asked.column:
        return answer
    counted = np.ones(table.num_rows, bool) if asked.rule == NOT_NULL else filled(table, asked.column)
    total = float(weights[counted].sum())
    worth = total**2 / max(float(weights[counted] @ weights[counted]), 1e-12)
    if asked.rule == MEAN:
        values = np.asarray(table[asked.column].to_numpy(), np.float64)[counted]
        observed = float(weights[counted] @ values) / total
        low, high = (asked.parameters.get(name) for name in ("min_value", "max_value"))
        kept = not (isinstance(low, int | float) and observed < low)
        kept = kept and not (isinstance(high, int | float) and observed > high)
        return replace(answer, observed=observed, success=kept, worth=worth)
    if asked.mostly == 1 or not broke:
        return answer
    share = float(weights[np.asarray(broke, np.int64)].sum()) / total
    shown = max(round(share * answer.evaluated), 1)
    return replace(answer, unexpected=shown, success=share <= 1 - asked.mostly + 1e-9, worth=worth)


def filled(table: pa.Table, column: str) -> NDArray[np.bool_]:
    """(n,) rows that have a value; nan counts as none."""
    values = table[column]
    there = np.asarray(values.is_valid().to_numpy(), bool)
    if pa.types.is_floating(values.type):
        there &= ~np.isnan(np.asarray(values.to_numpy(), np.float64))
    return there
