"""Which pictures a page shows: a few of every camera, as they were when all was well and as they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tasks.domain.errors import EvergreenError
from tasks.report.thumbnail import Picture, thumbnail
from tasks.report.window_page import CameraPictures

SHOWN = 3
"""Pictures of a camera, then and now."""

CAMERAS = 12
"""Cameras with pictures on one page."""

BYTES = 36_000
"""Most bytes of a picture: with all of them a page stays below 5 MB."""

Row = Mapping[str, object]


class Cache(Protocol):
    """What is needed of `tasks.adapters.images.ImageCache`."""

    def fetch(self, key: str, sha256: str = "") -> Path:
        """A local file with the object's bytes."""


def per_camera(
    current: Sequence[Row], reference: Sequence[Row], cache: Cache, suspects: Sequence[str] = ()
) -> tuple[CameraPictures, ...]:
    """Up to `CAMERAS` cameras with `SHOWN` pictures each of now and then, spread evenly over the rows.

    `suspects`, the cameras that the verdict names, come first: of many cameras those must have pictures.
    """
    known = sorted({str(row["camera"]) for row in current})
    cameras = sorted(known, key=lambda camera: suspects.index(camera) if camera in suspects else len(suspects))[
        :CAMERAS
    ]
    return tuple(
        CameraPictures(
            camera=camera,
            reference=_pictures([row for row in reference if row["camera"] == camera], cache),
            current=_pictures([row for row in current if row["camera"] == camera], cache),
        )
        for camera in cameras
    )


def _pictures(rows: Sequence[Row], cache: Cache) -> tuple[Picture, ...]:
    count = min(SHOWN, len(rows))
    chosen = [rows[(2 * place + 1) * len(rows) // (2 * count)] for place in range(count)]
    found = []
    for row in chosen:
        try:
            path = cache.fetch(str(row["key"]), str(row["sha256"]))
            found.append(thumbnail(path, caption=str(row["key"]).rsplit("/", 1)[-1], limit=BYTES))
        except EvergreenError:  # the picture is gone or changed since: the page does without it
            continue
    return tuple(found)
