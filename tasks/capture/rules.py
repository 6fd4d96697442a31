"""Which images the serving side keeps, and the chance that each one had."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SamplingRules(BaseModel):
    """Every prediction is recorded; this decides which of their images are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(default=1.0, gt=0, le=1, description="Chance that an ordinary image is kept")
    keep_below_confidence: float = Field(
        default=0.0, ge=0, le=1, description="Images whose least confident answer is below this are always wanted"
    )
    keep_classes: tuple[int, ...] = Field(default=(), description="Images that show one of these class ids are wanted")
    per_camera_per_hour: int | None = Field(
        default=None,
        ge=1,
        description="About this many images of a camera are kept in an hour: the chance falls as the hour fills up",
    )
