"""A data schema: what a model's data look like when all is well, inferred from healthy windows, edited by a person.

It is a file. Every section may be edited or emptied; what a section does not name is not asked about.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.domain.expectation import Severity

FORMAT = 1

Number = Annotated[float, Field(allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1, max_length=256)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(_Section):
    """What a number may be, ends included."""

    low: Number | None = Field(default=None, description="Smallest value; empty: any")
    high: Number | None = Field(default=None, description="Largest value; empty: any")
    mostly: Part = Field(default=0.95, description="Share of rows that must lie within")

    @model_validator(mode="after")
    def _ordered(self) -> Bounds:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class Rate(_Section):
    """How many images an hour; ends included."""

    low: Annotated[float, Field(ge=0)] = Field(description="Fewest images an hour")
    high: Annotated[float, Field(ge=0)] | None = Field(default=None, description="Most images an hour; empty: any")


class CameraSchema(_Section):
    """What one camera sends."""

    sizes: tuple[Text, ...] = Field(default=(), max_length=100, description="Allowed `WIDTHxHEIGHT`; empty: any")
    images_per_hour: Rate | None = Field(default=None, description="How many; empty: any number")


class ClassSchema(_Section):
    """How often the model sees one class: the mean over images of its share of an image's objects."""

    share: Part | None = Field(default=None, description="Expected share; empty: any")
    slack: Part = Field(default=0.1, description="How far the share may lie from it, beyond chance")


class MadeFrom(_Section):
    """What a schema was inferred from."""

    windows: tuple[str, ...] = Field(default=(), max_length=10_000, description="The healthy windows")
    reference: int | None = Field(default=None, description="The pinned reference, where there was no healthy window")
    images: int = Field(default=0, ge=0, description="Accepted images in them")
    objects: int = Field(default=0, ge=0, description="Detections in them")


class Severities(_Section):
    """`critical`: the window is degraded and nothing is learnt from it. `warning`: it is inconclusive."""

    cameras: Severity = Severity.CRITICAL
    sizes: Severity = Severity.CRITICAL
    formats: Severity = Severity.CRITICAL
    classes: Severity = Severity.CRITICAL
    numbers: Severity = Severity.CRITICAL
    presence: Severity = Severity.CRITICAL
    volume: Severity = Severity.WARNING
    shares: Severity = Severity.WARNING


class DataSchema(_Section):
    """What the data of a model look like when all is well."""

    format: int = Field(default=FORMAT, ge=1, le=FORMAT, description="Version of this file format")
    model: Text = Field(description="The model that it is about")
    made_from: MadeFrom = Field(default=MadeFrom(), description="What this was inferred from")
    cameras: dict[Text, CameraSchema] = Field(
        default={}, max_length=10_000, description="Every camera that may send images; empty: any camera"
    )
    formats: tuple[Text, ...] = Field(
        default=(),
        max_length=20,
        description="Formats of the bytes (jpeg, png, webp), whatever the key says; empty: any",
    )
    max_rotated: Part | None = Field(
        default=None, description="Share of images that only EXIF turns upright; empty: any"
    )
    classes: dict[Text, ClassSchema] = Field(
        default={}, max_length=50_000, description="Every class that may be seen, and how often; empty: any class"
    )
    numbers: dict[Text, Bounds] = Field(
        default={}, max_length=100, description="Ranges of columns, robust and with slack (`table.column`)"
    )
    presence: dict[Text, Part] = Field(
        default={}, max_length=100, description="Least share of rows in which an optional column has a value"
    )
    undecided: dict[Text, str] = Field(
        default={},
        max_length=100,
        description="What there was too little data for; inconclusive until you decide and delete the line",
    )
    severity: Severities = Field(default=Severities(), description="What a broken section means: critical or warning")
