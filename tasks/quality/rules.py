"""What a person may ask of the quality stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class QualityRules(BaseModel):
    """Limits that the data of a window must keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_images: int = Field(default=1, ge=1, description="Answered images of a window below which its volume is broken")
    max_images: int | None = Field(default=None, ge=1, description="Answered images above which its volume is broken")
    max_quarantined: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of listed objects that may be quarantined, and of one camera's "
        "records that may claim a time that cannot be true",
    )
    max_unanswered: float = Field(default=0.5, ge=0, le=1, description="Share of accepted images without a prediction")
    max_failed: float = Field(default=0.05, ge=0, le=1, description="Share of predictions that may carry an error")
    max_size_differs: float = Field(
        default=0.05, ge=0, le=1, description="Share of images whose record tells another size than the bytes have"
    )
    max_camera_differs: float = Field(
        default=0.05, ge=0, le=1, description="Share of images whose record names another camera than their folder"
    )
    max_crossed: float = Field(
        default=0.05, ge=0, le=1, description="Share of images whose very bytes also came from another camera"
    )
    max_latency_ms: float = Field(
        default=10_000, gt=0, description="Inference time that 99 % of images must stay under"
    )
    max_silence_hours: float = Field(
        default=24, gt=0, description="Hours between the newest image and the end of the window from which it is stale"
    )
    box_tolerance_px: float = Field(
        default=2, ge=0, description="Pixels by which a box may reach over the image's edge"
    )
    mostly: float = Field(
        default=0.99, gt=0, le=1, description="Share of rows that must satisfy a rule about boxes and times"
    )
    examples: int = Field(default=3, ge=0, le=20, description="Offending values that a finding shows")
    min_labels: int = Field(
        default=20,
        ge=1,
        description="Labels that the champion has not learnt from, below which nothing is said of them",
    )
    max_refused_labels: float = Field(
        default=0.05, ge=0, le=1, description="Share of labels that may be refused (malformed, or of an unknown class)"
    )
    max_unusable_labels: float = Field(
        default=0.05, ge=0, le=1, description="Share of labels whose image was quarantined or that nobody can find"
    )
    max_missing_labels: float = Field(
        default=0.02, ge=0, le=1, description="Share of labels that may be gone since the champion was last evaluated"
    )
    labels_mostly: float = Field(
        default=0.98, gt=0, le=1, description="Share of labels and labelled boxes that must satisfy a rule about them"
    )
    min_label_side_px: float = Field(
        default=2, ge=1, description="Pixels of the shorter side below which a labelled box is taken for a slip"
    )
    max_label_shift: float = Field(
        default=0.4,
        gt=0,
        le=1,
        description="Distance (total variation, beyond chance) of the labelled classes from both training and answers",
    )
