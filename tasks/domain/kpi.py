"""A number of the business: a row of somebody's table, and what it is in one window."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.domain.contract_values import Moment, Name, ShortText
from tasks.domain.finding import ALL, Outcome

KPIS = "kpis"
"""Name of these values among the artifacts of a judged window."""

LONGEST_DAYS = 400
"""Days that one value may stand for."""


class KpiRow(BaseModel):
    """One value of one number over one span of time; `camera` empty: of all."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Name = Field(max_length=64, description="What is counted, such as `defect escape rate`")
    start: Moment = Field(description="First moment that the value is about; ISO 8601 with UTC offset")
    end: Moment = Field(description="First moment that it is not about any more")
    value: float = Field(allow_inf_nan=False, ge=-1e15, le=1e15, description="The value")
    unit: ShortText = Field(default="", max_length=40, description="Its unit, such as `ppm`")
    better: Literal["lower", "higher"] = Field(description="Which direction is good")
    camera: Name | None = Field(default=None, description="The camera that it is about; empty: all")

    @model_validator(mode="after")
    def _spans_time(self) -> KpiRow:
        if self.start >= self.end:
            raise ValueError(f"start {self.start.isoformat()} is not before end {self.end.isoformat()}")
        if (self.end - self.start).days > LONGEST_DAYS:
            raise ValueError(f"one value stands for at most {LONGEST_DAYS} days")
        return self

    @property
    def series(self) -> tuple[str, str]:
        """Name and camera: rows of one series are a trend."""
        return self.name, self.camera or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """What one number is in a window: the mean over the rows that overlap it, by how long they do.

    `start` and `end` are those of the rows, `rows` how many; `trend` are earlier values and this one, the oldest
    first. `limit` is None where nobody set one. `source` says whose it is.
    """

    name: str
    value: float
    unit: str
    better: str
    start: datetime
    end: datetime
    rows: int = 1
    camera: str = ""
    trend: tuple[float, ...] = ()
    limit: float | None = None
    outcome: Outcome | None = None
    source: str = ""

    @property
    def slice(self) -> str:
        """Where, as findings say it."""
        return f"camera={self.camera}" if self.camera else ALL

    @property
    def gain(self) -> float | None:
        """Change against the value before, positive when better; None without one."""
        if len(self.trend) < 2:
            return None
        change = self.trend[-1] - self.trend[-2]
        return change if self.better == "higher" else -change


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row or file that was kept out: where, why, and what exactly."""

    source: str
    reason: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """All numbers of a window, and how many rows were refused, the first of them by name."""

    kpis: tuple[Kpi, ...] = ()
    refused: tuple[Refusal, ...] = ()
    refusals: int = 0


def kpis_text(business: Business) -> str:
    """As one line of JSON."""
    rows = [
        {**asdict(each), "start": each.start.isoformat(), "end": each.end.isoformat(), "outcome": each.outcome}
        for each in business.kpis
    ]
    kept = {"kpis": rows, "refused": [asdict(each) for each in business.refused], "refusals": business.refusals}
    return json.dumps(kept, sort_keys=True)


def kpis_kept(artifacts: Mapping[str, str]) -> Business:
    """The numbers among the artifacts of a judged window; none when it has none."""
    text = artifacts.get(KPIS, "")
    if not text.startswith("{"):
        return Business()
    data = json.loads(text)
    return Business(
        kpis=tuple(_kpi(each) for each in data["kpis"]),
        refused=tuple(Refusal(**each) for each in data["refused"]),
        refusals=int(data["refusals"]),
    )


def judged(value: float, limit: float | None, better: str) -> Outcome | None:
    """Which side of its limit a value is on; None without a limit. The limit itself is good.

    >>> judged(3.0, 2.0, "lower").value, judged(3.0, 2.0, "higher").value
    ('breach', 'ok')
    """
    if limit is None or math.isnan(value):
        return None
    return Outcome.OK if value == limit or (value < limit) == (better == "lower") else Outcome.BREACH


def _kpi(data: Mapping[str, Any]) -> Kpi:
    known = {
        "start": datetime.fromisoformat(data["start"]),
        "end": datetime.fromisoformat(data["end"]),
        "trend": _numbers(data["trend"]),
        "outcome": Outcome(data["outcome"]) if data["outcome"] else None,
    }
    return Kpi(**{**data, **known})


def _numbers(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
