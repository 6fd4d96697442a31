"""What an exported file must keep of the version it was made from."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tasks.domain.protocol import Format


class ExportRules(BaseModel):
    """Which format production runs, and how far its answers may lie from those of the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deployed: Format | None = Field(
        default=None, description="Format that production runs; empty: as noted by `evergreen export --deployed`"
    )
    margin: float = Field(
        default=0.01, ge=0, le=1, description="Loss of the headline (0..1) against the .pt file that is let pass"
    )
    boxes: float = Field(
        default=0.95, ge=0, le=1, description="Least share of answers that the exported file gives like the .pt file"
    )
    min_images: int = Field(default=20, ge=1, description="Labelled images below which nothing is said about a file")
    seed: int = Field(default=0, ge=0, description="Seed of the bootstrap")
