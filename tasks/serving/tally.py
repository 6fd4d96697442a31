"""From prediction records, piece by piece, to the figures of a window; memory does not grow with the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.serving import LEVELS, STEPS, Figures, Latency, Served, Tallies
from tasks.domain.tables_catalog import CHANCE, DRAWN, drawn_chances
from tasks.domain.window import Window
from tasks.domain.wording import one_line
from tasks.serving.rules import Objective
from tasks.serving.sketch import BINS, Floats, Ints, bins_of, quantiles

COLUMNS = [
    "camera", "runtime", "captured_at", "preprocess_ms", "inference_ms", "postprocess_ms", "error",
    CHANCE, DRAWN,
]  # fmt: skip

GROUPS = 200
"""Groups with figures of their own, the first ones seen: 75 KB each. What comes later counts in `all` only."""

SLICE = 300
"""Seconds in which promises are counted; longer in windows of more than a day."""

SLICES = 288
"""Slices of a window at most."""

REASONS = 5
"""Errors that are told by name."""

DISTINCT = 1_000
"""Different errors that are counted at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Columns of one piece: seconds since the window began, milliseconds by step (nan: not stated), weight, failed.

    `bins` are those of the milliseconds, -1 where a step is not stated or the request failed.
    """

    seconds: Floats
    steps: dict[str, Floats]
    bins: dict[str, Ints]
    weight: Floats
    failed: np.ndarray
    answered: np.ndarray


@dataclass(slots=True, kw_only=True)
class _Group:
    """Counts of one group, grown in place."""

    requests: int = 0
    failed: int = 0
    weight: float = 0.0
    bad: float = 0.0
    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    largest: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    bins: dict[str, Floats] = field(default_factory=lambda: {step: np.zeros(BINS) for step in STEPS})


class Tally:
    """What the records of one window add up to; `add` takes a batch with the columns `COLUMNS`."""

    def __init__(self, window: Window, objectives: Sequence[Objective]) -> None:
        self._window = window
        self._objectives = {each.key: each for each in objectives}
        length = window.length.total_seconds()
        self._slice = int(max(SLICE, -(-length // (SLICES * SLICE)) * SLICE))
        self._minutes = np.zeros(int(-(-length // 60)))
        slices = int(-(-length // self._slice))
        self._promised = {key: np.zeros((2, slices)) for key in self._objectives}
        self._groups: dict[str, _Group] = {"all": _Group()}
        self._left_out: set[str] = set()
        self._reasons: Counter[str] = Counter()

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the records of a piece; those without a latency are counted, too."""
        if not batch.num_rows:
            return
        piece = _piece(batch, self._window)
        self._count(self._groups["all"], piece, np.ones(batch.num_rows, bool))
        for name, mask in _groups(batch):
            if name in self._groups or len(self._groups) <= GROUPS:
                self._count(self._groups.setdefault(name, _Group()), piece, mask)
            elif len(self._left_out) < DISTINCT:
                self._left_out.add(name)
        self._times(piece)
        self._promises(piece)
        for each in pc.value_counts(batch["error"].drop_null()).to_pylist():
            text = one_line(each["values"], 120) or "no reason given"
            if text in self._reasons or len(self._reasons) < DISTINCT:
                self._reasons[text] += each["counts"]

    def figures(self) -> Figures:
        """What was counted so far."""
        length = self._window.length.total_seconds()
        groups = {name: group for name, group in self._groups.items() if not _said_already(name, self._groups)}
        return Figures(
            groups=tuple(_served(name, group, length) for name, group in sorted(groups.items(), key=_order)),
            per_hour=self._per_hour(),
            busiest=float(self._minutes.max()) / 60,
            reasons=dict(self._reasons.most_common(REASONS)),
            tallies=Tallies(
                start=self._window.start,
                seconds=self._slice,
                counts={key: _rows(counts) for key, counts in self._promised.items()},
            ),
            untold=len(self._left_out),
        )

    def _count(self, group: _Group, piece: _Piece, mask: np.ndarray) -> None:
        group.requests += int(mask.sum())
        group.failed += int((mask & piece.failed).sum())
        group.weight += float(piece.weight[mask].sum())
        group.bad += float(piece.weight[mask & piece.failed].sum())
        for step, places in piece.bins.items():
            here = np.flatnonzero(mask & (places >= 0))
            if len(here):
                group.counted[step] += len(here)
                group.largest[step] = max(group.largest[step], float(piece.steps[step][here].max()))
                group.bins[step] += np.bincount(places[here], piece.weight[here], BINS)

    def _times(self, piece: _Piece) -> None:
        minutes = np.clip((piece.seconds // 60).astype(np.int64), 0, len(self._minutes) - 1)
        self._minutes += np.bincount(minutes, piece.weight, len(self._minutes))

    def _promises(self, piece: _Piece) -> None:
        for key, promise in self._objectives.items():
            counts = self._promised[key]
            asked, bad = _held_against(promise, piece)
            places = np.clip((piece.seconds // self._slice).astype(np.int64), 0, counts.shape[1] - 1)
            for row, chosen in enumerate((asked, bad)):
                counts[row] += np.bincount(places[chosen], piece.weight[chosen], counts.shape[1])

    def _per_hour(self) -> tuple[tuple[datetime, float], ...]:
        """Images by UTC hour, every hour that overlaps the window."""
        found = []
        for hour in self._window.hours():
            first = max(0, int((hour - self._window.start).total_seconds() // 60))
            last = int((hour + timedelta(hours=1) - self._window.start).total_seconds() // 60)
            found.append((hour, float(self._minutes[first:last].sum())))
        return tuple(found)


def _piece(batch: pa.RecordBatch, window: Window) -> _Piece:
    steps = {step: _numbers(batch, f"{step}_ms") for step in STEPS[:-1]}
    rest = np.nan_to_num(steps["preprocess"]) + np.nan_to_num(steps["postprocess"])
    steps["total"] = steps["inference"] + rest
    moments = batch["captured_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    failed = batch["error"].is_valid().to_numpy(zero_copy_only=False)
    return _Piece(
        seconds=moments / 1e6 - window.start.astimezone(UTC).timestamp(),
        steps=steps,
        bins={step: np.where(failed, -1, bins_of(values)) for step, values in steps.items()},
        weight=1 / drawn_chances(batch),  # a request is recorded whether its image was kept or not
        failed=failed,
        answered=~failed,
    )


def _numbers(batch: pa.RecordBatch, name: str) -> Floats:
    """(n,) float64, nan for null and for what is no duration."""
    values: Floats = batch[name].cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(values) & (values >= 0), values, np.nan)


def _groups(batch: pa.RecordBatch) -> Iterable[tuple[str, np.ndarray]]:
    """Every camera, every runtime, and every pair of them, with the rows that belong to it."""
    cameras, codes = _coded(batch["camera"], "?")
    runtimes, kinds = _coded(batch["runtime"], "not stated")
    for number, camera in enumerate(cameras):
        yield f"camera={camera}", codes == number
    for kind, runtime in enumerate(runtimes):
        yield f"runtime={runtime}", kinds == kind
    for pair in np.unique(kinds.astype(np.int64) * len(cameras) + codes).tolist():
        kind, number = divmod(pair, len(cameras))
        yield f"runtime={runtimes[kind]}, camera={cameras[number]}", (kinds == kind) & (codes == number)


def _coded(column: pa.Array, missing: str) -> tuple[list[str], Ints]:
    found = pc.dictionary_encode(column.cast(pa.string()).fill_null(missing))
    return found.dictionary.to_pylist(), found.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _held_against(promise: Objective, piece: _Piece) -> tuple[np.ndarray, np.ndarray]:
    """Rows that the promise is about, and those of them that break it; a failed request has no latency."""
    if promise.latency_ms is None:
        return np.ones(len(piece.failed), bool), piece.failed
    values = piece.steps[promise.step]
    asked = piece.answered & np.isfinite(values)
    return asked, asked & (np.nan_to_num(values) > promise.latency_ms)


def _said_already(name: str, groups: dict[str, _Group]) -> bool:
    """Pairs say nothing of their own where there is one runtime or one camera only, nor does a runtime alone."""
    runtimes = sum(each.startswith("runtime=") and ", camera=" not in each for each in groups)
    cameras = sum(each.startswith("camera=") for each in groups)
    return ", camera=" in name and (runtimes < 2 or cameras < 2)


def _order(item: tuple[str, _Group]) -> tuple[int, str]:
    name = item[0]
    kind = 0 if name == "all" else 3 if ", camera=" in name else 1 if name.startswith("runtime=") else 2
    return kind, name


def _served(name: str, group: _Group, seconds: float) -> Served:
    latency = {}
    for step in STEPS:
        if group.counted[step]:
            found = quantiles(group.bins[step], LEVELS)
            most = group.largest[step]
            low, middle, high = (min(value, most) for value in found)
            latency[step] = Latency(n=group.counted[step], quantiles=(low, middle, high), largest=most)
    return Served(
        where=name,
        requests=group.requests,
        failed=group.failed,
        error_rate=group.bad / group.weight if group.weight else 0.0,
        per_second=group.weight / seconds,
        latency=latency,
    )


def _rows(counts: Floats) -> tuple[tuple[int, float, float], ...]:
    filled = np.flatnonzero(counts[0])
    return tuple((int(at), round(float(counts[0, at]), 2), round(float(counts[1, at]), 2)) for at in filled)
