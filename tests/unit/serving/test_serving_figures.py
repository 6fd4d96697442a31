"""What the figures of a window say of its prediction records, against numpy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.serving import LEVELS, Figures, figures_json, figures_of
from tasks.domain.tables import PREDICTIONS
from tasks.domain.window import Window
from tasks.serving.rules import ServingRules
from tasks.serving.sketch import ALPHA, BINS, bins_of, quantiles
from tasks.serving.tally import COLUMNS, GROUPS, Tally

DAY = Window.parse("2026-11-20T00:00:00Z/2026-11-21T00:00:00Z")
RULES = ServingRules()
FIELDS = pa.schema([PREDICTIONS.field(name) for name in COLUMNS])


def records(n: int, seed: int = 0, **columns: object) -> pa.RecordBatch:
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, 86_400, n))
    made = {
        "camera": [f"cam-{i % 3}" for i in range(n)],
        "runtime": ["onnx"] * n,
        "captured_at": [DAY.start + timedelta(seconds=float(s)) for s in seconds],
        "preprocess_ms": rng.lognormal(0, 0.5, n),
        "inference_ms": rng.lognormal(3, 0.4, n),
        "postprocess_ms": rng.lognormal(-1, 0.5, n),
        "error": [None] * n,
        "sampling_probability": [None] * n,
        "drawn": [None] * n,
    }
    return pa.RecordBatch.from_pydict({**made, **columns}, schema=FIELDS)


def figures(*batches: pa.RecordBatch, window: Window = DAY) -> Figures:
    tally = Tally(window, RULES.objectives)
    for batch in batches:
        tally.add(batch)
    return tally.figures()


def column(batch: pa.RecordBatch, name: str) -> np.ndarray:
    return batch[name].to_numpy(zero_copy_only=False).astype(np.float64)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=300))
def test_a_quantile_is_numpys_within_half_a_percent(values: list[float]) -> None:
    data = np.array(values)
    counts = np.bincount(bins_of(data), minlength=BINS).astype(float)
    for level, found in zip((0.0, *LEVELS, 1.0), quantiles(counts, (0.0, *LEVELS, 1.0)), strict=True):
        wanted = float(np.quantile(data, level))
        assert abs(found - wanted) <= ALPHA * wanted * (1 + 1e-9) + 1e-3


def test_every_step_and_the_total_of_every_group_is_numpys_quantile() -> None:
    batch = records(5_000)
    found = {group.where: group for group in figures(batch.slice(0, 1_234), batch.slice(1_234)).groups}
    steps = {step: column(batch, f"{step}_ms") for step in ("preprocess", "inference", "postprocess")}
    steps["total"] = sum(steps.values())
    cameras = np.array(batch["camera"].to_pylist())
    for where, rows in (("all", cameras != ""), ("camera=cam-1", cameras == "cam-1"), ("runtime=onnx", cameras != "")):
        for step, values in steps.items():
            got = found[where].latency[step]
            assert got.quantiles == pytest.approx(np.quantile(values[rows], LEVELS), rel=ALPHA)
            assert (got.n, got.largest) == (rows.sum(), pytest.approx(values[rows].max()))


def test_two_runtimes_are_told_apart_also_camera_by_camera() -> None:
    fast, slow = records(300, 1), records(300, 2, runtime=["torch"] * 300, inference_ms=[400.0] * 300)
    found = {group.where: group for group in figures(fast, slow).groups}
    assert found["runtime=torch, camera=cam-0"].latency["inference"].quantiles[0] == pytest.approx(400, rel=ALPHA)
    assert found["runtime=onnx, camera=cam-0"].latency["inference"].quantiles[2] < 100


def test_a_failed_request_counts_among_the_errors_and_not_among_the_latencies() -> None:
    errors = [f"CUDA out of memory\nat {'x' * 4000}" if i % 10 == 0 else None for i in range(400)]
    waits = [30_000.0 if i % 10 == 0 else 10.0 for i in range(400)]
    found = figures(records(400, error=errors, inference_ms=waits))
    assert (found.whole.requests, found.whole.failed, found.whole.error_rate) == (400, 40, pytest.approx(0.1))
    assert found.whole.latency["inference"].largest == 10
    [(name, count)] = found.reasons.items()
    assert count == 40 and name.startswith("CUDA out of memory at x") and len(name) <= 120


def test_a_request_counts_once_however_seldom_images_like_its_own_are_kept() -> None:
    n = 1_000
    failed = ["timeout" if i < 50 else None for i in range(n)]
    found = figures(records(n, drawn=[1.0] * n, sampling_probability=[0.1] * n, error=failed)).whole
    assert (found.per_second, found.error_rate) == (pytest.approx(n / 86_400), pytest.approx(0.05))


@pytest.mark.parametrize("column", ["drawn", "sampling_probability"])  # the second in tables from before the first
def test_records_that_stand_for_several_count_as_often(column: str) -> None:
    n = 1_000
    chance = [0.1 if i < 100 else 1.0 for i in range(n)]
    waits = [900.0 if i < 100 else 20.0 for i in range(n)]
    found = figures(records(n, **{column: chance}, inference_ms=waits))
    repeated = np.repeat(waits, [round(1 / c) for c in chance])
    assert found.whole.latency["inference"].quantiles == pytest.approx(np.quantile(repeated, LEVELS), rel=ALPHA)
    assert found.whole.per_second == pytest.approx(1_900 / 86_400)
    assert sum(count for _, count in found.per_hour) == pytest.approx(1_900)


def test_throughput_is_told_by_hour_and_for_the_busiest_minute() -> None:
    noon = [datetime(2026, 11, 20, 12, 30, s % 60, tzinfo=UTC) for s in range(120)]
    found = figures(records(120, captured_at=noon))
    assert found.busiest == 2.0
    assert [hour.hour for hour, count in found.per_hour if count] == [12] and len(found.per_hour) == 24


def test_a_record_without_latency_or_with_nonsense_is_counted_and_not_timed() -> None:
    nothing: list[object] = [None, float("nan"), float("inf"), -3.0]
    found = figures(records(4, inference_ms=nothing, runtime=[None] * 4))
    assert found.whole.requests == 4 and "total" not in found.whole.latency and "inference" not in found.whole.latency
    assert "runtime=not stated" in {group.where for group in found.groups}


def test_strangers_who_name_cameras_do_not_grow_the_figures_without_end() -> None:
    n = 3 * GROUPS
    found = figures(records(n, camera=[f"c{i}" for i in range(n)]))
    assert len(found.groups) <= GROUPS + 1 and found.untold > 0
    assert found.whole.requests == n


def test_a_window_without_records_has_no_latency_and_no_error() -> None:
    found = figures(records(0))
    assert (found.whole.requests, found.whole.error_rate, found.whole.latency) == (0, 0.0, {})


def test_figures_come_back_from_json() -> None:
    found = figures(records(200))
    back = figures_of(figures_json(found))
    assert figures_json(back) == figures_json(found)
    assert [group.where for group in back.groups] == [group.where for group in found.groups]


def test_memory_does_not_grow_with_the_window() -> None:
    long = Window(DAY.start, DAY.start + timedelta(days=28))
    counts = figures(records(50), window=long).tallies
    assert counts.seconds % 300 == 0 and 28 * 86_400 / counts.seconds <= 288
