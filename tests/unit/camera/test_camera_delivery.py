"""Silent, slow and wrong about the time: told from how images come, never when most cameras do the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tasks.camera.clock import Arrivals, judge_clocks
from tasks.camera.delivery import judge_delivery, usual
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Outcome
from tasks.domain.window import Window

RULES = CameraRules()
HOUR = timedelta(hours=1)
WINDOW = Window(datetime(2026, 11, 22, 9, tzinfo=UTC), datetime(2026, 11, 22, 10, tzinfo=UTC))
USUAL = {"a": [60, 58, 61], "b": [60, 62, 57], "c": [30, 31, 29]}


def named(found):
    return {each.camera: each.subject for each in found if each.outcome is Outcome.BREACH}


@pytest.mark.parametrize(
    ("counted", "faults"),
    [
        ({"a": 60, "b": 59, "c": 30}, {}),
        ({"a": 60, "c": 30}, {"b": "offline"}),
        ({"a": 60, "b": 30, "c": 30}, {"b": "frame_rate"}),
        ({"a": 60, "b": 59, "c": 13}, {"c": "frame_rate"}),
        ({"a": 60, "b": 50, "c": 30}, {}),  # a little less is chance or a slow morning
        ({"a": 30, "b": 29, "c": 15}, {}),  # all at half: the line is slow
        ({"a": 60}, {}),  # most are silent: the line, or the connection
        ({}, {}),
        ({"a": 600, "b": 590, "c": 150}, {}),  # more than ever from all: the reference is thinned
    ],
)
def test_silence_and_slowness_belong_to_a_camera_only_when_the_others_send(counted, faults):
    assert named(judge_delivery(USUAL, counted, RULES)) == faults


def test_the_words_say_what_was_expected():
    found = judge_delivery(USUAL, {"a": 60, "c": 12}, RULES)
    notes = {each.camera: each.note for each in found if each.outcome is Outcome.BREACH}
    assert notes == {
        "b": "is offline: no image in this window, about 60 were expected",
        "c": "sends too few images: 12 instead of about 30",
    }


@pytest.mark.parametrize("counts", [[60, 0, 0], [4, 5, 3], []])
def test_a_camera_that_never_sent_regularly_is_not_missed(counts):
    assert named(judge_delivery({**USUAL, "d": counts}, {"a": 60, "b": 60, "c": 30}, RULES)) == {}


def test_a_camera_without_others_is_never_called_at_fault():
    assert named(judge_delivery({"a": [60, 60]}, {}, RULES)) == {}


def test_the_same_hour_of_earlier_days_is_what_counts():
    at_nine = [WINDOW.start - timedelta(days=day) + timedelta(minutes=n) for day in (1, 2) for n in range(20)]
    at_night = [WINDOW.start - timedelta(hours=7) + timedelta(minutes=n) for n in range(5)]
    expected = usual([*at_nine, *at_night], ["a"] * 40 + ["b"] * 5, WINDOW)
    assert expected == {"a": [20, 20], "b": [0, 0]}
    noon = Window(WINDOW.start + 3 * HOUR, WINDOW.end + 3 * HOUR)
    assert sorted(usual([*at_nine, *at_night], ["a"] * 40 + ["b"] * 5, noon)["a"]) == [0, 20, 20]


def delays(**minutes):
    rng = np.random.default_rng(6)
    return {
        camera: Arrivals(captured=np.arange(30.0), delay=value + rng.exponential(0.3, 30))
        for camera, value in minutes.items()
    }


@pytest.mark.parametrize(
    ("minutes", "faults"),
    [
        ({"a": 0, "b": 0, "c": 0}, {}),
        ({"a": 0, "b": -180, "c": 0}, {"b": "clock"}),
        ({"a": 0, "b": 180}, {"b": "clock"}),
        ({"a": 0, "b": -180}, {"b": "clock"}),
        ({"b": -60}, {"b": "clock"}),
        ({"b": 60}, {}),  # alone, a delay may be the way the images take
        ({"a": 1440, "b": 1440, "c": 1440}, {}),  # copied a day later
        ({"a": 1440, "b": 1500, "c": 1440}, {"b": "clock"}),
        ({"a": -30, "b": -30, "c": -30}, {}),  # the bucket's own clock
        ({"a": 0, "b": 4, "c": 0}, {}),
    ],
)
def test_a_clock_is_wrong_when_one_camera_lives_in_another_hour(minutes, faults):
    assert named(judge_clocks(delays(**minutes), RULES)) == faults


def test_a_clock_that_jumps_in_the_middle_of_a_window_is_found():
    found = delays(a=0, b=0)
    found["b"].delay[20:] += 60
    notes = [each.note for each in judge_clocks(found, RULES) if each.outcome is Outcome.BREACH]
    assert notes == ["has a wrong clock: 60 minutes behind: its images land that late"]


def test_images_that_waited_for_a_network_are_late_and_the_clock_is_right():
    found = delays(a=0, b=0)
    taken = np.linspace(0, 170, 30)  # over three hours, sent at once
    found["b"] = Arrivals(captured=taken, delay=172 - taken)
    assert named(judge_clocks(found, RULES)) == {}


@pytest.mark.parametrize(
    ("counts", "sent", "faults"),
    [
        ([24] * 7, 12, {"b": "frame_rate"}),  # a camera on a timer: half of it is no chance
        ([24], 12, {}),  # known for one window only, it might be
        ([30, 95, 60, 80, 35, 55, 70], 23, {}),  # a line that stops and starts
        ([58, 63, 60, 61, 57, 62, 59], 23, {"b": "frame_rate"}),
    ],
)
def test_too_few_is_held_against_how_steady_the_camera_used_to_be(counts, sent, faults):
    usual_of_others = [60] * len(counts)
    expected = {"a": usual_of_others, "b": counts, "c": usual_of_others}
    assert named(judge_delivery(expected, {"a": 60, "b": sent, "c": 60}, RULES)) == faults
