"""What somebody else would think of: old pictures under a changing gain, light that falls off, webs, wiped lenses."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

SIDE = 160

Y, X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE - 0.5


def clipped(pixels):
    return np.clip(pixels, 0, 255).astype(np.uint8)


def breathing(image):
    """The same picture, its gain a little other every time, with the noise of now."""
    breathing.count += 1
    rng = np.random.default_rng(breathing.count)
    return clipped(image * (1 + 0.08 * np.sin(0.7 * breathing.count)) + rng.normal(0, 1, image.shape))


breathing.count = 0


@pytest.mark.parametrize(("world", "camera"), [("belts", "cam-2"), ("views", "hall")])
def test_an_old_picture_under_a_changing_gain_is_frozen(request, world, camera):
    place = request.getfixturevalue(world)
    old = place.images[camera][0]
    assert place.named({camera: lambda image: breathing(old)}) == {camera: "frozen"}


def test_a_line_under_a_changing_gain_is_not_frozen(belts, views):
    for place, camera in ((belts, "cam-2"), (views, "hall")):
        assert place.named({camera: breathing}) == {}


def test_light_that_falls_off_to_all_sides_is_too_dark_and_no_move(views):
    film = (0.6 - 0.9 * (X**2 + Y**2))[:, :, None]
    assert views.named({"hall": lambda image: clipped(image * film)}) == {"hall": "too_dark"}


def test_a_camera_that_looks_against_a_bright_door_is_too_dark_and_has_not_moved(views):
    door = (240 / (1 + np.exp((np.hypot(X + 0.5, Y + 0.5) / 0.3 - 1) * 8)))[:, :, None]
    assert views.named({"hall": lambda image: clipped(0.4 * image + door)}) == {"hall": "too_dark"}


def test_threads_over_a_view_that_is_still_to_be_seen_are_dirt(views):
    film = np.zeros((SIDE, SIDE), np.float32)
    for angle in np.arange(0, 2 * np.pi, 0.7):
        end = (int(70 + 75 * np.cos(angle)), int(85 + 75 * np.sin(angle)))
        cv2.line(film, (70, 85), end, 1.0, 2)
    for radius in (20, 40, 60):
        cv2.circle(film, (70, 85), radius, 1.0, 2)
    film = 0.55 * np.clip(1.6 * cv2.GaussianBlur(film, (0, 0), 1.3), 0, 1)[:, :, None]
    assert views.named({"hall": lambda image: clipped(image * (1 - film) + 185 * film)}) == {"hall": "dirty_lens"}


def test_a_small_turn_of_a_fixed_view_stays_a_move(views):
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 6.0, 1.12)
    found = views.named(
        {"hall": lambda image: cv2.warpAffine(image, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)}
    )
    assert found == {"hall": "moved"}


def test_white_places_under_more_light_for_all_cameras_are_no_matter_of_one(views):
    assert views.named(dict.fromkeys(views.images, lambda image: clipped(image * 1.13))) == {}


def test_light_from_another_side_on_an_even_belt_is_no_move(belts):
    aslant = np.exp(0.3 * X)[:, :, None]
    assert "moved" not in set(belts.named({"cam-2": lambda image: clipped(image * aslant)}).values())
    assert belts.named(dict.fromkeys(belts.images, lambda image: clipped(1.15 * image * aslant))) == {}


def test_fixed_views_that_are_all_packed_harder_are_not_dirty(views):
    def packed(image):
        return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 45])[1], cv2.IMREAD_COLOR)

    assert views.named(dict.fromkeys(views.images, packed)) == {}


def test_a_lens_that_was_wiped_has_no_fault(belts, views):
    def crisper(image):
        return clipped(image + 0.25 * (image - cv2.GaussianBlur(image, (0, 0), 1.5).astype(np.float32)))

    for place, camera in ((belts, "cam-2"), (views, "hall")):
        assert place.named({camera: crisper}) == {}
