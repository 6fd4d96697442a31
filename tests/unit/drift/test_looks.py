"""Relations of properties and places in the picture: what they are of a picture, and what they find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pyarrow as pa
import pytest

from tasks.domain.finding import Outcome
from tasks.domain.subjects import PLACES, Topic, topic
from tasks.domain.tables import REFERENCES
from tasks.drift import looks
from tasks.drift.compare import compare
from tasks.drift.properties import Properties, of_image
from tasks.drift.rules import DriftRules
from tasks.drift.sample import sample

RULES = DriftRules(explainer="")
START = datetime(2026, 11, 20, tzinfo=UTC)


def belt(rng, dirty=0.0, blur=0.0):
    """Parts on a belt under a light that flickers; dirt at a fixed place takes this much of the light."""
    picture = 90 + cv2.resize(rng.normal(0, 25, (12, 16)), (320, 240), interpolation=cv2.INTER_CUBIC)
    picture += cv2.resize(rng.normal(0, 12, (120, 160)), (320, 240), interpolation=cv2.INTER_CUBIC)
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture = picture * rng.uniform(0.8, 1.2) + rng.normal(0, 2, picture.shape)
    picture[170:200, 40:80] *= 1 - dirty
    return cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def table(found):
    rows = [
        {
            **one.row(),
            "camera": "line",
            "captured_at": START + timedelta(minutes=n),
            "sha256": f"{n:064x}",
            "image_id": str(n),
            "key": str(n),
            "embedding": [],
            "dhash": one.dhash or f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}",
        }
        for n, one in enumerate(found)
    ]
    return pa.Table.from_pylist(rows, schema=REFERENCES)


def seen(rng, count, **how):
    return sample(table([of_image(belt(rng, **how)) for _ in range(count)]), (), "", RULES)


def breaches(before, after):
    return {f.subject: f for f in compare(before, after, RULES) if f.outcome is Outcome.BREACH and f.camera is None}


@pytest.fixture(scope="module")
def reference():
    return seen(np.random.default_rng(1), 120)


def test_a_spot_on_the_lens_is_found_and_its_place_is_named(reference):
    found = breaches(reference, seen(np.random.default_rng(2), 50, dirty=0.4))
    assert set(found) == {PLACES}
    assert found[PLACES].note.split()[1] == "fell"
    assert "at the lower left, beside the rest of the picture" in found[PLACES].note
    assert topic(PLACES) is Topic.PHOTOMETRIC


def test_half_a_pixel_of_blur_is_found_beside_the_coarser_detail(reference):
    found = breaches(reference, seen(np.random.default_rng(3), 50, blur=0.6))
    assert "fine_detail" in found
    assert found["fine_detail"].effect < 0
    assert found["fine_detail"].note.startswith("fell ")


def test_a_healthy_window_shows_nothing(reference):
    assert breaches(reference, seen(np.random.default_rng(4), 50)) == {}


def test_a_flickering_lamp_moves_no_relation_of_places():
    light = np.full((2, 1024), 80, np.uint8)
    light[1] = 160
    found = looks.against_the_rest(looks.places(light, np.full((2, 256), 20, np.uint8)))
    np.testing.assert_allclose(found, 0, atol=1e-9)


def test_a_place_that_gets_a_tenth_less_light_falls_by_two_units_of_a_twentieth():
    light = np.full((1, 32, 32), 100, np.uint8)
    light[0, :2, :2] = 90
    found = looks.against_the_rest(looks.places(light.reshape(1, -1), np.zeros((1, 256), np.uint8)))[0]
    assert found[0] == pytest.approx(np.log(94 / 104) / 0.05, abs=0.02)
    assert np.ptp(found[1:256]) < 1e-9
    assert not found[256:].any()


def test_the_place_that_changed_is_told_with_its_amount():
    before, after = np.zeros((40, 512)), np.zeros((40, 512))
    after[:, 256 + 8 * 16 + 15] = np.log(1.5) / 0.05
    assert looks.describe_places(before, after) == (
        "detail rose 50 % at the middle right, beside the rest of the picture"
    )


def test_relations_do_not_know_how_bright_a_picture_is():
    rng = np.random.default_rng(5)
    picture = belt(rng)
    pair = [of_image(picture), of_image((picture * 0.6).astype(np.uint8))]
    columns = [np.array([getattr(one, name) for one in pair]) for name in ("noise", "contrast", "brightness")]
    found = looks.relations(*columns, np.array([one.octaves for one in pair]))
    assert set(found) == {"fine_detail", "grain", "relative_contrast"}
    for name, (bright, dark) in found.items():
        assert dark == pytest.approx(bright, abs=0.1), name


def test_pictures_without_maps_are_left_out_and_never_compared_as_black_ones(reference):
    rng = np.random.default_rng(6)
    blind = sample(table([Properties()] * 30), (), "", RULES)
    assert blind.places.shape == (30, 0)
    assert "grain" not in blind.photometric.scalars
    mixed = sample(table([*(of_image(belt(rng)) for _ in range(40)), Properties()]), (), "", RULES)
    assert looks.against_the_rest(mixed.places).shape == (40, 512)
    assert np.isnan(mixed.photometric.scalars["grain"]).sum() == 1
    assert PLACES not in breaches(reference, mixed)


def test_a_reference_that_knows_no_places_is_not_asked_for_them(reference):
    before = sample(table([Properties()] * 100), (), "", RULES)
    subjects = {f.subject for f in compare(before, reference, RULES)}
    assert not subjects & {PLACES, "grain", "fine_detail", "relative_contrast"}
