"""The same fault comes about in many ways: it has the same name in all of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest


def warp(angle=0.0, zoom=1.0, across=0.0, down=0.0, border=cv2.BORDER_REFLECT_101):
    def change(image):
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, zoom)
        matrix[:, 2] += (across * width, down * height)
        return cv2.warpAffine(image, matrix, (width, height), borderMode=border)

    return change


def tilt(image):
    side = image.shape[0]
    frame = np.array([[0, 0], [side, 0], [side, side], [0, side]], dtype=np.float32)
    pushed = frame + np.array([[-0.2, -0.2], [0.2, -0.2], [0, 0], [0, 0]], dtype=np.float32) * side
    return cv2.warpPerspective(image, cv2.getPerspectiveTransform(frame, pushed), (side, side))


def half_turn(image):
    return np.ascontiguousarray(image[::-1, ::-1])


def sticker(image):
    covered, paper = image.copy(), np.random.default_rng(5).normal(0, 1, image.shape[:2])
    printed = 140 + 30 * np.sign(cv2.GaussianBlur(paper, (0, 0), 3))[:, :, None]
    part = slice(image.shape[0] // 5, image.shape[0] * 4 // 5)
    covered[part, part] = np.broadcast_to(printed, image.shape)[part, part]
    return covered


def smear(image):
    film = np.zeros(image.shape[:2], np.float32)
    cv2.ellipse(film, (image.shape[1] // 2, image.shape[0] // 2), (45, 14), 20, 0, 360, 0.7, -1)
    film = cv2.GaussianBlur(film, (0, 0), 2)[:, :, None]
    return np.clip(image * (1 - film) + 190 * film, 0, 255).astype(np.uint8)


def corner(image):
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]] / image.shape[0]
    film = (1 / (1 + np.exp((x + y - 0.45) * 50)))[:, :, None]
    return np.clip(image * (1 - film) + 25 * film, 0, 255).astype(np.uint8)


def disc(radius, noise):
    rng = np.random.default_rng(2)
    y, x = np.mgrid[-6:7, -6:7]
    kernel = (np.hypot(x, y) <= radius).astype(np.float32)

    def change(image):
        blurred = cv2.filter2D(image.astype(np.float32), -1, kernel / kernel.sum())
        return np.clip(blurred + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)

    return change


def infrared(noise):
    rng = np.random.default_rng(3)

    def change(image):
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) * 1.1
        return np.clip(np.repeat((grey + rng.normal(0, noise, grey.shape))[..., None], 3, 2), 0, 255).astype(np.uint8)

    return change


@pytest.mark.parametrize(
    "change",
    [warp(angle=6), warp(angle=-11, zoom=1.25), warp(zoom=1.4), warp(zoom=0.7), warp(across=0.1), tilt, half_turn],
)
def test_a_fixed_view_shows_every_move(views, change):
    assert views.named({"hall": change}) == {"hall": "moved"}


@pytest.mark.parametrize("change", [warp(angle=7), warp(zoom=1.3), warp(zoom=0.75, border=cv2.BORDER_CONSTANT)])
def test_photographs_of_the_same_thing_show_a_move_too(cells, change):
    assert cells.named({"line-b": change}) == {"line-b": "moved"}


def test_what_hides_part_of_a_fixed_view_has_not_moved_it(views):
    assert views.named({"hall": sticker}) == {"hall": "covered"}
    assert views.named({"hall": smear}) == {"hall": "dirty_lens"}
    assert views.named({"hall": corner}) == {"hall": "dirty_lens"}


@pytest.mark.parametrize("change", [smear, corner])
def test_dirt_may_be_bright_or_dark_and_anywhere(place, one, change):
    assert place.named({one: change}) == {one: "dirty_lens"}


@pytest.mark.parametrize("noise", [0, 1])
def test_a_lens_out_of_focus_is_told_with_and_without_the_noise_of_the_sensor(cells, views, noise):
    assert cells.named({"line-b": disc(3, noise)}) == {"line-b": "out_of_focus"}
    assert views.named({"hall": disc(2.5, noise)}) == {"hall": "out_of_focus"}


def test_a_switch_to_infrared_may_add_noise(belts, views):
    assert belts.named({"cam-2": infrared(7)}) == {"cam-2": "colour_lost"}
    assert views.named({"hall": infrared(5)}) == {"hall": "colour_lost"}


def counting(draw):
    """A change that knows which image it is asked for."""
    number = iter(range(10_000))
    return lambda image: draw(image, next(number))


def test_exposure_that_goes_away_over_the_window_is_too_dark_or_too_bright(place, one):
    for end, fault in ((0.2, "too_dark"), (3.5, "too_bright")):
        drift = counting(lambda image, n, end=end: np.clip(image * end ** (n / 19), 0, 255).astype(np.uint8))
        assert place.named({one: drift}) == {one: fault}


def test_a_frozen_picture_may_carry_a_clock_that_goes_on(place, one):
    still = place.images[one][3]

    def stamped(_, n):
        return cv2.putText(still.copy(), f"12:{n:02d}:{n * 7 % 60:02d}", (3, 12), 0, 0.35, (255, 255, 255), 1)

    assert place.named({one: counting(stamped)}) == {one: "frozen"}


def test_a_few_old_pictures_in_turns_are_frozen(place, one):
    assert place.named({one: counting(lambda _, n: place.images[one][n % 3])}) == {one: "frozen"}


def test_a_new_product_in_a_fixed_view_is_no_fault(views):
    assert views.named({}, product=("hall",)) == {}
    assert views.named({}, product=tuple(views.images)) == {}


@pytest.mark.parametrize("factor", [0.5, 1.7])
def test_other_light_on_all_fixed_views_is_the_fault_of_none(views, factor):
    light = {camera: lambda image: np.clip(image * factor, 0, 255).astype(np.uint8) for camera in views.images}
    assert views.named(light) == {}


def test_a_haze_over_the_whole_lens_of_one_camera_is_seen_and_keeps_the_others_out_of_it(place, one):
    haze = place.judged({one: lambda image: np.clip(image * 0.5 + 0.5 * image.mean(), 0, 255).astype(np.uint8)})
    (fault,) = [each for each in haze if each.outcome.value == "breach"]
    assert (fault.camera, fault.subject) == (one, "dirty_lens")
    assert one != "cam-2" or fault.note.startswith("has a fogged lens: a veil over the whole picture left ")


def test_fog_before_all_cameras_is_the_fault_of_none(place):
    fog = dict.fromkeys(place.images, lambda image: np.clip(image * 0.5 + 70, 0, 255).astype(np.uint8))
    assert place.named(fog) == {}


@pytest.mark.parametrize(("gamma", "fault"), [(0.45, "too_bright"), (2.0, "too_dark")])
def test_exposure_may_be_wrong_by_a_curve(place, one, gamma, fault):
    assert place.named({one: lambda image: (255 * (image / 255) ** gamma).astype(np.uint8)}) == {one: fault}


def test_a_black_level_that_takes_more_of_bright_pictures_than_a_share_of_light_is_too_bright(cells):
    assert cells.named({"line-b": lambda image: np.clip(image * 0.5 + 127, 0, 255).astype(np.uint8)}) == {
        "line-b": "too_bright"
    }


@pytest.mark.parametrize("veil", [100, 190])
def test_plastic_over_the_lens_covers_it_however_bright_it_is(place, one, veil):
    def bag(image):
        return np.clip(cv2.GaussianBlur(image, (0, 0), 9) * 0.03 + veil, 0, 255).astype(np.uint8)

    assert place.named({one: bag}) == {one: "covered"}


def test_a_cloth_as_bright_as_the_belt_and_richer_than_it_covers_it(belts):
    def cloth(image):
        y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
        weave = 120 + 18 * np.sin(x * 1.3) * np.sin(y * 1.3)
        return np.repeat(np.clip(weave, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)

    assert belts.named({"cam-2": cloth}) == {"cam-2": "covered"}


def test_drops_that_show_the_scene_upside_down_are_dirt(belts):
    def water(image):
        seen, tiny = image.copy(), cv2.resize(image[::-1, ::-1], (30, 30), interpolation=cv2.INTER_AREA)
        for top, left in ((20, 30), (90, 70), (50, 110)):
            seen[top : top + 30, left : left + 30] = tiny
        return seen

    assert belts.named({"cam-2": water}) == {"cam-2": "dirty_lens"}
