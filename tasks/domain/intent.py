"""Something that must still be done outside the ledger, written in the same transaction as the reason for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One entry of the outbox.

    `key` is its identity: the same key is kept once, whatever its payload, and whoever carries the effect out
    hands it on as idempotency key. `kind` names who carries it out (`alert`, `delivery`, `project_aliases` …),
    `payload` is everything needed to do so, as JSON values without secrets.
    """

    key: str
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
