"""What a person may ask of the search for weak segments and shortcuts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SegmentRules(BaseModel):
    """How small a segment may be, how much worse it must be, and how seldom chance may name one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fdr: float = Field(
        default=0.05, gt=0, lt=0.5, description="Expected share of the reported segments that are there by chance"
    )
    margin: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="How much lower (0..1) the mean score must be than that of all other images",
    )
    min_images: int = Field(default=25, ge=10, description="Images of a segment below which it is not looked at")
    min_sessions: int = Field(default=10, ge=5, description="Sessions of a segment below which it is not looked at")
    min_labels: int = Field(default=100, ge=50, description="Labelled images below which no segment is searched")
    most: int = Field(default=6, ge=1, le=20, description="Segments that are reported, the worst")
    shortcut: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="Change of the power (0..1) of one property to predict the label from which it is a finding",
    )
