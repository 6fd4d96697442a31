"""What a person may ask of the drift stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from tasks.domain.errors import ConfigError
from tasks.drift.detector import Data, fitting, ranking

TAKES = {
    "scalar_detector": Data.SCALAR,
    "vector_detector": Data.VECTOR,
    "place_detector": Data.VECTOR,
    "rate_detector": Data.RATE,
    "mix_detector": Data.COUNTS,
}
"""What is compared by the detector that each of these fields names."""


class DriftRules(BaseModel):
    """How drift is looked for, and how large it must be to matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scalar_detector: str = Field(
        default="anderson_darling", description="Detector for one number per image: a file in drift/detectors"
    )
    vector_detector: str = Field(default="mmd", description="Detector for embeddings: a file in drift/detectors")
    place_detector: str = Field(
        default="largest_shift",
        description="Detector for light and detail in the places of a picture: a file in drift/detectors",
    )
    rate_detector: str = Field(default="fisher", description="Detector for shares of images: a file in drift/detectors")
    mix_detector: str = Field(
        default="chi_square", description="Detector for objects of each class per image: a file in drift/detectors"
    )
    explainer: str = Field(
        default="domain_classifier",
        description="Detector that ranks, after a breach, which properties gave the window away; empty: none",
    )
    alpha: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="Chance that a healthy model raises any drift finding within 30 days of scheduled windows, "
        "or in one window that a person asks about",
    )
    min_scenes: int = Field(
        default=50, ge=10, description="Distinct scenes over all cameras below which nothing is said"
    )
    min_camera_scenes: int = Field(
        default=25, ge=10, description="Distinct scenes of one camera below which it is not judged"
    )
    duplicate_bits: int = Field(
        default=2,
        ge=0,
        le=16,
        description="Bits in which two 64-bit image hashes of one camera may differ and be one scene",
    )
    hours_around: int = Field(
        default=3,
        ge=0,
        le=12,
        description="A window is held against reference scenes of its own hours of the day (UTC), of so many more "
        "before and after where a camera has fewer than `min_scenes` of those; 12: day and night are one",
    )
    session_minutes: int = Field(
        default=0,
        ge=0,
        le=1440,
        description="Scenes of one camera in the same so many minutes depend on each other, permuted together; "
        "0: those of one recorded session do, where the reference shows that they are alike",
    )
    frozen_share: float = Field(
        default=0.5, gt=0, le=1, description="Rise of the share of repeated scenes from which a camera counts as frozen"
    )
    confidence: float = Field(default=0.25, ge=0, le=1, description="Detections below this confidence are not counted")
    reference_scenes: int = Field(
        default=1500,
        ge=50,
        description="Images that a pinned reference keeps per camera: enough for `min_scenes` of every hour of the day",
    )
    embed_batch: int = Field(default=16, ge=1, le=512, description="Images embedded at once")

    @field_validator(*TAKES, "explainer")
    @classmethod
    def _fits(cls, name: str, info: ValidationInfo) -> str:
        """The name of a detector that is able to do what the field asks: a wrong one would end every run."""
        field = str(info.field_name)
        try:
            if field in TAKES:
                return fitting(name, TAKES[field], field)
            return ranking(name, field) if name else name
        except ConfigError as error:
            raise ValueError(str(error)) from error
