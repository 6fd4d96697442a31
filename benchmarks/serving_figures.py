"""Serving figures of large windows: time, memory, and how far quantiles are from numpy's.

python benchmarks/serving_figures.py --rows 100000 1000000
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.domain.serving import LEVELS, Figures
from tasks.domain.tables import PREDICTIONS
from tasks.domain.window import Window
from tasks.serving.rules import ServingRules
from tasks.serving.tally import COLUMNS, Tally

DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
SHAPES = {
    "lognormal": lambda rng, n: rng.lognormal(3, 0.6, n),
    "two machines": lambda rng, n: np.where(rng.random(n) < 0.1, rng.normal(400, 20, n), rng.normal(12, 1, n)).clip(
        0.1
    ),
    "heavy tail": lambda rng, n: 5 * (1 + rng.pareto(1.2, n)),
    "whole milliseconds": lambda rng, n: rng.integers(1, 50, n).astype(float),
}
CAMERAS = 40


def written(path: Path, rows: int, seed: int, shape: str) -> dict[str, np.ndarray]:
    """A predictions file of so many rows; the latencies that are in it."""
    rng = np.random.default_rng(seed)
    fields = pa.schema([PREDICTIONS.field(name) for name in COLUMNS])
    steps = {"preprocess": rng.lognormal(0.5, 0.4, rows), "inference": SHAPES[shape](rng, rows),
             "postprocess": rng.lognormal(-0.5, 0.5, rows)}  # fmt: skip
    steps = {step: values.astype(np.float32).astype(np.float64) for step, values in steps.items()}
    start = np.datetime64(DAY.start.replace(tzinfo=None), "us")
    columns = {
        "camera": pa.array([f"cam-{i}" for i in range(CAMERAS)]).take(pa.array(rng.integers(0, CAMERAS, rows))),
        "runtime": pa.array(["onnx", "tensorrt-fp16"]).take(pa.array(rng.integers(0, 2, rows))),
        "captured_at": pa.array(start + (rng.random(rows) * 86_400e6).astype("timedelta64[us]")),
        "error": pa.array(["timeout"]).take(pa.array(np.zeros(rows, int), mask=rng.random(rows) > 0.002)),
        "sampling_probability": pa.nulls(rows, pa.float64()),
        "drawn": pa.nulls(rows, pa.float64()),
    }
    columns |= {f"{step}_ms": pa.array(values) for step, values in steps.items()}
    table = pa.table({name: columns[name].cast(fields.field(name).type) for name in COLUMNS})
    pq.write_table(table, path, row_group_size=100_000)
    answered = ~table["error"].is_valid().to_numpy()
    return {step: values[answered] for step, values in steps.items()} | {
        "total": sum(steps.values())[answered]  # type: ignore[index]
    }


def counted(path: Path) -> tuple[Figures, float, float]:
    """The figures, seconds of CPU, and MB by which the largest memory of this process grew."""
    before, start = peak(), time.process_time()
    tally = Tally(DAY, ServingRules().objectives)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(65_536, columns=COLUMNS):
            tally.add(batch)
    found = tally.figures()
    return found, time.process_time() - start, peak() - before


def peak() -> float:
    """Largest memory of this process so far in MB (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Print one row a shape of latencies; each is counted in a process of its own, so that memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(
        "| latencies | rows | CPU seconds | memory grown | groups | largest error of a quantile |\n"
        "|---|---|---|---|---|---|"
    )
    for rows, shape in itertools.product(asked.rows, SHAPES):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "predictions.parquet"
            true = written(path, rows, asked.seed, shape)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                found, seconds, grown = pool.submit(counted, path).result()
        errors = [
            abs(value / float(np.quantile(true[step], level)) - 1)
            for step, latency in found.whole.latency.items()
            for level, value in zip(LEVELS, latency.quantiles, strict=True)
        ]
        print(f"| {shape} | {rows:,} | {seconds:.1f} | {grown:.0f} MB | {len(found.groups)} | {max(errors):.2%} |")


if __name__ == "__main__":
    main()
