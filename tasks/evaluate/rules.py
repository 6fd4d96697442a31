"""What a person may ask of an evaluation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tasks.domain.power import TREND


class EvaluateRules(BaseModel):
    """The protocol that scores are computed under, and how much they may fall."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    imgsz: int | None = Field(default=None, ge=32, le=4096, description="Side in pixels; empty: the model's own")
    conf: float = Field(default=0.001, ge=0, lt=1, description="Boxes below this confidence are dropped")
    iou: float = Field(default=0.7, gt=0, le=1, description="Overlap above which the weaker of two boxes is dropped")
    batch: int = Field(default=16, ge=1, le=512, description="Images per forward pass")
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
    seed: int = Field(default=0, ge=0, description="Seed of the bootstrap")
