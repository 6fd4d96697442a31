"""What a person may ask of estimates without labels, and of the labels that check them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EstimateRules(BaseModel):
    """How many images are looked at again, from how many labels on an estimate is made, and what it promises."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(
        default=200, ge=0, le=5000, description="Images of a window that are answered anew for an estimate; 0: never"
    )
    min_images: int = Field(default=50, ge=20, description="Images of a window below which nothing is estimated")
    min_labels: int = Field(
        default=100, ge=50, description="Labelled images of the version below which it is not calibrated"
    )
    calibrated_on: int = Field(
        default=100, ge=50, le=2000, description="Labelled images that are damaged on purpose to learn what damage does"
    )
    promise_valid: float = Field(
        default=0.02, gt=0, le=1, description="Error (0..1 of mAP50) that an estimate marked valid keeps on average"
    )
    promise_extrapolating: float = Field(
        default=0.07, gt=0, le=1, description="Error (0..1 of mAP50) that one marked extrapolating keeps on average"
    )
    backtest_images: int = Field(
        default=40, ge=20, description="Labelled images of a window from which on its estimate is checked"
    )
    backtests: int = Field(
        default=8, ge=3, le=100, description="Newest checked estimates that the running error is taken over"
    )
    half_width: float = Field(
        default=0.05, gt=0, le=0.5, description="Half width of the interval (0..1 of F1) that an audit is to reach"
    )
    batch: int = Field(default=16, ge=1, le=512, description="Images per forward pass")
