"""What a person may ask of a training, and when there shall be none."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tasks.domain.model import Kind


class RetrainRules(BaseModel):
    """How a challenger is trained, from which base, and how often at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(
        default="yolo11n.yaml", description="Architecture of the first version: a YAML name of ultralytics' own"
    )
    kind: Kind = Field(default=Kind.DETECT, description="Kind of the first version; later ones keep it")
    classes: tuple[str, ...] = Field(
        default=(), description="Class names of the first version in the order of class ids; later ones keep them"
    )
    imgsz: int | None = Field(
        default=None, ge=32, le=4096, description="Side in pixels; empty: the champion's, 640 for a first version"
    )
    epochs: int = Field(default=30, ge=1, le=3000, description="Passes over the training images")
    batch: int = Field(default=16, ge=2, le=1024, description="Images per step")
    lr0: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Learning rate; empty: 0.0005 when fine-tuning, ultralytics' choice from scratch",
    )
    freeze: int = Field(default=0, ge=0, le=100, description="First layers that are not changed")
    seed: int = Field(default=0, ge=0, description="Seed of the training")
    hyper: dict[str, float | int | bool | str] = Field(
        default_factory=dict, description="Further training arguments of ultralytics, from a closed list"
    )
    min_images: int = Field(default=20, ge=2, description="Training images below which nothing is trained")
    min_new_labels: int = Field(
        default=50, ge=0, description="Recent labelled images below which a champion is not retrained"
    )
    cooldown_hours: float = Field(default=24, ge=0, description="Time between two trainings of one model")
    max_per_week: int = Field(default=3, ge=1, description="Trainings of one model in seven days at most")
