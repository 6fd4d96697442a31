"""A window: the half-open UTC interval [start, end) that one monitoring run judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tasks.domain.errors import ConfigError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Windows tile time from here, so that every process cuts the same ones."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The half-open UTC interval [start, end) of `captured_at`.

    >>> day = Window.parse("2026-11-20T00:00:00Z/2026-11-21T00:00:00Z")
    >>> day.contains(datetime(2026, 11, 21, tzinfo=UTC))
    False
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment.tzinfo is None:
                raise ConfigError(f"window {name} {moment!r} has no UTC offset: write 2026-11-20T06:00:00Z")
        if self.start >= self.end:
            raise ConfigError(f"window start {self.start} is not before its end {self.end}")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))

    @classmethod
    def parse(cls, text: str) -> Window:
        """The window written as `start/end` in ISO 8601 (the form that `str` gives)."""
        try:
            start, end = (datetime.fromisoformat(part) for part in text.split("/"))
        except ValueError as error:
            raise ConfigError(f"window {text!r} is not 'start/end' in ISO 8601") from error
        return cls(start, end)

    @classmethod
    def containing(cls, moment: datetime, length: timedelta) -> Window:
        """The tile of that length, counted from 1970, that contains the moment."""
        start = EPOCH + ((moment - EPOCH) // length) * length
        return cls(start, start + length)

    @classmethod
    def latest_closed(cls, now: datetime, length: timedelta, lateness: timedelta) -> Window:
        """The newest tile that ended at least `lateness` ago: objects may land that late."""
        return cls.containing(now - lateness, length).previous()

    @property
    def length(self) -> timedelta:
        """From start to end."""
        return self.end - self.start

    def previous(self) -> Window:
        """The window of the same length that ends where this one starts."""
        return Window(self.start - self.length, self.start)

    def tiles(self, length: timedelta) -> tuple[Window, ...]:
        """The tiles of that length, counted from 1970, that lie wholly inside, oldest first; none when too short.

        >>> night = Window.parse("2026-11-20T22:30:00Z/2026-11-21T01:00:00Z")
        >>> [str(tile)[11:16] for tile in night.tiles(timedelta(hours=1))]
        ['23:00', '00:00']
        """
        first = EPOCH - ((EPOCH - self.start) // length) * length
        count = max(0, (self.end - first) // length)
        return tuple(Window(first + n * length, first + (n + 1) * length) for n in range(count))

    def contains(self, moment: datetime) -> bool:
        """Whether the moment lies in [start, end)."""
        return self.start <= moment < self.end

    def hours(self) -> Iterator[datetime]:
        """The start of every UTC hour that overlaps the window, oldest first: the hours of object prefixes."""
        hour = self.start.replace(minute=0, second=0, microsecond=0)
        while hour < self.end:
            yield hour
            hour += timedelta(hours=1)

    def __str__(self) -> str:
        return f"{_iso(self.start)}/{_iso(self.end)}"


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
