"""Properties of a picture, against brute force and against what was done to the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from PIL import Image

from tasks.drift import maps
from tasks.drift.decoding import decoded, jpeg_frame
from tasks.drift.properties import Properties, dhash, entropy, histogram, noise, of_file, of_image, of_picture


def photograph(seed=0, height=400, width=500):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (height // 20, width // 20, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(float)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def test_darkening_lowers_brightness_in_proportion():
    picture = photograph()
    dark = (picture * 0.5).astype(np.uint8)
    assert of_image(dark).brightness == pytest.approx(0.5 * of_image(picture).brightness, rel=0.02)


def test_blur_lowers_sharpness_even_where_shrinking_would_hide_it():
    picture = photograph(height=1200, width=1600)
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.0)
    assert of_image(blurred).sharpness < of_image(picture).sharpness - 1


def test_maps_say_where_light_and_detail_are():
    picture = photograph(height=640, width=640)
    picture[:320, :320] = 30
    found = of_image(picture)
    luma = np.frombuffer(found.luma_map, np.uint8).reshape(32, 32)
    detail = np.frombuffer(found.detail_map, np.uint8).reshape(16, 16) * 0.02
    assert (luma[:15, :15] == 30).all() and luma[17:, 17:].mean() > 60
    assert detail[:7, :7].max() < 0.1 < detail[9:, 9:].min()


@pytest.mark.parametrize("side", [640, 320, 96])
def test_colours_are_the_means_of_their_places_to_a_fraction_of_a_grey_level(side):
    picture = photograph(height=side, width=side)
    found = np.frombuffer(of_image(picture).colour_map, "<u2").reshape(8, 8, 3) / 128
    means = picture.reshape(8, side // 8, 8, side // 8, 3).mean(axis=(1, 3))
    off = found - means  # every halving rounds up by an eighth of a level on average, all colours alike
    assert abs(off.mean()) < 0.7 and np.abs(off - off.mean()).max() < 0.5


def test_a_picture_without_colours_has_no_map_of_them():
    grey = cv2.imencode(".jpg", photograph()[:, :, 0])[1].tobytes()
    assert of_picture(decoded(grey)).colour_map is None


@pytest.mark.parametrize("angle", [0, 25, 90, 155])
def test_the_direction_of_edges_turns_with_the_picture(angle):
    y, x = np.mgrid[0:300, 0:300]
    turned = math.radians(angle)
    wave = 128 + 60 * np.sin((x * math.cos(turned) + y * math.sin(turned)) / 6)
    shares = of_image(cv2.cvtColor(wave.astype(np.uint8), cv2.COLOR_GRAY2BGR)).orientation
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    away = (np.argmax(shares) * 5 + 2.5 - angle + 90) % 180 - 90
    assert abs(away) <= 5


def test_blur_takes_the_finest_detail_first_and_darkness_takes_as_much_from_all():
    rng = np.random.default_rng(3)
    grain = [cv2.resize(rng.normal(0, 25, (s, s)), (320, 320), interpolation=cv2.INTER_CUBIC) for s in (320, 80, 20)]
    picture = cv2.cvtColor(np.clip(sum(grain) + 120, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    plain = np.array(of_image(picture).octaves)
    blurred = plain - of_image(cv2.GaussianBlur(picture, (0, 0), 1.5)).octaves
    dark = plain - of_image((picture * 0.5).astype(np.uint8)).octaves
    assert blurred[0] > blurred[1] + 1 and blurred[1] > blurred[3] + 0.2
    assert np.ptp(dark) < 0.1 and dark.mean() == pytest.approx(2 * math.log(2), abs=0.1)


def test_a_picture_without_edges_has_no_direction():
    assert sum(of_image(np.full((40, 40, 3), 90, np.uint8)).orientation) == 0


def test_noise_is_measured_in_grey_levels():
    flat = np.full((300, 300), 120, np.uint8)
    noisy = flat + np.random.default_rng(1).normal(0, 6, flat.shape)
    assert noise(flat) == pytest.approx(0, abs=1e-9)
    assert noise(np.rint(noisy).astype(np.uint8)) == pytest.approx(6, rel=0.05)


def test_noise_equals_the_published_sum():
    luma = np.random.default_rng(2).integers(0, 256, (12, 9)).astype(np.uint8)
    kernel = [[1, -2, 1], [-2, 4, -2], [1, -2, 1]]
    total = 0.0
    for y in range(1, 11):
        for x in range(1, 8):
            total += abs(sum(kernel[j][i] * int(luma[y + j - 1, x + i - 1]) for j in range(3) for i in range(3)))
    assert noise(luma) == pytest.approx(math.sqrt(math.pi / 2) * total / (6 * (9 - 2) * (12 - 2)))


def test_entropy_counts_grey_levels():
    assert entropy(histogram(np.full((8, 8), 7, np.uint8))) == 0
    every = np.repeat(np.arange(0, 256, 4, dtype=np.uint8), 4).reshape(16, 16)
    assert entropy(histogram(every)) == pytest.approx(6)


def test_a_grey_picture_has_no_colour_and_a_lopsided_one_a_gradient():
    ramp = np.tile(np.linspace(0, 255, 200).astype(np.uint8), (100, 1))
    found = of_image(cv2.cvtColor(ramp, cv2.COLOR_GRAY2BGR))
    assert found.colourfulness == pytest.approx(0, abs=1e-9)
    assert found.gradient_x == pytest.approx(127.5, abs=2)
    assert found.gradient_y == pytest.approx(0, abs=1e-9)


def test_black_and_white_pixels_are_counted():
    half = np.zeros((100, 100, 3), np.uint8)
    half[:, 50:] = 255
    found = of_image(half)
    assert (found.dark_fraction, found.bright_fraction) == (0.5, 0.5)


def test_a_near_duplicate_keeps_its_hash_and_another_scene_does_not():
    def distance(a, b):
        hashes = [int(of_image(picture).dhash, 16) for picture in (a, b)]
        return (hashes[0] ^ hashes[1]).bit_count()

    picture = photograph()
    shaken = np.clip(picture.astype(int) + np.random.default_rng(3).integers(-3, 4, picture.shape), 0, 255)
    assert distance(picture, shaken.astype(np.uint8)) <= 2
    assert distance(picture, (picture * 0.8).astype(np.uint8)) <= 2
    assert distance(picture, photograph(seed=4)) > 10


def test_the_hash_is_sixteen_hex_digits():
    assert dhash(np.zeros((20, 30), np.uint8)) == "0" * 16


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 2), (40, 1)])
def test_tiny_pictures_have_finite_properties(shape):
    found = of_image(np.full((*shape, 3), 90, np.uint8))
    assert all(math.isfinite(value) for value in found.row().values() if isinstance(value, float))
    assert found.sharpness == pytest.approx(math.log(1e-3))


def test_a_file_that_is_no_picture_has_no_properties(tmp_path):
    broken = tmp_path / "a.jpg"
    broken.write_bytes(b"not a picture")
    empty = tmp_path / "b.jpg"
    empty.write_bytes(b"")
    assert repr(of_file(broken)) == repr(of_file(empty)) == repr(Properties())


def test_a_picture_is_measured_as_its_exif_turns_it(tmp_path):
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 200).astype(np.uint8), (100, 1)))
    exif = Image.Exif()
    exif[0x0112] = 6
    ramp.save(tmp_path / "turned.png", exif=exif)
    ramp.convert("L").save(tmp_path / "turned.jpg", exif=exif, quality=95)
    found = of_file(tmp_path / "turned.jpg")
    assert abs(found.gradient_x) < 3
    assert found.gradient_y == pytest.approx(127.5, abs=3)


def test_sharpness_is_the_log_variance_of_the_laplacian():
    luma = np.random.default_rng(5).integers(0, 256, (30, 30)).astype(np.uint8)
    wide = luma.astype(float)
    inner = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * wide[1:-1, 1:-1]
    assert maps.octaves(luma)[0] == pytest.approx(math.log(inner.var()), abs=0.3)
    found = of_image(cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR))
    assert found.sharpness == found.octaves[0]


@pytest.mark.parametrize("size", [(720, 1280), (333, 517), (90, 120)])
@pytest.mark.parametrize("coding", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]])
def test_a_jpeg_has_the_properties_of_its_pixels_however_it_is_decoded(tmp_path, size, coding):
    picture = photograph(height=size[0], width=size[1])
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), picture, coding)
    found, full = of_file(path), of_image(cv2.imread(str(path)))
    for name in ("brightness", "contrast", "sharpness", "noise", "entropy", "gradient_x", "gradient_y"):
        assert getattr(found, name) == pytest.approx(getattr(full, name), abs=0.3, rel=0.01), name
    assert found.colourfulness == pytest.approx(full.colourfulness, rel=0.05)
    assert (int(found.dhash, 16) ^ int(full.dhash, 16)).bit_count() <= 2


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_grey_file_is_decoded_without_colours_and_a_coloured_one_with_them(tmp_path, suffix):
    picture = photograph(height=400, width=640)
    grey, coloured = tmp_path / f"grey.{suffix}", tmp_path / f"coloured.{suffix}"
    cv2.imwrite(str(grey), cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    cv2.imwrite(str(coloured), picture)
    assert decoded(grey.read_bytes()).colour is None
    assert max(decoded(coloured.read_bytes()).colour.shape) == 160
    assert of_file(grey).colourfulness == 0 < of_file(coloured).colourfulness
    assert of_file(grey).brightness == pytest.approx(of_file(coloured).brightness, abs=1)


def test_the_header_of_a_jpeg_says_its_size_its_components_and_its_passes():
    picture = photograph(height=200, width=300)
    plain = jpeg_frame(cv2.imencode(".jpg", picture)[1].tobytes())
    several = jpeg_frame(cv2.imencode(".jpg", picture[..., 0], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes())
    assert (plain.side, plain.components, plain.sequential) == (300, 3, True)
    assert (several.components, several.sequential) == (1, False)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xff\xff", b"\xff\xd8\xff\xe0\x00\x00", b"\x89PNG\r\n\x1a\n"]
)
def test_a_header_that_is_cut_off_is_no_picture(data):
    assert jpeg_frame(data) is None
    assert decoded(data) is None


def test_blur_of_half_a_pixel_and_noise_of_one_level_are_measured():
    picture = photograph(height=720, width=1280)
    blurred = cv2.GaussianBlur(picture, (0, 0), 0.5)
    noisy = np.clip(picture + np.random.default_rng(8).normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
    assert of_image(blurred).sharpness < of_image(picture).sharpness - 0.3
    assert of_image(noisy).noise > of_image(picture).noise + 0.1


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("CMYK", "jpg"), ("L", "jpg"), ("P", "png"), ("RGBA", "png"), ("LA", "png"), ("I;16", "png"), ("RGB", "webp")],
)
def test_every_kind_of_picture_is_measured_as_it_is_shown(tmp_path, mode, suffix):
    shown = Image.fromarray(photograph(height=600, width=800)[..., ::-1])
    if mode == "I;16":
        shown = Image.fromarray(np.asarray(shown.convert("L")).astype(np.uint16) * 257)
    path = tmp_path / f"a.{suffix}"
    (shown if mode == "I;16" else shown.convert(mode)).save(path)
    found, full = of_file(path), of_image(cv2.imread(str(path)))
    for name in ("brightness", "contrast", "sharpness", "noise", "colourfulness"):
        assert getattr(found, name) == pytest.approx(getattr(full, name), abs=0.3, rel=0.03), name
