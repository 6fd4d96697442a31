"""What a person may ask of a promotion."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PromoteRules(BaseModel):
    """Who may answer, and for how long the question stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expires_hours: float = Field(
        default=168, gt=0, le=24 * 90, description="Hours that a request stands; unanswered it counts as rejected"
    )
    approvers: tuple[str, ...] = Field(
        default=(), description="Names that may answer; empty: anyone who reaches the Prefect UI or this command line"
    )
    reference_days: int = Field(
        default=7,
        ge=1,
        le=60,
        description="Newest days since the product changed whose windows the new reference is pinned from: whole days, "
        "so that it knows every hour; from 5 on it also knows what healthy days differ by",
    )
