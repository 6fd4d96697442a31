"""Who may become champion: a request, a person's dated answer, and the move itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ApprovalState(StrEnum):
    """`pending` is the only state that can change, and it changes once."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class PromotionKind(StrEnum):
    """Why the champion moved."""

    BOOTSTRAP = "bootstrap"
    PROMOTE = "promote"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's answer, bound to exactly what was shown: the bytes, the gate report and the base champion."""

    id: int
    model: str
    challenger_sha256: str
    base_sha256: str
    gate_hash: str
    state: ApprovalState
    requested_at: datetime
    expires_at: datetime
    approver: str = ""
    reason: str = ""
    decided_at: datetime | None = None
    flow_run_id: str = ""  # who waits for the answer; empty when asked by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One move of the champion. `seq` counts moves per model from 1; the newest one names the champion."""

    model: str
    seq: int
    kind: PromotionKind
    from_sha256: str
    to_sha256: str
    approval_id: int | None
    actor: str
    reason: str
    at: datetime
