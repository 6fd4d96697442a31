"""When a verdict is news, and whether anybody is told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AlertRules(BaseModel):
    """What a person may ask of alerts; evaluation itself goes on whatever stands here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fire_breaches: int = Field(default=1, ge=1, le=50, description="Alert when this many …")
    fire_windows: int = Field(
        default=1, ge=1, le=50, description="… of the newest so many windows are in breach (inconclusive ones count)"
    )
    resolve_windows: int = Field(
        default=1, ge=1, le=50, description="Resolve after this many healthy windows in a row (inconclusive ones wait)"
    )
    resolved: bool = Field(default=True, description="Also tell when a model is healthy again")
    inconclusive: bool = Field(
        default=False, description="Also tell when a window could not be judged and no alert stands"
    )
    silent_because: str = Field(
        default="",
        max_length=500,
        description="A reason for telling nobody: alerts are recorded as they would have fired, none is sent",
    )

    @model_validator(mode="after")
    def _possible(self) -> AlertRules:
        if self.fire_breaches > self.fire_windows:
            raise ValueError(f"{self.fire_breaches} breaches never happen within {self.fire_windows} window(s)")
        return self
