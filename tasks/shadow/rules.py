"""The gates between a challenger and the person who is asked about it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from tasks.domain.power import GATE, INSTANCES


class ShadowRules(BaseModel):
    """How much evidence a gate needs, and how large a loss it lets pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    imgsz: int | None = Field(default=None, ge=32, le=4096, description="Side in pixels; empty: the champion's own")
    conf: float = Field(default=0.001, ge=0, lt=1, description="Boxes below this confidence are dropped")
    iou: float = Field(default=0.7, gt=0, le=1, description="Overlap above which the weaker of two boxes is dropped")
    batch: PositiveInt | Literal["auto"] = Field(
        default=16, description="Images per forward pass; `auto` fills the device, and halves what does not fit"
    )
    half: bool = Field(default=False, description="Compute with 16-bit numbers; CUDA devices only")
    timed: int = Field(
        default=64, ge=1, description="Images that both versions answer now, side by side, for their speed"
    )
    seed: int = Field(default=0, ge=0, description="Seed of the bootstrap")
    tail: float = Field(default=0.05, gt=0, lt=0.5, description="Chance that a bound of a difference is wrong")
    min_recent: int = Field(default=GATE, ge=1, description="Labelled recent images that the gate needs")
    min_golden: int = Field(default=50, ge=1, description="Golden images that the gate needs")
    golden_margin: float = Field(default=0.03, ge=0, le=1, description="Loss (0..1) on the golden set that is let pass")
    class_margin: float = Field(default=0.05, ge=0, le=1, description="Loss (0..1) in one class that is let pass")
    min_instances: int = Field(
        default=INSTANCES, ge=1, description="Labelled objects of a class below which nothing is said about it"
    )
    latency_ratio: float = Field(
        default=1.5, gt=0, description="How many times the champion's median inference time may be taken"
    )
    unlabelled: int = Field(
        default=200, ge=0, description="Production images whose answers are compared without labels"
    )
    min_agreement: float | None = Field(
        default=None, ge=0, le=1, description="Least agreement on them; empty: it is shown and decides nothing"
    )
