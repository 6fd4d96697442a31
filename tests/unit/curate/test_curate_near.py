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


def lit(image, gain=1.0, offset=0.0):
    return np.clip(image.astype(float) * gain + offset, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("gain", "offset"), [(1, 3), (1, -3), (1.015, 0), (0.98, 0), (1.01, 2)])
def test_the_same_scene_under_a_little_more_or_less_light_is_found(stored, gain, offset):
    image = lit(scene(0), 0.8, 20)
    copy, tested = stored("a.png", lit(image, gain, offset)), stored("b.png", image)
    assert duplicated(thumbnails([copy]), thumbnails([tested]), 1.0).all()


def belt(x, part=True, level=90):
    """A part on the belt of a fixed camera."""
    image = np.full((240, 320), level, np.uint8) + np.linspace(0, 30, 320).astype(np.uint8)
    if part:
        cv2.circle(image, (x, 120), 30, 180, -1)
    return image


@pytest.mark.parametrize("light", [0, 3])
def test_products_on_one_belt_are_scenes_of_their_own_under_any_light(stored, light):
    marked = belt(160)
    cv2.rectangle(marked, (155, 115), (168, 128), 90, -1)
    others = [
        stored(f"{n}.png", lit(each, offset=light)) for n, each in enumerate([belt(175), belt(160, False), marked])
    ]
    assert not duplicated(thumbnails(others), thumbnails([stored("t.png", belt(160))]), 1.0).any()


def test_surfaces_that_differ_by_nothing_but_their_brightness_stay_apart(stored):
    plates = [stored(f"{n}.png", np.full((240, 320), 120 + 3 * n, np.uint8)) for n in range(3)]
    assert not duplicated(thumbnails(plates[1:]), thumbnails(plates[:1]), 1.0).any()


def test_more_light_than_a_lamp_gives_by_chance_is_another_picture(stored):
    image = lit(scene(0), 0.8, 20)
    others = [stored("a.png", lit(image, 1.0, 9)), stored("b.png", lit(image, 1.1, -12))]
    assert not duplicated(thumbnails(others), thumbnails([stored("c.png", image)]), 1.0).any()


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
