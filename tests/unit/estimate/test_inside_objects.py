"""How objects look inside their boxes: other objects are told from light, lenses and sensors, whose marks are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tasks.domain.errors import ContractError
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.truth import Truth
from tasks.estimate import calibration_json
from tasks.estimate.around import Around, around
from tasks.estimate.beside import measured
from tasks.estimate.fitting import Labelled, calibrate
from tasks.estimate.flag import ERRORS, INSIDE, beyond_objects
from tasks.estimate.framed import one
from tasks.estimate.inside import FEATURES, Objects, looked_into
from tasks.estimate.ladder import FILTERS, LADDER, damaged
from tasks.estimate.likeness import UNCHANGED, UNKNOWN, Likeness, changed, learnt
from tasks.estimate.look import Shift, Shifts
from tests.unit.estimate.made_up import CLASSES, MadeUpEyes, truths

SIDE, PICTURES, SURE = 192, 24, 0.5
GROUND = {"a": (95, 80, 60), "b": (65, 80, 98)}
RING, BAR = range(2)
STILL = Shifts(**dict.fromkeys(Shifts.__dataclass_fields__, Shift(size=0.0, error=0.0)))

Part = Callable[[np.ndarray, np.random.Generator, int, tuple[int, int]], None]


def usual(shown: np.ndarray, rng: np.random.Generator, number: int, at: tuple[int, int]) -> None:
    """A ring, or a bar in any direction, in a slightly different grey each time."""
    grey = (int(rng.integers(180, 215)),) * 3
    if number == RING:
        cv2.circle(shown, at, 15, grey, 7, cv2.LINE_AA)
        return
    turn = rng.uniform(0, np.pi)
    reach = np.rint(16 * np.array([np.cos(turn), np.sin(turn)])).astype(int)
    cv2.line(shown, (np.array(at) - reach).tolist(), (np.array(at) + reach).tolist(), grey, 9, cv2.LINE_AA)


def picture(camera: str, seed: int, part: Part = usual) -> tuple[np.ndarray, Prediction]:
    """Seven parts on the camera's ground, in the light of some hour, with the boxes around them."""
    rng = np.random.default_rng([seed, ord(camera)])
    worn = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 8)
    shown = (np.array(GROUND[camera], np.float32) + 8 * (worn / worn.std())[:, :, None]).astype(np.float32)
    boxes, numbers = [], rng.permutation(np.arange(7) % 2)
    for place, number in zip(rng.permutation(9)[:7].tolist(), numbers.tolist(), strict=True):
        x, y = (int(v) for v in np.array([place % 3, place // 3]) * 62 + rng.integers(30, 36, 2))
        before = shown.copy()
        part(shown, rng, number, (x, y))
        rows, columns = np.nonzero((shown != before).any(2))
        boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    noisy = shown * rng.uniform(0.8, 1.0) + rng.normal(0, 3, shown.shape)
    sure = np.full(7, 0.9, np.float32)
    answer = Prediction(boxes=np.array(boxes, np.float32), classes=numbers, confidences=sure)
    return np.clip(noisy, 0, 255).astype(np.uint8), answer


def window(
    start: int, change: Callable | None = None, part: Part = usual, cameras: str = "ab", pictures: int = PICTURES
) -> tuple[list[str], list[Objects]]:
    names, found = [cameras[at % len(cameras)] for at in range(pictures)], []
    for at, camera in enumerate(names):
        shown, answer = picture(camera, start + at, part)
        found.append(looked_into(change(shown, at) if change else shown, answer, SURE))
    return names, found


@pytest.fixture(scope="module")
def known() -> Likeness:
    cameras, whole = window(0)
    some = [picture(camera, at) for at, camera in enumerate(cameras[:14])]
    worse = [
        [looked_into(damaged(shown, s, at), answer, SURE) for at, (shown, answer) in enumerate(some)] for s in FILTERS
    ]
    return learnt(cameras, whole, worse)


def told(known: Likeness, shown: tuple[list[str], list[Objects]]) -> bool:
    return changed(known, *shown).beyond(INSIDE, ERRORS)


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)


def packed(shown: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


HARMLESS: dict[str, Callable] = {
    "nothing": lambda shown, _: shown,
    "half the light": lambda shown, _: as_bytes(shown * 0.5),
    "a flat curve": lambda shown, _: as_bytes((shown / 255.0) ** 0.75 * 255),
    "a veil": lambda shown, _: as_bytes(shown * 0.7 + 50),
    "warmer light": lambda shown, _: as_bytes(shown * np.array([0.85, 1.0, 1.15])),
    "a shade": lambda shown, _: as_bytes(shown * np.linspace(1, 0.6, SIDE)[None, :, None]),
    "out of focus": lambda shown, _: cv2.blur(shown, (3, 3)),
    "shaken": lambda shown, _: cv2.blur(shown, (4, 1)),
    "noise": lambda shown, at: as_bytes(shown + np.random.default_rng(at).normal(0, 8, shown.shape)),
    "JPEG": lambda shown, _: packed(shown, 40),
    "dead pixels": lambda shown, _: np.where((np.arange(SIDE * SIDE) % 701 == 0).reshape(SIDE, SIDE, 1), 0, shown),
    "fewer greys": lambda shown, _: shown // 8 * 8 + 4,
}


@pytest.mark.parametrize("name", HARMLESS)
def test_light_blur_noise_and_compression_leave_objects_what_they_are(known: Likeness, name: str) -> None:
    assert not told(known, window(500, lambda shown, at: HARMLESS[name](shown, at).astype(np.uint8)))


def filled(shown: np.ndarray, rng: np.random.Generator, number: int, at: tuple[int, int]) -> None:
    usual(shown, rng, number, at)
    if number == RING:
        cv2.circle(shown, at, 14, (195, 195, 195), -1, cv2.LINE_AA)


def cut(shown: np.ndarray, rng: np.random.Generator, number: int, at: tuple[int, int]) -> None:
    before = shown.copy()
    usual(shown, rng, number, at)
    if number == RING:
        gap = np.zeros(shown.shape[:2], np.uint8)
        cv2.ellipse(gap, at, (26, 26), float(rng.uniform(0, 360)), 0, 60, 255, -1)
        shown[gap > 0] = before[gap > 0]


def dotted(shown: np.ndarray, rng: np.random.Generator, number: int, at: tuple[int, int]) -> None:
    usual(shown, rng, number, at)
    cv2.circle(shown, at if number == BAR else (at[0] + 15, at[1]), 4, (40, 40, 200), -1, cv2.LINE_AA)


def grooved(shown: np.ndarray, rng: np.random.Generator, number: int, at: tuple[int, int]) -> None:
    usual(shown, rng, number, at)
    if number == BAR:
        cv2.line(shown, (at[0] - 5, at[1]), (at[0] + 5, at[1]), (60, 60, 60), 3, cv2.LINE_AA)


@pytest.mark.parametrize("part", [filled, cut, dotted, grooved])
def test_other_objects_in_boxes_as_large_as_before_are_told(known: Likeness, part: Part) -> None:
    assert told(known, window(500, part=part))


def test_another_object_is_told_in_bad_light_too(known: Likeness) -> None:
    assert told(known, window(500, HARMLESS["a veil"], filled))


def test_another_share_of_cameras_is_no_change_of_objects(known: Likeness) -> None:
    assert not told(known, window(500, cameras="aaab"))
    assert not told(known, window(500, cameras="b"))


def test_too_few_boxes_of_a_class_and_unknown_cameras_say_nothing(known: Likeness) -> None:
    assert changed(known, *window(500, part=filled, pictures=6)) == UNCHANGED
    _, found = window(500, part=filled)
    assert changed(known, ["new"] * len(found), found) == UNCHANGED
    assert changed(UNKNOWN, *window(500, part=filled)) == UNCHANGED


def test_a_class_that_no_damage_was_tried_on_says_nothing() -> None:
    cameras, few = window(0, pictures=6)
    assert not learnt(cameras, few, [few]).usual
    assert not learnt(*window(0), []).usual


def test_a_window_may_look_as_the_newest_labelled_pictures_do_where_a_product_changed() -> None:
    """All labelled pictures together are a mixture that no window looks like."""
    (cameras, old), (_, new) = window(0), window(100, part=filled)
    some = [picture(camera, at) for at, camera in enumerate(cameras[:14])]
    worse = [
        [looked_into(damaged(shown, s, at), answer, SURE) for at, (shown, answer) in enumerate(some)] for s in FILTERS
    ]
    both, pictures = [*cameras, *cameras], [*old, *new]
    mixed = learnt(both, pictures, worse)
    lately = learnt(both, pictures, worse, range(len(old), len(pictures)))
    assert told(mixed, window(500, part=filled)) and not told(lately, window(500, part=filled))
    assert told(lately, window(500, part=cut)), "a third look is a change for both"
    few = learnt(both, pictures, worse, range(len(pictures) - 2, len(pictures)))
    assert not few.newest and told(few, window(500, part=filled)), "two pictures are no look"


def test_damage_that_takes_objects_teaches_nothing_of_them() -> None:
    """What is still found then is not what was found before."""
    cameras, whole = window(0)
    half = [Objects(classes=each.classes[::2], numbers=each.numbers[::2]) for each in window(0, part=filled)[1]]
    learned = learnt(cameras, whole, [whole, half])
    assert [len(steps) for steps in learned.damage.values()] == [1, 1]
    assert told(learned, (cameras, half))


def test_damage_that_takes_objects_makes_no_change_of_others_usual(known: Likeness) -> None:
    """The boxes that a step leaves of a class are other ones, so they say nothing of what damage does to it."""
    (cameras, whole), (_, other) = window(0), window(0, part=filled)
    half = [Objects(classes=each.classes[::2], numbers=each.numbers[::2]) for each in other]
    assert changed(known, cameras, half, whole) == UNCHANGED
    assert changed(known, cameras, other, whole) == changed(known, cameras, other) != UNCHANGED


def test_a_change_of_one_class_shows_however_many_kinds_of_damage_could_be_mixed(known: Likeness) -> None:
    """No more than one step may have happened in all: with much of every one of them anything is explained."""
    often = replace(known, damage={name: np.concatenate([steps] * 3) for name, steps in known.damage.items()})
    shown = window(500, part=cut)
    assert told(often, shown)
    assert changed(often, *shown).size == pytest.approx(changed(known, *shown).size, abs=0.02)


def test_boxes_that_are_small_or_cut_off_or_as_pale_as_their_ground_are_not_looked_into() -> None:
    shown, answer = picture("a", 1)
    assert len(looked_into(shown, answer, SURE).classes) == 7
    assert looked_into(shown, answer, SURE).numbers.shape == (7, FEATURES)
    boxes = np.array([[0, 5, 40, 45], [50, 50, 58, 58]], np.float32)
    two = {"classes": answer.classes[:2], "confidences": answer.confidences[:2]}
    assert not len(looked_into(shown, replace(answer, boxes=boxes, **two), SURE).classes)
    assert not len(looked_into(np.full_like(shown, 90), answer, SURE).classes)
    assert not len(looked_into(shown, answer, 0.95).classes)


def test_boxes_at_the_edge_of_a_picture_are_looked_into_with_what_is_there_of_their_ground() -> None:
    shown, answer = picture("a", 1)
    x, y = answer.boxes[:, :2].min(0) - 2
    near = replace(answer, boxes=answer.boxes - np.array([x, y, x, y]))
    found = looked_into(np.ascontiguousarray(shown[int(y) :, int(x) :]), near, SURE)
    assert len(found.classes) == 7
    assert np.isfinite(found.numbers).all()


def test_a_class_of_the_whole_picture_has_no_inside() -> None:
    assert measured(picture("a", 1)[0], one(1, 0.9), SURE) is None


def drawn(truth: Truth) -> np.ndarray:
    shown = np.random.default_rng(int(truth.image_id.split("-")[1])).normal(80, 6, (SIDE + 8, SIDE + 8, 3))
    for left, top, right, bottom in truth.boxes.tolist():
        cv2.circle(shown, (int(left + right) // 2, int(top + bottom) // 2), 10, (200, 200, 200), 5, cv2.LINE_AA)
    return as_bytes(shown)


def test_a_calibration_learns_what_objects_look_like_and_keeps_it_in_the_bucket() -> None:
    seen = truths(100, 1)
    labelled = Labelled(truths=seen, open=lambda at: drawn(seen[at]), classes=CLASSES)
    found = calibrate(labelled, MadeUpEyes(seen, 24), ("a" * 64, ""), 24, LADDER[:2])
    assert found is not None
    assert set(found.objects.usual) == set(found.objects.damage) == {"0", "1"}
    assert all(len(steps) >= len(FILTERS) for steps in found.objects.damage.values())
    read = calibration_json.read(calibration_json.written(found))
    for name, steps in found.objects.damage.items():
        assert np.allclose(read.objects.damage[name], steps)
        for camera, each in found.objects.usual[name].items():
            assert np.allclose(read.objects.usual[name][camera].mean, each.mean)
    assert [rung.around for rung in read.rungs] == [rung.around for rung in found.rungs]
    changed = Around(inside=Shift(size=9.0, error=0.01))
    assert beyond_objects(read, changed, STILL)[-1].startswith("objects look otherwise inside their boxes")
    assert around(read.sceneries, [], [], read.objects) == Around()


def test_a_calibration_from_before_objects_were_looked_into_asks_for_a_new_one(known: Likeness) -> None:
    assert known.usual
    with pytest.raises(ContractError, match="run `evergreen evaluate`"):
        calibration_json.read(b'{"version": 3}')
