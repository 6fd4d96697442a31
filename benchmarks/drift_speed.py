"""A drift verdict on a large table against Evidently's DataDriftPreset with the same test, side by side in one run.

CPU seconds of one process, so that a busy machine does not favour either. Columns are normal, skewed, heavy-tailed and
discrete in turn; a fifth of them drifted. The p-values of both are compared one by one.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings

os.environ["DO_NOT_TRACK"] = "1"
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402 (threads are counted when it loads)
import pandas as pd  # noqa: E402
from evidently import DataDefinition, Dataset, Report  # noqa: E402
from evidently.presets import DataDriftPreset  # noqa: E402

from tasks.drift.detector import detector  # noqa: E402
from tasks.drift.judging import holm  # noqa: E402

KINDS = ("normal", "skewed", "heavy", "discrete")


def column(kind: str, rows: int, shift: float, rng: np.random.Generator) -> np.ndarray:
    if kind == "skewed":
        return np.exp(rng.standard_normal(rows) + shift)
    if kind == "heavy":
        return rng.standard_t(3, rows) + shift
    if kind == "discrete":
        return rng.poisson(4 + 4 * shift, rows).astype(float)
    return 100 + 5 * (rng.standard_normal(rows) + shift)


def theirs(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, float]:
    definition = DataDefinition(numerical_columns=list(before.columns))
    sides = [Dataset.from_pandas(side, data_definition=definition) for side in (after, before)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics = Report([DataDriftPreset(num_method="ks")]).run(*sides).dict()["metrics"]
    return {m["config"]["column"]: float(m["value"]) for m in metrics if "column" in m["config"]}


def ours(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> tuple[dict[str, float], set[str]]:
    """All p-values, and the columns that drifted: significant after Holm and large enough to matter."""
    tool = detector("ks")
    scores = {name: tool.score(before[name], after[name]) for name in before}
    adjusted = dict(zip(scores, holm([score.p_value for score in scores.values()]), strict=True))
    drifted = {name for name, score in scores.items() if adjusted[name] <= 0.01 and score.value >= tool.limit}
    return {name: score.p_value for name, score in scores.items()}, drifted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=20)
    chosen = parser.parse_args()
    rng = np.random.default_rng(5)
    names = [f"c{place}" for place in range(chosen.columns)]
    kinds = {name: KINDS[place % len(KINDS)] for place, name in enumerate(names)}
    shifts = {name: 0.5 * (place % 5 == 4) for place, name in enumerate(names)}
    before = {name: column(kinds[name], chosen.rows, 0.0, rng) for name in names}
    after = {name: column(kinds[name], chosen.rows, shifts[name], rng) for name in names}
    ours({"warm": before["c0"][:1000]}, {"warm": after["c0"][:1000]})
    started = time.process_time()
    mine, drifted = ours(before, after)
    fast = time.process_time() - started
    frames = pd.DataFrame(before), pd.DataFrame(after)
    started = time.process_time()
    other = theirs(*frames)
    slow = time.process_time() - started
    apart = max(abs(mine[name] - other[name]) for name in names)
    print("| rows a side x columns | Evergreen, CPU s | Evidently, CPU s | ratio | largest difference of p | drifted |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {chosen.rows:,} x {chosen.columns} | {fast:.2f} | {slow:.1f} | {slow / fast:.1f} | {apart:.1e} "
        f"| {len(drifted)}, planted {sum(s > 0 for s in shifts.values())} |"
    )


if __name__ == "__main__":
    main()
