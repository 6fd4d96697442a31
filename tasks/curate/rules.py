"""What a person may ask of the data sets that are built from labels."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CurateRules(BaseModel):
    """Which labels are recent, which are held out, and how old and new are mixed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recent_windows: int = Field(default=7, ge=1, le=1000, description="Newest judged windows that count as recent")
    holdout_share: float = Field(
        default=0.3, gt=0, lt=1, description="Share of sessions that are never trained on: the recent test set"
    )
    val_share: float = Field(
        default=0.2, gt=0, lt=0.9, description="Share of training images that choose the best epoch, by whole sessions"
    )
    replay_share: float = Field(
        default=0.5, ge=0, le=1, description="Least share of earlier images in training, where there are enough"
    )
    max_images: int = Field(default=20_000, ge=10, description="Images in one training manifest at most")
    session_minutes: int = Field(
        default=10,
        ge=1,
        le=1440,
        description="Frames of one camera within so many minutes are one session, unless named",
    )
    near_duplicate_levels: float = Field(
        default=1.0,
        ge=0,
        le=50,
        description="Mean difference in grey levels (0..255) below which two images are the same scene; 0 never",
    )
