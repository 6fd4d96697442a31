"""What was measured before is found by content hash, within its bound, and never costs a result."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from tasks.adapters import measure_cache
from tasks.adapters.measure_cache import MeasureCache

MANY = 2**24


def name(number):
    return f"{number:064x}"


def rows(numbers, size=10):
    return {name(number): bytes([number % 256]) * size for number in numbers}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "measures.db"


def test_what_was_kept_is_found_by_what_was_measured_and_of_which_bytes(path):
    cache = MeasureCache(path, MANY)
    assert cache.get("light", [name(1)]) == {}
    cache.add("light", rows(range(1200)))
    cache.add("view", rows([1], size=3))
    wanted = [name(number) for number in (1199, 3, 5000)]
    assert MeasureCache(path, MANY).get("light", wanted) == rows([1199, 3])
    assert cache.get("view", [name(1), name(2)]) == rows([1], size=3)
    assert len(cache.get("light", [name(number) for number in range(1200)])) == 1200


def test_nothing_is_kept_where_nothing_may_be(path):
    cache = MeasureCache(path, 0)
    cache.add("light", rows([1]))
    assert cache.get("light", [name(1)]) == {} and not path.exists()


def test_what_was_not_used_for_longest_goes_and_the_file_keeps_its_bound(path, monkeypatch):
    bound, day = 400_000, [0]
    monkeypatch.setattr(measure_cache.time, "time", lambda: day[0] * 2 * measure_cache.DAY)
    cache = MeasureCache(path, bound)
    for turn in range(30):
        day[0] = turn
        cache.add("light", rows(range(turn * 20, turn * 20 + 20), size=2_000))
        assert cache.get("light", [name(0)]), f"it was used in turn {turn} and is gone"
    assert path.stat().st_size < 1.3 * bound
    newest = [name(number) for number in range(29 * 20, 30 * 20)]
    assert len(cache.get("light", newest)) == 20
    assert cache.get("light", [name(20)]) == {}


def test_a_file_that_is_no_data_base_is_a_miss_and_is_made_anew(path, caplog):
    path.parent.mkdir()
    path.write_bytes(b"this is no data base, but there was one" * 100)
    cache = MeasureCache(path, MANY)
    assert cache.get("light", [name(1)]) == {}
    assert "measured again" in caplog.text
    cache.add("light", rows([1]))
    assert cache.get("light", [name(1)]) == rows([1])


def test_a_place_that_cannot_be_written_to_costs_a_line(tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = MeasureCache(tmp_path / "cache" / "measures.db", MANY)
    cache.add("light", rows([1]))
    assert "could not be kept" in caplog.text and cache.get("light", [name(1)]) == {}


def _add(path, turn):
    MeasureCache(path, MANY).add("light", rows(range(turn * 50, turn * 50 + 50)))


def test_several_processes_share_it(path):
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(partial(_add, path), range(6)))
    assert len(MeasureCache(path, MANY).get("light", [name(number) for number in range(300)])) == 300
