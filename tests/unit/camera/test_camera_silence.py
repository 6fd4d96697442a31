"""A camera that is away for part of a window, while the others send as ever, was offline; a quiet line is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tasks.camera.clock import Arrivals, judge_clocks
from tasks.camera.delivery import judge_delivery
from tasks.camera.rules import CameraRules
from tasks.camera.silence import silences
from tasks.domain.finding import Outcome
from tasks.domain.window import EPOCH, Window

WINDOW = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
START = (WINDOW.start - EPOCH).total_seconds()
HOURS = np.arange(0, 24, 0.5)
"""A camera takes 48 pictures a day."""


def days(hours, *numbers):
    return np.concatenate([START + 86_400 * day + 3_600 * np.asarray(hours, float) for day in numbers])


def named(window, usual=HOURS):
    """camera -> (fault, words); `window` are the hours at which each camera sends on the day that is judged."""
    before = {camera: days(usual, -3, -2, -1) for camera in window}
    after = {camera: days(hours, 0) for camera, hours in window.items()}
    counts = {camera: [len(usual)] * 3 for camera in window}
    counted = {camera: float(len(hours)) for camera, hours in window.items()}
    found = judge_delivery(counts, counted, CameraRules(), silences(before, after, WINDOW))
    return {each.camera: (each.subject, each.note) for each in found if each.outcome is Outcome.BREACH}


def without(low, high):
    return HOURS[(low > HOURS) | (high <= HOURS)]


@pytest.mark.parametrize(("low", "high"), [(15, 24), (0, 9), (8, 14.5)])
def test_a_camera_that_is_away_for_some_hours_was_offline_then(low, high):
    found = named({"a": HOURS, "b": without(low, high), "c": HOURS})
    assert found.keys() == {"b"}
    fault, words = found["b"]
    assert fault == "offline"
    ends = WINDOW.start + timedelta(hours=high)
    expected = 2 * (high - low) + (low > 0)  # the one before the pause is of its hours
    assert f"to {ends:%H:%M} (UTC): no image, about {expected:.0f} were expected" in words


def test_a_camera_that_is_slow_all_day_is_slow_and_not_offline():
    assert named({"a": HOURS, "b": HOURS[::2], "c": HOURS})["b"][0] == "frame_rate"


def test_a_camera_that_sends_less_and_less_is_slow_even_if_it_pauses_in_the_end():
    fewer = HOURS[np.isin(np.arange(48), [0, 1, 2, 3, 4, 6, 7, 8, 10, 12, 14, 16, 18, 21, 24, 27, 30, 33])]
    assert named({"a": HOURS, "b": fewer, "c": HOURS})["b"][0] == "frame_rate"


def test_a_pause_of_all_cameras_is_the_line_s():
    paused = without(10, 18)
    assert named({"a": paused, "b": paused, "c": paused}) == {}


def test_a_pause_that_was_always_there_is_no_silence():
    shift = HOURS[(HOURS >= 6) & (HOURS < 20)]
    assert named({"a": shift, "b": shift, "c": shift}, usual=shift) == {}


def test_a_short_pause_is_no_silence():
    assert named({"a": HOURS, "b": without(10, 13), "c": HOURS}) == {}


def test_a_line_that_comes_in_batches_may_pause_longer():
    rng = np.random.default_rng(4)
    batches = [np.sort(rng.choice(24, 6, replace=False)) for _ in range(9)]
    reference = np.concatenate([START + 86_400 * (n - 9) + 3_600 * np.repeat(b, 8) for n, b in enumerate(batches)])
    steady = {camera: days(HOURS, *range(-9, 0)) for camera in ("a", "c")}
    after = {"a": days(HOURS, 0), "b": days(np.repeat([0, 3, 5, 14, 16, 23], 8), 0), "c": days(HOURS, 0)}
    found = judge_delivery(
        dict.fromkeys("abc", [48] * 9), dict.fromkeys("abc", 48.0), CameraRules(),
        silences(steady | {"b": reference}, after, WINDOW),
    )  # fmt: skip
    assert not [each for each in found if each.outcome is Outcome.BREACH]


def test_a_clock_that_stands_still_names_one_moment_for_all():
    times = np.arange(0.0, 600, 20)
    sound = Arrivals(captured=times, delay=np.full(30, 0.3))
    still = Arrivals(captured=np.zeros(30), delay=times + 0.3)
    found = judge_clocks({"a": sound, "b": still, "c": sound}, CameraRules())
    assert [each.note for each in found if each.outcome is Outcome.BREACH] == [
        "has a wrong clock: it stands still: images that landed over 9.7 hours all name the same moment"
    ]


def test_a_clock_that_falls_behind_is_told_by_a_delay_that_grows_evenly():
    times, rng = np.arange(0.0, 1440, 30), np.random.default_rng(2)
    sound = Arrivals(captured=times, delay=rng.exponential(0.3, 48))
    lag = np.linspace(0, 90, 48)
    found = judge_clocks({"a": sound, "b": Arrivals(captured=times - lag, delay=lag + 0.3), "c": sound}, CameraRules())
    notes = {each.camera: each.note for each in found if each.outcome is Outcome.BREACH}
    assert notes == {
        "b": "has a wrong clock: it falls behind, 81 minutes by now, or what it sends waits longer and longer"
    }


def test_images_that_waited_now_and_then_are_no_clock_that_falls_behind():
    times, rng = np.arange(0.0, 1440, 30), np.random.default_rng(2)
    sound = Arrivals(captured=times, delay=rng.exponential(0.3, 48))
    waits = Arrivals(captured=times, delay=np.where(times % 480 < 240, 240 - times % 240, 0.3))
    found = judge_clocks({"a": sound, "b": waits, "c": sound}, CameraRules())
    assert not [each for each in found if each.outcome is Outcome.BREACH]


def test_a_burst_of_one_moment_that_lands_at_once_is_no_standing_clock():
    burst = Arrivals(captured=np.repeat([0.0, 60, 120], 10), delay=np.tile(np.linspace(0.2, 3, 10), 3))
    found = judge_clocks({"a": burst, "b": burst}, CameraRules())
    assert not [each for each in found if each.outcome is Outcome.BREACH]
