"""One fault that was asked about, held against its limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tasks.domain.subjects import CameraFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One fault asked about: `value` is over `limit` or not; `words` go on after the camera's name.

    `shared` says that the others show of it what brings it over: it is no fault of this camera.
    """

    fault: CameraFault
    value: float
    limit: float
    unit: str
    words: str
    shared: bool = False

    @property
    def over(self) -> bool:
        """Whether it is out of limits."""
        return self.value >= self.limit and not self.shared


def sign(fault: CameraFault, value: float, limit: float, unit: str, words: str) -> Sign:
    """The sign, its numbers to four places."""
    return Sign(fault=fault, value=round(value, 4), limit=round(limit, 4), unit=unit, words=words)


def or_shared(own: Sign, whole: float) -> Sign:
    """The sign, or, where it is over only with what the other cameras show as well, the whole of it as a shared one."""
    return own if own.over or whole < own.limit else replace(own, value=round(whole, 4), shared=True)
