"""What a person may ask of the schedule alarm."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from tasks.domain.hours import ContextHours


class Method(StrEnum):
    """How small changes are added up."""

    CUSUM = "cusum"  # learns from healthy days, by bets until there are enough; seldom fires on one wild check
    E_DETECTOR = "e_detector"  # needs none; its false alarms are bounded by a theorem


class Dependence(StrEnum):
    """How the cameras' questions may hang together, on which the procedure of the daily digest depends."""

    POSITIVE = "positive"  # independent, or rising together (weather): Benjamini and Hochberg
    ANY = "any"  # in any way: Benjamini and Yekutieli, which finds less


class WatchRules(BaseModel):
    """How small changes of single cameras are added up over many windows, and when they are told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = Field(
        default=Method.CUSUM,
        description="`cusum` learns from healthy days, and until there are enough of them the camera is watched by "
        "`e_detector`, which needs none: its limit holds by theorem",
    )
    healthy_days: int = Field(
        default=14,
        ge=7,
        le=60,
        description="Days without a fault, counted per camera from when the reference was pinned, that are learnt from",
    )
    context_hours: ContextHours = Field(
        default=3, description="Hours of the day (UTC) that are compared with each other; divides 24"
    )
    min_scenes: int = Field(
        default=10, ge=3, description="Distinct scenes of a camera in a window below which that window says nothing"
    )
    duplicate_bits: int = Field(
        default=2,
        ge=0,
        le=16,
        description="Bits in which two 64-bit image hashes of one camera may differ and be one scene",
    )
    false_alarms: float = Field(
        default=0.01, gt=0, le=0.2, description="Chance that a healthy camera raises an alarm within 30 days"
    )
    limit: float | None = Field(
        default=None,
        gt=0,
        description="Limit of the sums of `method`; empty: calibrated on the installation's own healthy days",
    )
    margin: float = Field(
        default=0.1, ge=0, le=3, description="Least change since its onset, in standard deviations of the scenes"
    )
    fleet_share: float = Field(
        default=0.3, gt=0, le=1, description="Share of the cameras (two at least) whose alarms are one incident"
    )
    fdr: float = Field(
        default=0.1, gt=0, lt=0.5, description="Expected share of chance finds among what the daily digest names"
    )
    dependence: Dependence = Field(
        default=Dependence.POSITIVE,
        description="`positive`: cameras are independent or move together; `any`: the digest holds for any dependence",
    )
