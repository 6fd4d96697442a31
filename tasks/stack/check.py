"""What the doctor says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`warn` is worth knowing and stops nothing; `fail` stops something from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: what was found, and what to do when it is not right."""

    name: str
    level: Level
    found: str
    advice: str = ""


def good(name: str, found: str) -> Check:
    """Nothing to do."""
    return Check(name=name, level=Level.OK, found=found)


def bad(name: str, found: str, advice: str, level: Level = Level.FAIL) -> Check:
    """Something to do."""
    return Check(name=name, level=level, found=found, advice=advice)
