"""What a person may ask of the numbers of the business."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class KpiLimit(BaseModel):
    """From where on a number is worth a finding; which side is good is said by the number itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64, description="Which number")
    limit: float = Field(allow_inf_nan=False, description="The last good value")
    camera: str | None = Field(default=None, description="Of which camera; empty: the value over all")


class KpiRules(BaseModel):
    """Where numbers of the business come from, and which have a limit. They are shown; no verdict hangs on them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limits: tuple[KpiLimit, ...] = Field(default=(), max_length=50, description="Numbers with a limit")
    plugins: bool = Field(default=True, description="Ask installed programs (entry points `evergreen.kpis`)")
    max_file_mb: int = Field(default=16, ge=1, le=256, description="Larger files below `kpis/` are not read")
