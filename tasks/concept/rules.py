"""What a person may ask about labels that come late and about errors that rise."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ConceptRules(BaseModel):
    """From when on the labels of a window can be compared, and from when on errors count as risen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    windows: int = Field(default=720, ge=1, le=10_000, description="Newest judged windows that labels are held against")
    confidence: float = Field(
        default=0.25, ge=0, le=1, description="Recorded boxes from this confidence on count as the answer of production"
    )
    min_return: float = Field(
        default=0.7, gt=0, le=1, description="Share of its usual labels below which a window is immature: not compared"
    )
    expected_share: float | None = Field(
        default=None, gt=0, le=1, description="Share of a window's images that get a label in the end; empty: as learnt"
    )
    baseline_images: int = Field(
        default=100, ge=20, description="First labelled images of a champion, which later ones are held against"
    )
    margin: float = Field(default=0.03, ge=0, lt=1, description="Rise of the error (0..1) that is let pass")
    alpha: float = Field(
        default=0.05, gt=0, lt=0.5, description="Chance that an error which did not rise is ever called risen"
    )
