"""A camera that switches to infrared light every night is healthy; one that stays with it by day is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pyarrow as pa
import pytest

from tasks.camera.frames import by_camera
from tasks.camera.hours import expected_colour, same_hours
from tasks.camera.pictures import healthy, judge_pictures
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Outcome
from tasks.domain.tables import REFERENCES
from tasks.drift.properties import of_image

START = datetime(2026, 11, 20, tzinfo=UTC)


def infrared(image):
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(float)
    return np.repeat(np.clip(0.6 * grey + 60, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def lit(belts):
    """camera -> (rows by day, rows by night): the other cameras have lamps."""
    rows = {camera: [of_image(image).row() for image in images] for camera, images in belts.images.items()}
    night = [of_image(infrared(image)).row() for image in belts.images["cam-2"]]
    return {camera: (found, night if camera == "cam-2" else found) for camera, found in rows.items()}


def frames(lit, hours, dark):
    """Images of every camera at these hours since the start; `dark` says whether cam-2 uses infrared light then."""
    rows = [
        faces[int(camera == "cam-2" and dark(hour % 24))][n % 20]
        | {"camera": camera, "captured_at": START + timedelta(hours=float(hour)), "sha256": f"{n:064x}",
           "image_id": f"{camera}-{n}", "key": f"{camera}/{n}", "embedding": []}
        for camera, faces in lit.items() for n, hour in enumerate(hours)
    ]  # fmt: skip
    return by_camera(pa.Table.from_pylist(rows, schema=REFERENCES))


def night(hour):
    return hour < 6 or hour >= 18


WEEK = np.arange(0, 120, 0.5)


@pytest.fixture(scope="module")
def named(lit):
    before = frames(lit, WEEK, night)

    def named(hours, dark=night):
        found = judge_pictures(before, frames(lit, hours, dark), CameraRules())
        return {(each.camera, each.subject) for each in found if each.outcome is Outcome.BREACH}

    return named


@pytest.mark.parametrize("start", [0, 5, 11, 17, 22])
def test_a_switch_at_the_same_hours_every_day_is_no_fault(named, start):
    assert named(144 + start + np.arange(0, 2, 0.08)) == set()
    assert named(144 + start + np.arange(0, 24, 0.5)) == set()


def test_infrared_light_in_the_middle_of_the_day_is_a_fault(named):
    assert named(144 + np.arange(11, 13, 0.08), lambda hour: True) == {("cam-2", "colour_lost")}


def test_a_camera_that_stays_with_infrared_light_is_found_in_a_window_of_a_day(named):
    assert named(144 + np.arange(0, 24, 0.5), lambda hour: True) == {("cam-2", "colour_lost")}


def test_the_sun_may_be_an_hour_early_or_late(named):
    for hours in (np.arange(5, 7, 0.08), np.arange(17, 19, 0.08)):
        assert named(144 + hours, lambda hour: hour < 7 or hour >= 17) == set()


def test_a_camera_that_knows_both_faces_has_a_colour_to_lose_only_by_day(lit):
    reference = frames(lit, WEEK, night)["cam-2"]
    assert np.isfinite(expected_colour(reference, np.array([0.0, 3.0, 12.0, 23.5]))).tolist() == [0, 0, 1, 0]


def test_a_window_is_held_against_the_same_hours_where_the_reference_knows_enough_of_them(lit):
    reference = frames(lit, WEEK, night)["cam-1"]
    window = frames(lit, 144 + np.arange(8, 10, 0.08), night)["cam-1"]
    known, seen = same_hours(reference, window, 20)
    assert len(seen) == len(window)
    assert 6.5 <= known.hour.min() < 8 and 10 < known.hour.max() <= 11.5
    few = reference.take(np.arange(0, len(reference), 8))
    assert same_hours(few, window, 20)[0] is few


def lamps(lit, hours, on=lambda hour: 6 <= hour < 20, light=0.35):
    """Frames of one camera whose hall has so much of its light while the lamps are off."""
    shown = frames(lit, hours, lambda hour: False)["cam-1"]
    gain = np.where([on(hour % 24) for hour in hours], 1.0, light)
    return replace(shown, luma=shown.luma * gain[:, None, None])


@pytest.mark.parametrize("start", [4.5, 5, 5.5, 6, 19, 19.5, 20])
def test_where_lamps_go_on_at_an_hour_a_window_is_held_against_the_light_that_it_shows(lit, start):
    reference, window = lamps(lit, WEEK), lamps(lit, 144 + start + np.arange(0, 1, 0.03))
    known, seen = same_hours(reference, window, 10)
    before, after = (side.luma.mean(axis=(1, 2)) for side in (known, seen))
    assert len(known) >= 10 and len(seen) >= len(window) // 2
    assert before.max() < 1.5 * before.min()
    assert after.mean() == pytest.approx(before.mean(), rel=0.1)


def test_light_that_the_reference_never_had_is_held_against_what_it_had(lit):
    reference = lamps(lit, WEEK)
    window = lamps(lit, 144 + np.arange(10, 12, 0.08), on=lambda hour: False)
    known, seen = same_hours(reference, window, 10)
    assert seen.luma.mean() < 0.5 * known.luma.mean()


def test_a_dark_day_is_no_night(lit):
    """Half of the day is dark by its hour; a day that is as dark is not held against nights."""
    reference = lamps(lit, WEEK)
    window = lamps(lit, 144 + np.arange(0, 24, 0.5), on=lambda hour: False)
    known, seen = same_hours(reference, window, 10)
    assert seen.luma.mean() < 0.5 * known.luma.mean()
    known, seen = same_hours(reference, lamps(lit, 144 + np.arange(0, 24, 0.5)), 10)
    assert seen.luma.mean() == pytest.approx(known.luma.mean(), rel=0.1)


def test_parts_of_two_days_with_nights_are_held_against_the_same_hours(lit):
    """A part is half a day: by day or by night it is not held against both."""
    spans = [abs(each.light) for each in healthy(lamps(lit, np.arange(0, 48, 0.5)), 24)]
    assert max(spans) < 0.15
