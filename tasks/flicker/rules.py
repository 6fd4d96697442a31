"""What a person may ask of the flicker check."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FlickerRules(BaseModel):
    """When an object counts as gone for a frame, and how much more of that is too much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_gap_seconds: float = Field(
        default=1.0, gt=0, le=10, description="Frames of a session further apart than this are not neighbours"
    )
    overlap: float = Field(
        default=0.3, gt=0, lt=1, description="Overlap (IoU) from which boxes of one class are one object in two frames"
    )
    confidence: float = Field(default=0.25, ge=0, le=1, description="Detections below this confidence are not counted")
    min_objects: int = Field(
        default=5, ge=1, description="Objects that could have flickered below which a session says nothing"
    )
    min_sessions: int = Field(default=10, ge=6, description="Sessions on either side below which nothing is said")
    alpha: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="Chance that a healthy model raises a flicker finding within 30 days of scheduled windows, "
        "or in one window that a person asks about",
    )
    rise: float = Field(
        default=0.03, gt=0, le=1, description="Rise of the mean share of flickering objects from which it matters"
    )
