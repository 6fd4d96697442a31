"""Every fault of pictures by its name, on drawings and photographs; drift, season and new products are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.camera.frames import by_camera
from tasks.camera.pictures import judge_pictures
from tasks.camera.rules import CameraRules


def gain(factor):
    return lambda image: np.clip(image.astype(float) * factor, 0, 255).astype(np.uint8)


def blur(sigma):
    return lambda image: cv2.GaussianBlur(image, (0, 0), sigma)


def defocus_then_sensor(sigma):
    """Light passes the lens before it meets the sensor: the noise stays sharp."""
    rng = np.random.default_rng(2)
    return lambda image: np.clip(
        np.rint(cv2.GaussianBlur(image, (0, 0), sigma) + rng.normal(0, 1.5, image.shape)), 0, 255
    ).astype(np.uint8)


def knock(angle=0.0, across=0.0, down=0.0):
    def change(image):
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        matrix[:, 2] += (across * width, down * height)
        return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)

    return change


def dirt(area, opaque=False):
    def change(image):
        height, width = image.shape[:2]
        field = np.random.default_rng(8).normal(0, 1, (height, width)).astype(np.float32)
        field = cv2.GaussianBlur(field, (0, 0), height / 18)
        film = cv2.GaussianBlur((field >= np.quantile(field, 1 - area)).astype(np.float32), (0, 0), 2)[:, :, None]
        under = np.full(image.shape, 30.0) if opaque else 0.3 * cv2.GaussianBlur(image, (0, 0), 6) + 0.7 * image.mean()
        return np.clip(image * (1 - film) + under * film, 0, 255).astype(np.uint8)

    return change


def cover(share, shade):
    rng = np.random.default_rng(4)

    def change(image):
        hidden = image.astype(float)
        rows = round(len(image) * share)
        hidden[:rows] = shade + rng.normal(0, 2, hidden[:rows].shape)
        return np.clip(hidden, 0, 255).astype(np.uint8)

    return change


def infrared(image):
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (cover(1.0, 4), "covered"),
        (cover(1.0, 90), "covered"),
        (cover(0.4, 20), "covered"),
        (knock(angle=-8), "moved"),
        (knock(angle=12, across=0.03), "moved"),
        (knock(across=0.12, down=-0.05), "moved"),
        (blur(1.5), "out_of_focus"),
        (blur(3), "out_of_focus"),
        (dirt(0.04), "dirty_lens"),
        (dirt(0.3), "dirty_lens"),
        (dirt(0.06, opaque=True), "dirty_lens"),
        (gain(0.6), "too_dark"),
        (gain(0.25), "too_dark"),
        (gain(1.7), "too_bright"),
    ],
)
def test_a_fault_of_one_camera_has_its_name_and_no_other(place, one, change, fault):
    assert place.named({one: change}) == {one: fault}


def test_a_lens_out_of_focus_is_seen_although_the_sensor_s_noise_stays_sharp(belts):
    assert belts.named({"cam-2": defocus_then_sensor(2)}) == {"cam-2": "out_of_focus"}


def test_a_camera_that_repeats_its_picture_is_frozen_also_when_it_is_encoded_again(place, one):
    still, rng = place.images[one][3], np.random.default_rng(1)

    def frozen(image):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(85, 96))]
        return cv2.imdecode(cv2.imencode(".jpg", still, quality)[1], cv2.IMREAD_COLOR)

    assert place.named({one: frozen}) == {one: "frozen"}


def test_a_switch_to_infrared_is_seen_on_a_camera_that_had_colours(belts):
    assert belts.named({"cam-2": infrared}) == {"cam-2": "colour_lost"}


def test_a_camera_without_colours_cannot_lose_them(cells):
    found = cells.judged({"line-a": infrared})
    assert "colour_lost" not in {each.subject for each in found}


def test_healthy_cameras_are_healthy_and_say_of_what(place):
    found = place.judged({})
    assert {each.outcome.value for each in found} == {"ok"}
    assert {each.subject for each in found} >= {"covered", "frozen", "moved", "out_of_focus", "dirty_lens", "too_dark"}


def test_a_new_product_is_no_camera_fault_on_one_camera_or_on_all(place, one):
    assert place.named({}, product=(one,)) == {}
    assert place.named({}, product=tuple(place.images)) == {}


@pytest.mark.parametrize("change", [gain(0.6), gain(1.6), infrared, blur(2), knock(angle=8)])
def test_what_all_cameras_show_is_the_fault_of_none(place, change):
    assert place.named(dict.fromkeys(place.images, change)) == {}


def test_two_cameras_may_have_two_faults(place):
    first, second, _ = sorted(place.images)
    assert place.named({first: gain(0.5), second: blur(3)}) == {first: "too_dark", second: "out_of_focus"}


def test_the_words_name_the_fault_and_its_size(place, one):
    note = {each.subject: each.note for each in place.judged({one: gain(0.4)}) if each.camera == one}["too_dark"]
    assert note.startswith("is too dark: it gets ") and "% less light" in note
    assert 55 <= int(note.split("%")[0].split()[-1]) <= 65


def test_a_camera_with_few_images_or_unknown_to_the_reference_is_not_judged(belts):
    rows = {"cam-1": belts.current["cam-1"][:5]}
    before = by_camera(belts.table({"cam-1": belts.reference["cam-1"]}))
    after = by_camera(belts.table(rows | {"new": belts.current["cam-2"]}))
    found = {each.camera: each for each in judge_pictures(before, after, CameraRules())}
    assert {each.outcome.value for each in found.values()} == {"inconclusive"}
    assert "15 more are needed" in found["cam-1"].note
    assert "the reference has 0 images" in found["new"].note
