"""Which rows of judged windows become a reference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tasks.domain.few import evenly
from tasks.drift.pinning import cameras_at, sound, spread, thinned

START = datetime(2026, 11, 2, tzinfo=UTC)


def identity(cameras: str, rng: np.random.Generator, first: int = 0) -> pa.Table:
    """One image a second in a shuffled table."""
    rows = [
        {
            "camera": camera,
            "sha256": f"h{first + place}",
            "image_id": f"i{first + place}",
            "captured_at": START + timedelta(seconds=first + place),
        }
        for place, camera in enumerate(cameras)
    ]
    fields = pa.schema(
        [("camera", pa.string()), ("sha256", pa.string()), ("image_id", pa.string()),
         ("captured_at", pa.timestamp("us", tz="UTC"))]
    )  # fmt: skip
    return pa.Table.from_pylist([rows[at] for at in rng.permutation(len(rows))], schema=fields)


@pytest.mark.parametrize("seed", range(8))
def test_windows_one_by_one_give_the_rows_that_all_of_them_together_would(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 40, 5).tolist()
    windows = [identity("".join(rng.choice(list("abc"), n)), rng, 100 * at) for at, n in enumerate(sizes)]
    places = [sound(each, frozenset("c"), frozenset({"h3"})) for each in windows]
    kept = spread([cameras_at(*pair) for pair in zip(windows, places, strict=True)], 7)
    found = [
        name
        for table, at, chosen in zip(windows, places, kept, strict=True)
        for name in table["image_id"].take(pa.array(at[chosen])).to_pylist()
    ]
    together = pa.concat_tables(windows).sort_by("captured_at").to_pylist()
    fit = [row for row in together if row["camera"] != "c" and row["sha256"] != "h3"]
    wanted: set[str] = set()
    for camera in "ab":
        own = [row["image_id"] for row in fit if row["camera"] == camera]
        wanted |= {own[at] for at in evenly(np.arange(len(own)), 7)}
    assert found == [row["image_id"] for row in fit if row["image_id"] in wanted]


def test_a_reference_that_was_thinned_once_stays_as_it_is() -> None:
    table = identity("abcab" * 20, np.random.default_rng(1)).sort_by("captured_at")
    once = thinned(table, 9)
    assert once.num_rows == 27 and thinned(once, 9).equals(once)


def test_windows_without_a_row_are_no_trouble() -> None:
    empty = identity("", np.random.default_rng(1))
    places = sound(empty, frozenset(), frozenset())
    assert [part.tolist() for part in spread([cameras_at(empty, places)] * 2, 5)] == [[], []]
    assert spread([], 5) == []
