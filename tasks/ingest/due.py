"""Which windows still have to be judged; time is cut into tiles, so none is forgotten and none overlaps."""

from __future__ import annotations

from datetime import timedelta

from tasks.domain.errors import ConfigError
from tasks.domain.window import Window


def windows_due(newest: Window, last_judged: Window | None, catch_up: int) -> list[Window]:
    """The tiles after `last_judged` up to and including `newest`, oldest first, at most the newest `catch_up`.

    A model that was never judged starts with `newest`. Of a long gap only the newest tiles are judged by
    themselves: older ones are asked for by name (`evergreen monitor --window start/end`).
    """
    if last_judged is None or last_judged.length != newest.length:
        return [newest]
    due: list[Window] = []
    tile = newest
    while tile.start >= last_judged.end and len(due) < catch_up:
        due.append(tile)
        tile = tile.previous()
    return due[::-1]


def span_windows(span: str, length: timedelta) -> list[Window]:
    """Every window of `length` that lies wholly inside the span `start/end`, oldest first.

    Raises:
        ConfigError: there is none, or the span is not written as `start/end`.
    """
    found = Window.parse(span).tiles(length)
    if not found:
        raise ConfigError(f"{span} holds no whole window: windows are {length} long and counted from midnight UTC")
    return list(found)
