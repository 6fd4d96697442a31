"""The words of a replay: shots in windows, windows in chapters, chapters in a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from tasks.domain.model import Kind
from tasks.domain.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One object that is really there: a class, and for detect its box (x1, y1, x2, y2 in pixels)."""

    class_id: int
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """One picture as a camera took it. `truths` is None where nobody can say what is on it."""

    image_id: str
    camera: str
    session: str
    captured_at: datetime
    encoded: bytes
    suffix: str
    truths: tuple[Truth, ...] | None
    golden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Windows with one story. `labelled`: people label its pictures afterwards."""

    key: str
    title: str
    windows: tuple[Window, ...]
    labelled: bool = False


class Scenario(Protocol):
    """A world that can be replayed through the capture library, faster than life."""

    @property
    def name(self) -> str:
        """The registered model's name."""

    @property
    def kind(self) -> Kind:
        """What the model answers with."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of class ids."""

    @property
    def imgsz(self) -> int:
        """Side in pixels that the model is trained and served at."""

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """`accepted`, `healthy`, `camera`, `changed` and `after`, in the order of time."""

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Per deployment, the parameters that its user would put into prefect.yaml."""

    @property
    def first(self) -> Mapping[str, Any]:
        """`RetrainRules` of the first version, which starts from a YAML name."""

    def commissioning(self) -> Iterator[Shot]:
        """Labelled pictures from before the first model, some of them golden."""

    def shots(self, window: Window) -> Iterator[Shot]:
        """What the cameras take in a window of a chapter."""


CHAPTER_KEYS = ("accepted", "healthy", "camera", "changed", "after")


def calendar(days: Mapping[str, int], now: datetime) -> dict[str, tuple[Window, ...]]:
    """Consecutive daily windows for chapters of so many days each; the last one ended before today.

    >>> from datetime import UTC
    >>> plan = calendar({"healthy": 1, "changed": 2}, datetime(2026, 1, 10, 12, tzinfo=UTC))
    >>> [str(w.start.date()) for key in plan for w in plan[key]]
    ['2026-01-07', '2026-01-08', '2026-01-09']
    """
    day = timedelta(days=1)
    end = Window.containing(now, day).start
    start = end - day * sum(days.values())
    plan: dict[str, tuple[Window, ...]] = {}
    for key, count in days.items():
        plan[key] = tuple(Window(start + day * i, start + day * (i + 1)) for i in range(count))
        start += day * count
    return plan


def chapters_of(days: Mapping[str, int], titles: Mapping[str, str], now: datetime) -> tuple[Chapter, ...]:
    """Chapters of so many days each, one after the other; people label what was taken after the change."""
    plan = calendar(days, now)
    return tuple(Chapter(key=key, title=titles[key], windows=plan[key], labelled=key == "changed") for key in days)


def spread(window: Window, count: int) -> list[datetime]:
    """`count` moments spread evenly over the working hours (06:00-22:00) of a daily window."""
    first = window.start + timedelta(hours=6)
    step = timedelta(hours=16) / max(count, 1)
    return [first + step * i for i in range(count)]
