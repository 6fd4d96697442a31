"""What differs between two data schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.quality.schema import DataSchema
from tasks.quality.schema_file import flat

LITTLE = 0.2
"""Relative difference of two numbers below which they are as good as equal: every inference differs a little."""
_NOT_COMPARED = ("format", "model", "made_from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place of the file in which they differ; None where one of them says nothing."""

    place: str
    before: Any
    after: Any


def differences(before: DataSchema, after: DataSchema, little: float = LITTLE) -> tuple[Difference, ...]:
    """Every place that differs by more than a little, in order of places."""
    old, new = (
        {place: value for place, value in flat(each).items() if place.split(".")[0] not in _NOT_COMPARED}
        for each in (before, after)
    )
    return tuple(
        Difference(place=place, before=old.get(place), after=new.get(place))
        for place in sorted({*old, *new})
        if not _alike(old.get(place), new.get(place), little)
    )


def _alike(left: Any, right: Any, little: float) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (left, right))
    if not numbers:
        return (left or None) == (right or None)
    return bool(left == right or abs(left - right) <= little * max(abs(left), abs(right)))
