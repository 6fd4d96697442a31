"""Objects that no window ever looks at, because they do not lie as the data contract says: searched where data lack.

Only a few lists are read, folder by folder: how deep a wrong folder is filled does not matter, nor how full the right
ones are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from statistics import median

from tasks.adapters.objects import ObjectInfo, ObjectStore
from tasks.domain.finding import Finding, Outcome
from tasks.domain.markers import is_marker
from tasks.domain.window import Window

PAGE = 1_000
"""Objects of one wrong folder that are counted: the rest says nothing new."""

CAMERAS, FOLDERS, DAYS = 50, 50, 2
"""Cameras, wrong folders on one level, and days of the window that are looked at."""

SMALL, KNOWN = 0.25, 3
"""A window with less than this share of the usual images is searched for, once so many windows say what is usual."""

LAYOUT = "<model>/images/<camera>/YYYY/MM/DD/HH/<image_id>.<ext>, <model>/predictions/date=YYYY-MM-DD/hour=HH/<part>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A folder of the layout, in which there are only folders, all of them called like `inside`."""

    folder: str
    inside: str


def levels(model: str, cameras: Sequence[str], window: Window) -> Iterator[Level]:
    """The folders that lead to the window's own; `cameras` are those of the cameras.

    >>> window = Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")
    >>> [each.folder for each in levels("m", ["m/images/c/"], window)][-2:]
    ['m/images/c/2026/11/', 'm/images/c/2026/11/20/']
    """
    days = list(dict.fromkeys(hour.date() for hour in window.hours()))[:DAYS]
    yield Level(folder=f"{model}/predictions/", inside=r"date=\d{4}-\d\d-\d\d")
    for day in days:
        yield Level(folder=f"{model}/predictions/date={day}/", inside=r"hour=\d\d")
    yield Level(folder=f"{model}/images/", inside=".+")
    for camera in cameras:
        below = {camera: r"\d{4}"}
        for day in days:
            below |= {f"{camera}{day:{depth}}/": r"\d\d" for depth in ("%Y", "%Y/%m", "%Y/%m/%d")}
        yield from (Level(folder=folder, inside=inside) for folder, inside in below.items())


def strays(store: ObjectStore, level: Level) -> Iterator[ObjectInfo]:
    """Objects directly in a folder of folders, and those in folders that are called otherwise than they should be."""
    yield from islice((info for info in store.loose(level.folder) if not _beside(info.key)), PAGE)
    odd = (each for each in store.folders(level.folder) if not re.fullmatch(level.inside, _last(each)))
    for folder in islice(odd, FOLDERS):
        yield from islice((info for info in store.list(folder) if not _beside(info.key)), PAGE)


def searched(store: ObjectStore, model: str, window: Window, since: datetime | None = None) -> tuple[Finding, ...]:
    """What lies where no window looks, as one finding; () where there is nothing.

    Args:
        store: The bucket.
        model: Whose folders.
        window: The days that are looked at closely.
        since: Only what landed from then on counts; None: whatever lies there.
    """
    cameras = list(islice(store.folders(f"{model}/images/"), CAMERAS))
    count, example = 0, ""
    for level in levels(model, cameras, window):
        for info in strays(store, level):
            if since is None or info.modified >= since:
                count, example = count + 1, example or info.key
    if not count:
        return ()
    many = f"{count} objects lie" if count > 1 else "1 object lies"
    note = f"{many} where no window looks, e.g. {example[:200]!r}; the layout is {LAYOUT}"
    found = Finding(
        check="layout", subject="objects", outcome=Outcome.INCONCLUSIVE, value=float(count), limit=0.0, unit="objects",
        n=count, note=note,
    )  # fmt: skip
    return (found,)


def much_fewer(accepted: int, usual: Sequence[int]) -> bool:
    """Whether a window has far fewer accepted images than the others, of which at least `KNOWN` are needed.

    >>> much_fewer(10, [100, 90, 110]), much_fewer(30, [100, 90, 110]), much_fewer(0, [100])
    (True, False, False)
    """
    return len(usual) >= KNOWN and accepted < SMALL * median(usual)


def _last(folder: str) -> str:
    return folder.rstrip("/").rsplit("/", 1)[-1]


def _beside(key: str) -> bool:
    return key.endswith("/") or is_marker(key)
