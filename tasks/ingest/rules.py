"""What a person may ask of ingestion."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, field_validator


class IngestRules(BaseModel):
    """Where windows begin and end, and what may come in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_minutes: int = Field(default=60, ge=60, le=7 * 24 * 60, description="Length of a window; whole hours")
    allowed_lateness_minutes: int = Field(
        default=5,
        ge=0,
        le=7 * 24 * 60,
        description="A window closes this long after its end: objects may land that late",
    )
    catch_up: int = Field(default=24, ge=1, le=1000, description="At most this many windows are judged in one run")
    late_hours: int = Field(
        default=48,
        ge=0,
        le=7 * 24,
        description="A judged window is judged again when something new lands in it within this time after its end; "
        "0: never by itself",
    )
    new_labels: int = Field(
        default=100,
        ge=1,
        description="Labels that the champion was not evaluated on from which monitor asks for an evaluation, "
        "and again after every further so many",
    )
    max_image_mb: int = Field(default=32, ge=1, le=64, description="Larger images are quarantined without a download")
    max_part_mb: int = Field(
        default=256, ge=1, le=2048, description="Larger files of records are quarantined; unpacked"
    )
    max_images: int = Field(
        default=20_000,
        ge=1,
        le=1_000_000,
        description="Images of one window that are looked at; of more, a sample by camera, class and hour with stored "
        "chances; of records without an image as many again",
    )
    workers: int = Field(default=12, ge=1, le=32, description="Objects that are downloaded at the same time")
    session_gap_seconds: float = Field(
        default=1.0,
        gt=0,
        le=3600,
        description="Frames of one camera closer than this are one session, when none is given",
    )
    shown_confidence: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Confidence from which the boxes of a prediction are shown to people who give a verdict; a label's "
        "own `confidence` counts first; 0: all on record are shown",
    )
    future_minutes: int = Field(
        default=5, ge=0, le=60, description="A record may claim to be taken this long after its file landed"
    )

    @field_validator("window_minutes")
    @classmethod
    def _whole_hours(cls, value: int) -> int:
        if value % 60:
            raise ValueError("window_minutes must be whole hours: objects lie in folders by hour")
        return value

    @property
    def length(self) -> timedelta:
        """Length of a window."""
        return timedelta(minutes=self.window_minutes)

    @property
    def lateness(self) -> timedelta:
        """How long after its end a window closes."""
        return timedelta(minutes=self.allowed_lateness_minutes)

    @property
    def horizon(self) -> timedelta:
        """How long after its end a judged window is looked at for late objects."""
        return timedelta(hours=self.late_hours)
