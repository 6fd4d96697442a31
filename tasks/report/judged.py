"""A window with its verdict, as flows hand it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.domain.verdict import Verdict
from tasks.domain.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was decided about a window and where it can be read; `pages` maps a name to an address."""

    model: str
    window: Window
    revision: int
    verdict: Verdict
    pages: Mapping[str, str] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """The payload of an event: short JSON values."""
        return {
            "window": str(self.window),
            "revision": self.revision,
            "outcome": self.verdict.outcome.value,
            "action": self.verdict.action.value,
            "sentence": self.verdict.sentence[:1000],
        }
