"""What a person may ask of the camera stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CameraRules(BaseModel):
    """From when on something counts as the fault of one camera.

    A camera that differs from itself by more than that in its healthy time is held against its own spread instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_images: int = Field(
        default=20, ge=10, description="Images of a camera, in window and reference, below which it is not judged"
    )
    frozen_share: float = Field(
        default=0.5, gt=0, le=1, description="Rise of the share of images that repeat the one before: frozen"
    )
    covered_share: float = Field(
        default=0.15, gt=0, le=1, description="Share of the picture in which nothing is seen any more: covered"
    )
    dirty_share: float = Field(
        default=0.011,
        gt=0,
        le=1,
        description="Share of the picture that lost detail or became another one in all images: dirty lens",
    )
    moved_degrees: float = Field(default=3.0, gt=0, le=45, description="Turn of all edges from which a camera moved")
    moved_fit: float = Field(
        default=0.03, gt=0, le=1, description="How much better a shifted reference must fit: the camera moved"
    )
    blur_octaves: float = Field(
        default=0.33, gt=0, description="Fall of fine detail against coarse detail (ln variance): out of focus"
    )
    light_share: float = Field(
        default=0.26, gt=0, lt=1, description="Share of the light that a camera alone must lose to be too dark"
    )
    colour_kept: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="Share of its colour that a camera keeps at most after a switch to infrared",
    )
    colour_cast: float = Field(
        default=0.22, gt=0, description="Tint (ln of one colour against another) over all of the picture: colour cast"
    )
    rate_kept: float = Field(
        default=0.67, gt=0, lt=1, description="Share of its images that a camera sends at most: frame rate fell"
    )
    clock_minutes: float = Field(
        default=10,
        gt=0,
        description="Difference of capture and landing to the other cameras from which a clock is wrong; half of it "
        "where images land before they were taken",
    )
