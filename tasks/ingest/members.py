"""Which objects belong to a window: told by the hour in their key, never by a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tasks.adapters.objects import ObjectInfo
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.errors import ConfigError
from tasks.domain.markers import is_marker
from tasks.domain.window import Window

HOUR = timedelta(hours=1)

PICTURE = "picture"
_PICTURES = frozenset({"", "jpg", "jpeg", "jpe", "jfif", "png", "webp"})
"""Endings of pictures; none at all may be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An object listed under an image folder of the window.

    `moment` is when it was taken, as far as the key tells; `landed` is when it was written to the bucket.
    """

    key: str
    size: int
    etag: str
    camera: str
    image_id: str
    moment: datetime
    landed: datetime

    def info(self) -> ObjectInfo:
        """The object as the bucket listed it."""
        return ObjectInfo(key=self.key, size=self.size, etag=self.etag, modified=self.landed)

    def moment_by(self, claimed: datetime | None) -> datetime:
        """The moment, as a refused record claims it, where that lies in the hour of the folder; else the guess."""
        start = self.moment.replace(minute=0, second=0, microsecond=0)
        return claimed if claimed is not None and start <= claimed < start + HOUR else self.moment


def require_whole_hours(window: Window) -> None:
    """`ConfigError` for a window that would cut an hour's folder in two."""
    if any(edge != edge.replace(minute=0, second=0, microsecond=0) for edge in (window.start, window.end)):
        raise ConfigError(f"window {window} does not begin and end on a full UTC hour; objects lie in folders by hour")


def camera_folder(model: str) -> str:
    """The prefix below which every camera has its folder."""
    return f"{model}/images/"


def image_prefixes(folders: Iterable[str], window: Window) -> Iterator[str]:
    """`<folder>YYYY/MM/DD/HH/` for every camera folder and hour.

    >>> list(image_prefixes(["m/images/c/"], Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")))
    ['m/images/c/2026/11/20/06/']
    """
    for folder in folders:
        for hour in window.hours():
            yield f"{folder}{hour:%Y/%m/%d/%H}/"


def prediction_prefixes(model: str, window: Window) -> Iterator[str]:
    """`<model>/predictions/date=YYYY-MM-DD/hour=HH/` for every hour."""
    for hour in window.hours():
        yield f"{model}/predictions/date={hour:%Y-%m-%d}/hour={hour:%H}/"


def member(key: str, size: int, etag: str, modified: datetime, prefix: str) -> Member:
    """What an image's key says: camera, hour and image id (the name without its extension).

    The moment is when the object landed, if it landed within its hour, else the beginning of the hour: a prediction
    record knows better where there is one.
    """
    *head, year, month, day, hour = prefix.rstrip("/").split("/")
    start = datetime(int(year), int(month), int(day), int(hour), tzinfo=UTC)
    name = key.removeprefix(prefix)
    stem, dot, _ = name.rpartition(".")
    return Member(
        key=key,
        size=size,
        etag=etag,
        camera=head[-1],
        image_id=stem if dot and stem else name,
        moment=modified if start <= modified < start + HOUR else start,
        landed=modified,
    )


def ending(key: str) -> str:
    """What an object's name says it is: `PICTURE`, another ending, or empty for what is never data.

    Two pictures of one name claim the same id, a picture and the file of notes beside it do not.

    >>> ending("m/a.JPG"), ending("m/a"), ending("m/a.json"), ending("m/a/")
    ('picture', 'picture', 'json', '')
    """
    if key.endswith("/") or is_marker(key):
        return ""
    stem, dot, last = key.rsplit("/", 1)[-1].rpartition(".")
    told = last.lower() if dot and stem else ""
    return PICTURE if told in _PICTURES else told


def refusal(key: str, size: int, max_bytes: int) -> Rejected | None:
    """Why an object is not even downloaded, or None."""
    if key.endswith("/"):
        return Rejected(reason=Reason.DIRECTORY_MARKER, note=f"{size} bytes")
    if is_marker(key):
        return Rejected(reason=Reason.MARKER_FILE, note=f"{size} bytes")
    if size == 0:
        return Rejected(reason=Reason.EMPTY, note="0 bytes")
    if size > max_bytes:
        return Rejected(reason=Reason.TOO_LARGE, note=f"{size} bytes, at most {max_bytes}")
    return None
