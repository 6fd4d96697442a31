"""The same scene is found again through another encoder; a small new object is a new scene."""

import cv2
import numpy as np
import pytest

from tasks.curate.near import duplicated, thumbnails


def scene(seed):
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 255, (12, 12), dtype=np.uint8), (320, 320), interpolation=cv2.INTER_CUBIC)


def written(folder, name, image):
    path = folder / name
    cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def stored(tmp_path):
    return lambda name, image: written(tmp_path, name, image)


def test_a_re_encoded_or_noisy_copy_is_the_same_scene(stored):
    image = scene(0)
    noise = np.random.default_rng(1).normal(0, 3, image.shape)
    copies = [stored("a.jpg", image), stored("b.png", np.clip(image + noise, 0, 255).astype(np.uint8))]
    assert duplicated(thumbnails(copies), thumbnails([stored("c.png", image)]), 1.0).tolist() == [True, True]


def test_another_scene_and_a_small_new_object_are_not(stored):
    image = scene(0)
    defect = image.copy()
    defect[100:125, 200:225] = 255 - defect[100:125, 200:225]
    other = [stored("a.png", scene(2)), stored("b.png", defect)]
    assert not duplicated(thumbnails(other), thumbnails([stored("c.png", image)]), 1.0).any()


def test_the_search_by_brightness_misses_nothing():
    rng = np.random.default_rng(3)
    tested = rng.uniform(0, 255, (80, 1024)).astype(np.float32)
    candidates = np.concatenate([tested[::2] + 0.4, rng.uniform(0, 255, (20, 1024)).astype(np.float32)])
    slow = np.array([(np.abs(tested - one).mean(1) < 1).any() for one in candidates])
    assert np.array_equal(duplicated(candidates, tested, 1.0), slow)


def test_an_unreadable_image_is_nobodys_duplicate(tmp_path):
    path = tmp_path / "bad"
    path.write_bytes(b"x")
    bad = thumbnails([path])
    assert not duplicated(bad, bad, 5.0).any()
    assert not duplicated(np.zeros((1, 1024), np.float32), bad, 5.0).any()


def test_a_limit_of_zero_and_empty_sets_find_nothing():
    some = np.zeros((2, 1024), np.float32)
    assert not duplicated(some, some, 0).any()
    assert not duplicated(some, thumbnails([]), 1).any()
    assert duplicated(thumbnails([]), some, 1).shape == (0,)
