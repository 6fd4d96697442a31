"""Of very many images a fixed sample is compared: as many of each camera, mixed as the window is, and it says so."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from tasks.domain import few
from tasks.domain.finding import Finding, Outcome

OK = Finding(check="c", subject="s", outcome=Outcome.OK, note="rose")


def window(sizes: dict[str, int]) -> pa.Table:
    cameras = [camera for camera, size in sizes.items() for _ in range(size)]
    return pa.table({"camera": cameras, "image_id": [f"{camera}-{at}" for at, camera in enumerate(cameras)]})


def drawn(table: pa.Table, most: int, least: int, rows: int = 1_000) -> pa.Table:
    pieces = table.to_batches(max_chunksize=rows)
    return pa.concat_tables(few.portion(pieces, few.chances(few.sizes(pieces), most, least)))


def test_large_cameras_give_equally_many_and_small_ones_all_they_have() -> None:
    found = Counter(drawn(window({"a": 20_000, "b": 10_000, "c": 300}), 2_300, 10)["camera"].to_pylist())
    assert found["c"] == 300
    assert all(880 <= found[camera] <= 1_120 for camera in "ab"), found


def test_no_camera_starves_among_many() -> None:
    found = Counter(drawn(window({f"c{n}": 200 for n in range(40)}), 100, 50)["camera"].to_pylist())
    assert len(found) == 40
    assert min(found.values()) >= 25


def test_the_choice_depends_on_no_order_and_on_no_piece() -> None:
    table = window({"a": 3_000, "b": 2_000})
    backwards = table.take(pa.array(np.arange(table.num_rows)[::-1]))
    first, second = drawn(table, 500, 10), drawn(backwards, 500, 10, rows=7)
    assert sorted(first["image_id"].to_pylist()) == sorted(second["image_id"].to_pylist())


def test_an_image_has_the_same_chance_at_every_place() -> None:
    table = window({"a": 40_000})
    halves = [int(name.split("-")[1]) < 20_000 for name in drawn(table, 4_000, 10)["image_id"].to_pylist()]
    assert abs(np.mean(halves) - 0.5) < 0.04


def test_a_window_that_is_small_enough_is_whole() -> None:
    assert drawn(window({"a": 60, "b": 40}), 100, 10).num_rows == 100
    assert few.chances({}, 100, 10) == {}


def test_what_is_found_in_a_sample_says_so() -> None:
    assert few.told([OK], 20_100, 1_000_000)[0].note == "rose; from a fixed sample of 20,100 of 1,000,000 images"
    assert few.told([OK], 18_000, 20_000) == (OK,), "what ingestion has drawn is another matter, told elsewhere"


def test_a_fleet_of_thousands_does_not_lift_the_bound() -> None:
    """A million images of five thousand cameras: two hundred of each would be all of them."""
    sizes = {f"c{n}": 200 for n in range(5_000)}
    given = few.chances(sizes, few.MOST, few.least(len(sizes)))
    assert few.MOST <= sum(given[camera] * size for camera, size in sizes.items()) <= few.BOUND
    assert few.least(100) == few.LEAST


def test_a_lot_is_mixed_as_the_window_is_and_always_the_same() -> None:
    names = [f"i{n}" for n in range(40_000)]
    taken = few.lot(names, 0.1)
    assert abs(taken.mean() - 0.1) < 0.006 and abs(taken[:20_000].mean() - 0.1) < 0.009
    assert few.lot(names[::-1], 0.1).tolist() == taken[::-1].tolist()
    assert few.lot(names, 1.0).all() and not few.lot([], 0.5).size
