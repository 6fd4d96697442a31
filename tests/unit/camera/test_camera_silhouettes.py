"""One dark thing before an even light, nearly always in the same place: hardly anything there is but its outline."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tasks.camera.case import Case
from tasks.camera.frames import by_camera
from tasks.camera.glass import dirt
from tasks.camera.measures import measures
from tasks.camera.moves import fixed_view
from tasks.camera.pictures import healthy
from tasks.camera.rules import CameraRules
from tasks.drift.properties import of_image
from tests.unit.camera.conftest import KNOWN, SEEN, SIDE, Place

CAMERAS = {"base": 0.62, "body": 0.5, "neck": 0.36}
"""Width of what each camera sees, as a share of the picture."""


def flask(wide, rng, aside=1.2):
    """A flask with a label before a lamp, some pixels (standard deviation) aside in every picture."""
    at = SIDE / 2 + rng.normal(0, aside)
    half, top = SIDE * wide / 2, SIDE * 0.22 + rng.normal(0, 1)
    outline = [(-0.35, 0), (0.35, 0), (0.4, 0.3), (1, 0.5), (1, 1), (-1, 1), (-1, 0.5), (-0.4, 0.3)]
    corners = [(at + x * half, top + y * SIDE * 0.62) for x, y in outline]
    picture = np.full((SIDE, SIDE, 3), 222.0)
    cv2.fillPoly(picture, [np.array(corners).astype(np.int32)], (30, 75, 140), cv2.LINE_AA)
    label = np.array([(at - half, top + SIDE * 0.4), (at + half, top + SIDE * 0.52)]).astype(int)
    cv2.rectangle(picture, tuple(label[0].tolist()), tuple(label[1].tolist()), (22, 20, 20), -1)
    seen = cv2.GaussianBlur(picture, (0, 0), 0.8) * rng.normal(1, 0.01) + rng.normal(0, 1.3, picture.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def flasks():
    rng = np.random.default_rng(6)
    return Place(
        {camera: [flask(wide, rng) for _ in range(KNOWN)] for camera, wide in CAMERAS.items()},
        {camera: [flask(wide, rng) for _ in range(SEEN)] for camera, wide in CAMERAS.items()},
        lambda camera: [],
    )


def warped(matrix):
    def change(image):
        return cv2.warpPerspective(image, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)

    return change


def turned(degrees, zoom=1.0, aside=0.0):
    matrix = np.vstack([cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), degrees, zoom), [0, 0, 1]])
    matrix[0, 2] += aside * SIDE
    return warped(matrix)


def tilted(share):
    end = SIDE - 1
    corners = np.array([(0, 0), (end, 0), (end, end), (0, end)], np.float32)
    seen = corners + np.array([(share * end, 0), (-share * end, 0), (0, 0), (0, 0)], np.float32)
    return warped(cv2.getPerspectiveTransform(seen, corners))


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize(
    "change",
    [turned(0, aside=0.12), turned(9), turned(0, zoom=1.3), tilted(0.14)],
    ids=["aside", "turned", "nearer", "tilted"],
)
def test_what_is_always_there_and_is_elsewhere_now_was_moved_by_the_camera(flasks, camera, change):
    assert flasks.named({camera: change}) == {camera: "moved"}


def drawn(rng, aside):
    """Cameras whose things stand up to so many pixels (standard deviation) aside."""
    before, now = (
        {camera: [flask(wide, rng, aside) for _ in range(size)] for camera, wide in CAMERAS.items()}
        for size in (KNOWN, SEEN)
    )
    return Place(before, now, lambda camera: [])


@pytest.mark.parametrize("ends", [(1.0, 0.4), (0.4, 1.0), (1.0, 0.2)])
def test_dusk_and_dawn_leave_no_dirt(ends):
    """What gets less light shows less detail than an even light, which had none but noise."""
    place = drawn(np.random.default_rng(6), aside=4.0)
    for camera, images in place.images.items():
        levels = np.linspace(*ends, SEEN)
        faded = [np.clip(image * level, 0, 255).astype(np.uint8) for image, level in zip(images, levels, strict=True)]
        window = by_camera(place.table({camera: [of_image(image).row() for image in faded]}))
        assert measures(place.before[camera], window[camera]).poorer < 0.03


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_black_picture_is_a_covered_one(flasks, camera):
    noise = np.random.default_rng(1)

    def cap(image):
        return np.clip(6 + noise.normal(0, 1.5, image.shape), 0, 255).astype(np.uint8)

    assert flasks.named({camera: cap}) == {camera: "covered"}


def boxed(image):
    """A box stands where the flask stood."""
    seen = image.copy()
    seen[int(0.3 * SIDE) : int(0.75 * SIDE), int(0.2 * SIDE) : int(0.8 * SIDE)] = (90, 150, 80)
    return seen


def test_what_every_camera_shows_in_its_own_way_is_a_product_and_what_some_show_is_not(flasks):
    changes = {"base": turned(0, aside=0.12), "body": boxed, "neck": turned(9)}
    alone = {camera: flasks.named({camera: change})[camera] for camera, change in changes.items()}
    assert alone == {"base": "moved", "body": "covered", "neck": "moved"}
    assert flasks.named(changes) == {}
    del changes["neck"]
    assert flasks.named(changes) == {"base": "moved", "body": "covered"}
    black = {"body": lambda image: cv2.GaussianBlur(image, (0, 0), 3), "neck": lambda image: image // 40}
    assert flasks.named(changes | black) == {"base": "moved", "body": "out_of_focus", "neck": "covered"}


def test_things_that_happen_to_stand_aside_today_are_hardly_ever_dirt_and_no_move():
    found = [fault for seed in range(8) for fault in drawn(np.random.default_rng(seed), aside=3.0).named({}).values()]
    assert len(found) <= 1, "of 24 cameras"


def test_detail_that_went_from_one_side_of_a_thing_to_the_other_is_no_dirt(flasks):
    before, after = (side["body"] for side in (flasks.before, by_camera(flasks.table(flasks.current))))
    sound, usual = measures(before, after), healthy(before, SEEN)

    def dirty(**changes):
        case = Case(now=replace(sound, **changes), healthy=usual, others=[sound, sound], rules=CameraRules())
        assert fixed_view(case)
        return dirt(case).over

    poorer = {"lost": 0.055, "poorer": 0.039, "depth": 0.65}
    assert dirty(**poorer, gained=0.0) and not dirty(**poorer, gained=0.059)
    assert dirty(**poorer, gained=0.059, spots=replace(sound.spots, apart=0.04)), "what sticks is another place as well"
