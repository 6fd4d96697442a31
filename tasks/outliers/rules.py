"""What a person may ask of the outlier stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class OutlierRules(BaseModel):
    """How many strange images are too many, and how sure a moved object must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rise: float = Field(
        default=4.0,
        gt=1,
        le=50,
        description="Multiple of the usual share of strange images that is to be found soonest",
    )
    evidence: float = Field(
        default=4.0,
        gt=0,
        le=50,
        description="Evidence (natural logarithm of a likelihood ratio) from which strange images are too many; "
        "4 is less than one false alarm a year at 100 images a day and 1,000 scenes in the reference; of more images a "
        "day more is asked for: twice the logarithm of how many times as many there are",
    )
    min_scenes: int = Field(
        default=50, ge=10, description="Distinct scenes counted since the reference was pinned before anything is said"
    )
    min_camera_scenes: int = Field(
        default=25, ge=10, description="Distinct scenes of one camera, in the reference, below which it is not counted"
    )
    alpha: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="Chance that objects are found moved on any healthy camera within 30 days of scheduled windows, "
        "or in one window that a person asks about",
    )
    confidence: float = Field(default=0.25, ge=0, le=1, description="Detections below this confidence have no place")
