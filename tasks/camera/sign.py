"""One fault that was asked about, held against its limit."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.domain.subjects import CameraFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One fault asked about: `value` is over `limit` or not; `words` go on after the camera's name."""

    fault: CameraFault
    value: float
    limit: float
    unit: str
    words: str

    @property
    def over(self) -> bool:
        """Whether it is out of limits."""
        return self.value >= self.limit


def sign(fault: CameraFault, value: float, limit: float, unit: str, words: str) -> Sign:
    """The sign, its numbers to four places."""
    return Sign(fault=fault, value=round(value, 4), limit=round(limit, 4), unit=unit, words=words)
