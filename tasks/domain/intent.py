"""Something that must still be done outside the ledger, written in the same transaction as the reason for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class IntentKind(StrEnum):
    """What is to be done; beside each the stage that does it, and what the payload holds."""

    ALERT = "alert"  # alert: notice, signature, silent_because
    DELIVERY = "delivery"  # alert: channel, notice; takes one notice to one channel
    PROJECT_ALIASES = "project_aliases"  # promote: model; follows every move, its key ends in the move's number
    REGISTER_VERSION = "register_version"  # promote: model, sha256
    LOG_EVALUATION = "log_evaluation"  # promote: model, sha256, dataset; the ledger's newest such one is shown
    DESCRIBE_VERSION = "describe_version"  # promote: model, sha256, optionally markdown instead of the ledger's page


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One entry of the outbox.

    `key` is its identity: the same key is kept once, whatever its payload, and whoever carries the effect out
    hands it on as idempotency key. `kind` names who carries it out (an `IntentKind`, or a name of the caller's own
    that only the caller asks for), `payload` is everything needed to do so, as JSON values without secrets.
    """

    key: str
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)


def projection_key(model: str, seq: int) -> str:
    """The key of the intent that carries one move of the champion over to the registry."""
    return f"{IntentKind.PROJECT_ALIASES}:{model}:{seq}"
