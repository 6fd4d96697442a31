"""What all wire forms share: strict types, unknown fields ignored, and a `null` that says nothing."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Wire(BaseModel):
    """Base of everything that strangers write."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Row(Wire):
    """Base of a whole record. `null` is as good as leaving a field out: tables have no other way of doing so."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, row: Any) -> Any:
        return {name: value for name, value in row.items() if value is not None} if isinstance(row, dict) else row
