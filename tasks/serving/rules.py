"""What a person may promise about serving."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Objective(BaseModel):
    """A promise: so large a share of the answers is fast enough, or (without `latency_ms`) comes without an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=40, description="What it is called in findings and metrics")
    target: float = Field(
        gt=0, lt=1, description="Share of good answers that is promised: 0.99 leaves 1 % for bad ones"
    )
    latency_ms: float | None = Field(
        default=None, gt=0, le=1e7, description="An answer is good up to this; empty: it is good without an error"
    )
    step: Literal["preprocess", "inference", "postprocess", "total"] = Field(
        default="total", description="Which latency counts"
    )

    @property
    def budget(self) -> float:
        """Share of answers that may be bad."""
        return round(1 - self.target, 12)

    @property
    def key(self) -> str:
        """What is counted, whatever it is called and whatever share of it is promised."""
        return "errors" if self.latency_ms is None else f"{self.step}<={self.latency_ms:g}"

    @property
    def words(self) -> str:
        """The promise in words."""
        share = f"{100 * self.target:.6g} % of answers"
        if self.latency_ms is None:
            return f"{share} without an error"
        step = "" if self.step == "total" else f" of {self.step}"
        return f"{share} within {self.latency_ms:g} ms{step}"


class Burn(BaseModel):
    """Using up the allowance of bad answers so many times too fast, over a long span and still over a short one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    long_hours: float = Field(gt=0, le=24 * 30, description="Span over which the allowance is used up")
    short_hours: float = Field(gt=0, le=24 * 30, description="Span that shows that it still goes on")
    rate: float = Field(gt=0, description="Times the speed at which the allowance lasts exactly")

    @model_validator(mode="after")
    def _ordered(self) -> Burn:
        if self.short_hours >= self.long_hours:
            raise ValueError(f"short_hours {self.short_hours:g} must be below long_hours {self.long_hours:g}")
        return self


class ServingRules(BaseModel):
    """Promises about latency and errors, and how fast their allowance may be used up. Never a reason to retrain.

    The spans are those of Google's Site Reliability Workbook (2018), chapter 5, table 5-8, for an allowance of 30
    days: 2 % of it within an hour, 5 % within six, 10 % within three days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objectives: tuple[Objective, ...] = Field(
        default=(
            Objective(name="latency", target=0.99, latency_ms=500.0),
            Objective(name="errors", target=0.99),
        ),
        max_length=12,
        description="What is promised: a name, the share of good answers, and the milliseconds that are good",
    )
    burns: tuple[Burn, ...] = Field(
        default=(
            Burn(long_hours=1, short_hours=1 / 12, rate=14.4),
            Burn(long_hours=6, short_hours=0.5, rate=6),
            Burn(long_hours=72, short_hours=6, rate=1),
        ),
        max_length=6,
        description="Pairs of spans, and how many times too fast the allowance may be used up over both",
    )
    min_answers: int = Field(default=100, ge=1, description="Answers below which nothing is said about a promise")
    alpha: float = Field(
        default=0.01, gt=0, lt=0.5, description="Chance that serving exactly as promised raises a finding in a window"
    )

    @model_validator(mode="after")
    def _one_name_each(self) -> ServingRules:
        names = [each.name for each in self.objectives]
        if len(set(names)) < len(names):
            raise ValueError(f"two objectives have one name: {', '.join(sorted(names))}")
        return self
