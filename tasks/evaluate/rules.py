"""What a person may ask of an evaluation."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from tasks.domain.power import TREND


class EvaluateRules(BaseModel):
    """The protocol that scores are computed under, and how much they may fall."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    imgsz: int | None = Field(default=None, ge=32, le=4096, description="Side in pixels; empty: the model's own")
    conf: float = Field(default=0.001, ge=0, lt=1, description="Boxes below this confidence are dropped")
    iou: float = Field(default=0.7, gt=0, le=1, description="Overlap above which the weaker of two boxes is dropped")
    batch: PositiveInt | Literal["auto"] = Field(
        default=16, description="Images per forward pass; `auto` fills the device, and halves what does not fit"
    )
    half: bool = Field(default=False, description="Compute with 16-bit numbers; CUDA devices only")
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processes that share the inference (see EVERGREEN_DASK); 1: the flow's own",
    )
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="Operating confidence for precision, recall and F1; empty: of the best F1"
    )
    size_limits: tuple[float, float] = Field(
        default=(32.0, 96.0),
        description="Sides in pixels of the squares up to whose area an object is small, and medium (COCO: 32, 96)",
    )
    margin: float = Field(
        default=0.03, ge=0, le=1, description="How far the headline (0..1) may lie below its baseline before it matters"
    )
    min_labels: int = Field(
        default=TREND, ge=1, description="Labelled images below which nothing is said about performance"
    )
    min_baseline: int = Field(
        default=50, ge=1, description="Labelled images of the baseline below which nothing fell and nothing held"
    )
    seed: int = Field(default=0, ge=0, description="Seed of the bootstrap")
