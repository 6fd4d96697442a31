"""Kept answers are exactly the answers, for one image, one model and one recipe; damage costs time, never a crash."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from tasks.adapters.answer_cache import MANY, AnswerCache
from tasks.domain.prediction import Prediction, Speed

MODEL, RECIPE = "a" * 64, "b" * 64


def boxes(seed, n=None):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 5)) if n is None else n
    return Prediction(
        boxes=rng.random((n, 4), np.float32),
        classes=rng.integers(0, 80, n),
        confidences=np.sort(rng.random(n, np.float32))[::-1],
        speed=Speed(preprocess=1.0, inference=2.5, postprocess=0.5),
    )


def same(first, second):
    assert len(first.polygons) == len(second.polygons)
    shapes = [(getattr(first, name), getattr(second, name)) for name in ("corners", "keypoints")]
    for one, two in (*zip(first.polygons, second.polygons, strict=True), *shapes):
        assert (one is None) == (two is None)
        assert one is None or (one.dtype == two.dtype and np.array_equal(one, two))
    for name in ("boxes", "classes", "confidences"):
        one, two = getattr(first, name), getattr(second, name)
        assert one.dtype == two.dtype and one.shape == two.shape
        assert np.array_equal(one, two, equal_nan=name != "classes")
    assert (first.probabilities is None) == (second.probabilities is None)
    assert first.probabilities is None or np.array_equal(first.probabilities, second.probabilities)
    assert first.speed == second.speed
    return True


@pytest.fixture
def cache(tmp_path):
    return AnswerCache(tmp_path / "answers", 2**24)


def shards(tmp_path):
    return sorted((tmp_path / "answers").glob("*/*.parquet"))


def test_what_was_kept_comes_back_to_the_last_bit(cache):
    kept = {f"{i:064x}": boxes(i) for i in range(20)}
    kept["f" * 64] = Prediction(probabilities=np.array([0.25, 0.75], np.float32))
    kept["e" * 64] = Prediction(
        boxes=np.full((1, 4), np.nan, np.float32), classes=np.zeros(1, np.int64), confidences=np.ones(1, np.float32)
    )
    rng, three = np.random.default_rng(3), boxes(3, 3)
    outlines = tuple(rng.random((n, 2), np.float32) for n in (4, 0, 7))
    kept["d" * 64] = replace(three, polygons=outlines)
    kept["c" * 64] = replace(three, corners=rng.random((3, 4, 2), np.float32))
    kept["b" * 64] = replace(three, keypoints=rng.random((3, 17, 3), np.float32))
    cache.add(MODEL, RECIPE, kept)
    found = cache.get(MODEL, RECIPE, [*kept, "0" * 63 + "x"])
    assert found.keys() == kept.keys()
    assert all(same(found[name], kept[name]) for name in kept)
    assert not found["e" * 64].finite


@pytest.mark.parametrize("key", [("c" * 64, RECIPE), (MODEL, "c" * 64)])
def test_another_model_or_another_recipe_knows_nothing(cache, key):
    cache.add(MODEL, RECIPE, {"1" * 64: boxes(1)})
    assert cache.get(*key, ["1" * 64]) == {}


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "swap"])
def test_a_damaged_shard_is_thrown_away_and_the_others_still_answer(cache, tmp_path, damage):
    cache.add(MODEL, RECIPE, {"1" * 64: boxes(1, 3)})
    (bad,) = shards(tmp_path)
    cache.add(MODEL, RECIPE, {"2" * 64: boxes(2, 3)})
    data = bytearray(bad.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    other = next(path for path in shards(tmp_path) if path != bad)
    broken = {"cut": data[: len(data) // 2], "empty": b"", "swap": other.read_bytes()}
    bad.write_bytes(bytes(broken.get(damage, data)))
    assert cache.get(MODEL, RECIPE, ["1" * 64, "2" * 64]).keys() == {"2" * 64}
    assert not bad.exists()


def test_the_folder_keeps_its_bound_and_forgets_what_was_not_used_for_longest(tmp_path):
    free = AnswerCache(tmp_path / "answers", 2**30)
    for i in range(4):
        free.add(MODEL, f"{i}" * 64, {f"{i}" * 64: boxes(i, 200)})
    ages = {path: number for number, path in enumerate(shards(tmp_path))}
    for path, number in ages.items():
        os.utime(path, ns=(number, number))
    used = str(shards(tmp_path)[0].parent.name)[33]
    assert free.get(MODEL, used * 64, [used * 64])  # the oldest one is used again
    bound = int(sum(path.stat().st_size for path in ages) * 0.8)
    AnswerCache(tmp_path / "answers", bound).add(MODEL, "9" * 64, {"9" * 64: boxes(9, 1)})
    left = shards(tmp_path)
    assert sum(path.stat().st_size for path in left) <= bound
    assert free.get(MODEL, used * 64, [used * 64])
    assert free.get(MODEL, "9" * 64, ["9" * 64])


def test_no_room_at_all_keeps_nothing(tmp_path):
    AnswerCache(tmp_path / "answers", 0).add(MODEL, RECIPE, {"1" * 64: boxes(1)})
    assert shards(tmp_path) == []


def test_many_small_shards_become_one(cache, tmp_path):
    names = [f"{i:064x}" for i in range(MANY + 3)]
    for i, name in enumerate(names):
        cache.add(MODEL, RECIPE, {name: boxes(i)})
    assert len(shards(tmp_path)) < 5
    found = cache.get(MODEL, RECIPE, names)
    assert all(same(found[name], boxes(i)) for i, name in enumerate(names))


def test_a_folder_that_cannot_be_written_to_costs_nothing_but_time(tmp_path):
    (tmp_path / "answers").write_text("a file where the folder should be")
    cache = AnswerCache(tmp_path / "answers", 2**20)
    cache.add(MODEL, RECIPE, {"1" * 64: boxes(1)})
    assert cache.get(MODEL, RECIPE, ["1" * 64]) == {}


def test_half_a_shard_of_a_process_that_was_killed_goes_after_an_hour(cache, tmp_path):
    cache.add(MODEL, RECIPE, {"1" * 64: boxes(1)})
    (folder,) = {path.parent for path in shards(tmp_path)}
    for name, age in ((".part-old", 7200), (".part-new", 0)):
        (folder / name).mkdir()
        (folder / name / "shard").write_bytes(b"half")
        moment = time.time() - age
        os.utime(folder / name, (moment, moment))
    cache.add(MODEL, RECIPE, {"2" * 64: boxes(2)})
    assert [path.name for path in folder.glob(".part-*")] == [".part-new"]
    assert cache.get(MODEL, RECIPE, ["1" * 64, "2" * 64]).keys() == {"1" * 64, "2" * 64}
