"""A rule about a table as plain data, and what was found: written by the quality stage, run by an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """How bad it is when the rule is broken."""

    CRITICAL = "critical"  # the data must not be judged further
    WARNING = "warning"  # the window cannot be called healthy, but it is not broken either


Parameter = float | int | str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One rule. `rule` is an expectation of great-expectations in its own spelling, `table` names the frame.

    `parameters` are passed to it as they stand; `column` is empty for rules about a whole table. `mostly` is
    the share of rows (0..1) that must satisfy it.
    """

    name: str
    rule: str
    table: str
    column: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))
    mostly: float = 1.0
    severity: Severity = Severity.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an expectation.

    `evaluated` counts the rows that had a value to look at: where it is 0 the rule says nothing, whatever
    `success` is. `unexpected` counts those that broke it, `examples` shows a few; `observed` is the number
    that a rule about a whole column or table looked at. `error` is why the rule could not be asked at all (a
    missing column), else empty.
    """

    expectation: Expectation
    success: bool
    rows: int
    evaluated: int
    unexpected: int
    examples: tuple[str, ...] = ()
    observed: float | None = None
    error: str = ""
