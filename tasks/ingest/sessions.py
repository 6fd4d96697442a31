"""Which frames belong together: a camera that fires many times a second shows the same thing many times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

LONGEST = timedelta(minutes=1)
"""A stream without gaps is cut after this long, or one camera would be one session all day."""


def derived_sessions(shots: Sequence[tuple[str, datetime]], gap: timedelta) -> list[str]:
    """One name per shot (camera, captured_at), in the order given: `<camera>@<time of the session's first frame>`.

    A frame closer than `gap` to the frame before it continues that frame's session, up to `LONGEST`.
    """
    names = [""] * len(shots)
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    for index in sorted(range(len(shots)), key=lambda place: (shots[place], place)):
        camera, moment = shots[index]
        continues = camera in last and moment - last[camera] < gap and moment - first[camera] < LONGEST
        if not continues:
            first[camera] = moment
        last[camera] = moment
        names[index] = f"{camera}@{first[camera]:%Y%m%dT%H%M%S.%fZ}"
    return names
