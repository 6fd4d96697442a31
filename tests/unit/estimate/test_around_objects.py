"""What lies around the objects: changes of meaning are seen in pictures, and bad light, lenses and sensors are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tasks.domain.prediction import Prediction
from tasks.estimate import calibration_json
from tasks.estimate.alarms import alarms_of
from tasks.estimate.around import Around, Scenery, around, sceneries
from tasks.estimate.beside import Measured, measured
from tasks.estimate.calibration import Calibration
from tasks.estimate.fitting import Labelled, calibrate
from tasks.estimate.flag import Flag, beyond_objects, judge
from tasks.estimate.ladder import LADDER, Step, damaged
from tasks.estimate.look import Shift, Shifts
from tests.unit.estimate.made_up import CLASSES, MadeUpEyes, truths

SIDE, EACH, SURE = 192, 12, 0.5
GROUND = {"a": (95, 80, 60), "b": (65, 80, 98)}
PART = (200, 196, 190)
STILL = Shifts(**dict.fromkeys(Shifts.__dataclass_fields__, Shift(size=0.0, error=0.0)))

BLINDING = (Step(name="noise", strength=40.0), Step(name="glare", strength=2.2))
"""Of these the steps themselves tell what they do."""

Draw = Callable[[np.ndarray, np.random.Generator], None]


def nothing(_picture: np.ndarray, _rng: np.random.Generator) -> None:
    """Leaves the ground as it is."""


def picture(
    camera: str, seed: int, ground: tuple = (), part: tuple = PART, under: Draw = nothing
) -> tuple[np.ndarray, Prediction]:
    """Four parts on the camera's ground, with the boxes that a model finds around them."""
    rng = np.random.default_rng([seed, ord(camera)])
    worn = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 8)
    shown = (np.array(ground or GROUND[camera], np.float32) + 8 * (worn / worn.std())[:, :, None]).astype(np.float32)
    under(shown, rng)
    boxes = []
    for at in rng.permutation(9)[:4].tolist():
        x, y = (int(v) for v in np.array([at % 3, at // 3]) * 60 + rng.integers(24, 34, 2))
        cv2.circle(shown, (x, y), 14, part, 5, cv2.LINE_AA)
        boxes.append((x - 17, y - 17, x + 17, y + 17))
    noisy = shown + rng.normal(0, 3, shown.shape)
    answer = Prediction(
        boxes=np.array(boxes, np.float32), classes=np.zeros(4, np.int64), confidences=np.full(4, 0.9, np.float32)
    )
    return np.clip(noisy, 0, 255).astype(np.uint8), answer


def window(start: int, change: Callable | None = None, **how: object) -> tuple[list[str], list[Measured | None]]:
    cameras, found = [name for name in GROUND for _ in range(EACH)], []
    for at, camera in enumerate(cameras):
        shown, answer = picture(camera, start + at, **how)  # type: ignore[arg-type]
        found.append(measured(change(shown, at) if change else shown, answer, SURE))
    return cameras, found


@pytest.fixture(scope="module")
def usual() -> dict[str, Scenery]:
    return sceneries(*window(0))


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    seen = truths(160, 1)
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    labelled = Labelled(truths=seen, open=lambda at: black, classes=CLASSES)
    found = calibrate(labelled, MadeUpEyes(seen, 16), ("a" * 64, ""), 16)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def known(usual: dict[str, Scenery], fitted: Calibration) -> Calibration:
    """Its steps of damage showed nothing around the objects: black pictures stand for them here."""
    return replace(fitted, sceneries=usual, rungs=tuple(replace(rung, around=Around()) for rung in fitted.rungs))


def reasons(known: Calibration, shown: tuple[list[str], list[Measured | None]]) -> str:
    return ", ".join(beyond_objects(known, around(known.sceneries, *shown), STILL))


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)


def leaf(shown: np.ndarray, rng: np.random.Generator) -> None:
    x, y = (int(v) for v in rng.integers(30, SIDE - 30, 2))
    cv2.ellipse(shown, (x, y), (26, 12), float(rng.uniform(0, 180)), 0, 360, (40, 120, 50), -1, cv2.LINE_AA)


def card(shown: np.ndarray, rng: np.random.Generator) -> None:
    x, y = (int(v) for v in rng.integers(10, SIDE - 60, 2))
    shown[y : y + 36, x : x + 50] = 215


def tiles(shown: np.ndarray, _rng: np.random.Generator) -> None:
    y, x = np.mgrid[:SIDE, :SIDE] // 24
    shown += 40 * ((x + y) % 2)[:, :, None]


def rain(shown: np.ndarray, at: int) -> np.ndarray:
    for x, y in np.random.default_rng(at).integers(0, SIDE, (60, 2)).tolist():
        cv2.line(shown, (x, y), (x + 5, y + 17), (190, 190, 190), 1, cv2.LINE_AA)
    return shown


DAMAGE = {
    "rain": rain,
    "colder light": lambda shown, _: as_bytes(shown * np.array([1.2, 1.0, 0.85])),
    "half the light": lambda shown, _: as_bytes(shown * 0.5),
    "a steep curve": lambda shown, _: as_bytes((shown / 255.0) ** 1.6 * 255),
    "a veil": lambda shown, _: as_bytes(shown * 0.6 + 70),
    "no colour": lambda shown, _: np.repeat(shown.mean(2, keepdims=True).astype(np.uint8), 3, 2),
    "a shade": lambda shown, _: as_bytes(shown * np.linspace(1, 0.5, SIDE)[None, :, None]),
    **{f"{s.name} {s.strength:g}": lambda shown, at, s=s: damaged(shown, s, at) for s in LADDER if s not in BLINDING},
}


def test_an_unchanged_window_shows_nothing_new(known: Calibration) -> None:
    assert reasons(known, window(500)) == ""


@pytest.mark.parametrize("name", DAMAGE)
def test_what_light_lenses_and_sensors_do_is_no_change_of_what_is_around(known: Calibration, name: str) -> None:
    """Without a single step of damage to compare with: it cancels by itself."""
    assert reasons(replace(known, rungs=()), window(500, DAMAGE[name])) == ""


@pytest.mark.parametrize(
    ("what", "how"),
    [("another ground", {"ground": (60, 105, 150)}), ("another metal", {"part": (80, 150, 200)})],
)
def test_another_ground_or_metal_changes_how_objects_and_ground_differ(
    known: Calibration, what: str, how: dict[str, object]
) -> None:
    assert "objects and their background differ in colour otherwise" in reasons(known, window(500, **how)), what


def test_swapped_colours_are_no_paler_difference_of_colours(known: Calibration) -> None:
    swapped = window(500, lambda shown, _: np.ascontiguousarray(shown[:, :, ::-1]))
    assert "objects and their background differ in colour otherwise" in reasons(known, swapped)


def test_leaves_that_the_model_answers_nothing_about_have_colours_that_no_camera_showed(known: Calibration) -> None:
    assert "there are colours that these cameras never showed" in reasons(known, window(500, under=leaf))


def test_a_white_card_is_a_thing_in_which_the_model_sees_nothing(known: Calibration) -> None:
    assert "there are things in which the model sees nothing at all" in reasons(known, window(500, under=card))


def test_a_ground_of_tiles_is_rougher_than_any_rain(known: Calibration) -> None:
    assert "the background is much rougher" in reasons(known, window(500, under=tiles))


def test_what_the_model_hints_at_is_no_thing_that_it_does_not_see() -> None:
    """Half seen objects are counted elsewhere: here a hint is enough."""
    shown, answer = picture("a", 3)
    unsure = replace(answer, confidences=np.array([0.9, 0.1, 0.1, 0.1], np.float32))
    blind = replace(answer, **{n: getattr(answer, n)[:1] for n in ("boxes", "classes", "confidences")})
    seen, missed = (measured(shown, each, SURE) for each in (unsure, blind))
    assert seen is not None and missed is not None
    assert seen.things == 0.0
    assert missed.things > 0.05


def test_a_camera_that_always_shows_cards_may_show_them(known: Calibration) -> None:
    cards = replace(known, sceneries=sceneries(*window(0, under=card)))
    assert reasons(cards, window(500, under=card)) == ""


def test_damage_that_takes_as_many_objects_excuses_what_it_shows_itself(known: Calibration) -> None:
    much = Around(things=Shift(size=0.2, error=0.001))
    rungs = tuple(replace(rung, around=much) for rung in known.rungs)
    seen = Around(things=Shift(size=0.1, error=0.001))
    assert beyond_objects(known, seen, STILL)
    assert not beyond_objects(replace(known, rungs=rungs), seen, STILL)


def test_pictures_full_of_boxes_and_cameras_with_few_pictures_say_nothing(usual: dict[str, Scenery]) -> None:
    shown, answer = picture("a", 1)
    whole = replace(answer, boxes=np.array([[0, 0, SIDE, SIDE]] * 4, np.float32))
    assert measured(shown, whole, SURE) is None
    few = measured(*picture("a", 1, under=card), SURE)
    assert around(usual, ["a"] * 3, [few] * 3) == Around()
    assert around(usual, ["new"] * 20, [few] * 20) == Around()


def test_pictures_without_any_box_say_nothing_of_tones_and_things() -> None:
    shown, answer = picture("a", 1)
    empty = replace(answer, **{n: getattr(answer, n)[:0] for n in ("boxes", "classes", "confidences")})
    found = measured(shown, empty, SURE)
    assert found is not None
    assert np.isnan(found.tone).all()
    assert np.isnan(found.things)


def test_windows_without_objects_are_compared_by_their_colours_alone(usual: dict[str, Scenery]) -> None:
    cameras = [name for name in GROUND for _ in range(EACH)]
    found = []
    for at, camera in enumerate(cameras):
        shown, answer = picture(camera, 700 + at)
        empty = replace(answer, **{n: getattr(answer, n)[:0] for n in ("boxes", "classes", "confidences")})
        found.append(measured(shown, empty, SURE))
    seen = around(usual, cameras, found)
    assert seen == Around(colours=seen.colours)
    assert seen.colours.size < 0.001


def test_a_change_around_the_objects_gets_no_number(known: Calibration) -> None:
    seen = Around(colours=Shift(size=0.1, error=0.002))
    verdict = judge(known, known.clean, STILL, alarms_of(()), seen)
    assert verdict.flag is Flag.UNVERIFIABLE
    assert verdict.reasons == ("there are colours that these cameras never showed",)
    assert judge(known, known.clean, STILL, alarms_of(()), Around()).flag is Flag.VALID


def test_a_calibration_knows_what_each_step_of_damage_shows_around_the_objects(fitted: Calibration) -> None:
    """Noise in black pictures is colours that none of them showed."""
    shown = {rung.name: rung.around.colours.size for rung in fitted.rungs}
    assert shown["noise/40"] > 0.1
    assert shown["blur/3"] == 0.0
    assert [each.n for each in fitted.sceneries.values()] == [fitted.n]


@pytest.mark.parametrize("curve", [0.65, 1.7])
def test_strong_colours_of_a_ground_are_known_in_other_light(known: Calibration, curve: float) -> None:
    """A curve moves every colour another way, so that none of it cancels."""

    def carpet(shown: np.ndarray, _rng: np.random.Generator) -> None:
        for at, colour in enumerate([(60, 70, 110), (110, 80, 70), (75, 105, 80)]):
            shown[:, 64 * at : 64 * at + 64] = colour

    def curved(shown: np.ndarray, _at: int) -> np.ndarray:
        return as_bytes((shown / 255.0) ** curve * 255)

    usual = replace(known, sceneries=sceneries(*window(0, under=carpet)))
    assert "colours" not in reasons(usual, window(500, curved, under=carpet))

    def pink(shown: np.ndarray, _at: int) -> np.ndarray:
        shown[20:84, 20:84] = (200, 50, 200)
        return shown

    assert "colours" in reasons(usual, window(500, pink, under=carpet))


def test_what_cameras_usually_show_survives_the_bucket(known: Calibration) -> None:
    read = calibration_json.read(calibration_json.written(known))
    assert read.sceneries.keys() == known.sceneries.keys()
    for name, each in known.sceneries.items():
        assert np.array_equal(read.sceneries[name].known, each.known)
        assert np.allclose(read.sceneries[name].tone, each.tone)
    assert [rung.around for rung in read.rungs] == [rung.around for rung in known.rungs]
    assert reasons(read, window(500, under=leaf)) == reasons(known, window(500, under=leaf))
