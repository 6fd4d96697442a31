"""The kinds of value that occur in records and labels: times, names, coordinates; strict, bounded, teachable."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from tasks.domain.model import SAFE_NAME
from tasks.domain.plain_text import UNSEEN

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Times before this come from a clock that was never set."""

MAX_SIDE = 65_535
MAX_CLASS_ID = 99_999
MAX_OBJECTS = 10_000
"""Objects in one image; ultralytics stops at 300 unless told otherwise."""
MAX_CLASSES = 50_000
MAX_ERROR = 2_000


def _moment(value: object) -> object:
    if isinstance(value, str) and len(value) <= 64:
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError(  # noqa: TRY004 — pydantic turns only ValueError into a validation error
            "a time is text in ISO 8601, such as 2026-11-20T06:00:00.250+01:00"
        )
    if value.tzinfo is None:
        raise ValueError("the time has no UTC offset: write 2026-11-20T06:00:00Z")
    if value < EARLIEST:
        raise ValueError(f"the time is before {EARLIEST:%Y}: the clock was never set")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time lies outside the calendar") from error


def _printable(value: str) -> str:
    if UNSEEN.search(value):
        raise ValueError("control characters, or such that turn the direction of writing, are not allowed in names")
    return value


def _camera(value: str) -> str:
    if value and not camera_name(value):
        raise ValueError("a camera has 1 to 64 letters, digits, spaces or . + - _ and not only spaces")
    return value


def camera_name(value: str) -> bool:
    """Whether the contract allows it as the name of a camera."""
    return bool(SAFE_NAME.fullmatch(value)) and not value.isspace()


def as_chances(value: object) -> object:
    """A dictionary from class id to probability: what is null says nothing, and a map of Arrow comes as pairs.

    Only tables give pairs as tuples; JSON has no such thing.
    """
    if isinstance(value, list) and all(isinstance(each, tuple) and len(each) == 2 for each in value):
        if len({key for key, _ in value}) != len(value):
            raise ValueError("a class twice")
        value = {str(key) if type(key) is int else key: chance for key, chance in value}
    return {key: chance for key, chance in value.items() if chance is not None} if isinstance(value, dict) else value


def as_tuple(value: object) -> object:
    """JSON knows lists only."""
    return tuple(value) if isinstance(value, list) else value


def _version_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _told(value: object) -> object:
    """Blank text says that nothing failed, as null does: no later stage needs to know both."""
    return (value.strip()[:MAX_ERROR] or None) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return (value.lower() or None) if isinstance(value, str) else value


def _triples(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) % 3:
        raise ValueError("keypoints are triples of x, y, confidence")
    return values


def _pairs(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) % 2:
        raise ValueError("a polygon is pairs of x, y")
    return values


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""ISO 8601 with a UTC offset; UTC inside."""

ImageId = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_printable)]
Camera = Annotated[str, AfterValidator(_camera)]
Name = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_printable)]
ShortText = Annotated[str, Field(max_length=256), AfterValidator(_printable)]
Version = Annotated[str, BeforeValidator(_version_text), Field(min_length=1, max_length=64), AfterValidator(_printable)]
ErrorText = Annotated[str | None, BeforeValidator(_told)]
Sha256 = Annotated[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None, BeforeValidator(_lower)]
ClassId = Annotated[int, Field(ge=0, le=MAX_CLASS_ID)]
Confidence = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(ge=0, le=1e7)]
Side = Annotated[int, Field(ge=0, le=MAX_SIDE)]
Coordinate = Annotated[float, Field(ge=-4 * MAX_SIDE, le=4 * MAX_SIDE)]
Box = Annotated[tuple[Coordinate, Coordinate, Coordinate, Coordinate], BeforeValidator(as_tuple)]
"""x1, y1, x2, y2 in pixels."""
Polygon = Annotated[
    tuple[Coordinate, ...], BeforeValidator(as_tuple), Field(min_length=6, max_length=20_000), AfterValidator(_pairs)
]
Corners = Annotated[tuple[Coordinate, ...], BeforeValidator(as_tuple), Field(min_length=8, max_length=8)]
Keypoints = Annotated[tuple[float, ...], BeforeValidator(as_tuple), Field(max_length=3_000), AfterValidator(_triples)]


def where(problem: dict[str, Any]) -> str:
    """The place and the complaint of one pydantic error: `detections[2].box: Input should be …`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    return f"{''.join(parts).lstrip('.')}: {problem['msg']}"


def names_in(location: Iterable[int | str]) -> list[str]:
    """The field names on the way to an error, innermost first."""
    return [part for part in location if isinstance(part, str)][::-1]
