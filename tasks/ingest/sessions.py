"""Which frames belong together: a camera that fires many times a second shows the same thing many times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

LONGEST = timedelta(minutes=1)
"""A stream without gaps is cut after this long, or one camera would be one session all day."""


def sessions(shots: Iterable[tuple[int, str, datetime]], gap: timedelta) -> Iterator[tuple[int, str]]:
    """Each shot's number with the name of its session: `<camera>@<time of the session's first frame>`.

    A frame closer than `gap` to the frame before it continues that frame's session, up to `LONGEST`.

    Args:
        shots: Number, camera and time, in order of camera and time.
        gap: Frames of one camera closer than this belong together.
    """
    camera, first = "", datetime.min.replace(tzinfo=UTC)
    last = first
    for number, name, moment in shots:
        if name != camera or moment - last >= gap or moment - first >= LONGEST:
            camera, first = name, moment
        last = moment
        yield number, f"{camera}@{first:%Y%m%dT%H%M%S.%fZ}"
