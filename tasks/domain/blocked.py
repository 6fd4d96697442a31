"""Cameras that a verdict blames, and from when to when: what they took then says nothing about the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tasks.domain.verdict import CauseKind
from tasks.domain.window import Window


class Taken(Protocol):
    """An image with its camera and the moment it was taken."""

    @property
    def camera(self) -> str:
        """Name of the camera."""

    @property
    def captured_at(self) -> datetime:
        """When it was taken (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A camera whose images of [start, end) are neither learnt from nor measured by: it was broken."""

    camera: str
    start: datetime
    end: datetime

    def covers(self, image: Taken) -> bool:
        """True when the image was taken by that camera in that time."""
        return image.camera == self.camera and self.start <= image.captured_at < self.end


def blocked(verdicts: Iterable[tuple[Window, Mapping[str, Any] | None]]) -> list[Blocked]:
    """Cameras that a verdict blames, from when the fault began (or the window did) to the end of the window."""
    found = []
    for window, verdict in verdicts:
        for cause in (verdict or {}).get("causes", ()):
            if cause["kind"] != CauseKind.CAMERA:
                continue
            since = datetime.fromisoformat(cause["since"]) if cause.get("since") else window.start
            found += [
                Blocked(camera=camera, start=min(since, window.start), end=window.end) for camera in cause["cameras"]
            ]
    return found
