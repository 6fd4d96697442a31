"""A property that tells the label by itself is found when it does so no longer, and noise is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.domain.finding import Outcome
from tasks.domain.scoring.truth import Truth
from tasks.segments.facts import Facts
from tasks.segments.findings import shortcut_findings
from tasks.segments.rules import SegmentRules
from tasks.segments.shortcut import Power, main_label, power, powers, units

RULES = SegmentRules()


def labelled(seed, sessions=200, frames=2, brightness=0.0, camera=0.0):
    """Labels of three kinds; `brightness` moves with the label by so many sd, `camera` is the share it decides."""
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(sessions), frames)
    kinds = rng.integers(0, 3, sessions)
    own = np.where(rng.random(sessions) < camera, kinds, rng.integers(0, 3, sessions))
    light = rng.normal(size=sessions) + brightness * kinds
    size = sessions * frames
    return Facts(
        image_ids=tuple(map(str, range(size))), scores=np.ones(size), sessions=session.astype(np.intp),
        numbers={
            "brightness": light[session] + 0.2 * rng.normal(size=size),
            "noise": rng.normal(size=sessions)[session],
            "contrast": np.full(size, 3.0),
        },
        names={
            "camera": np.array([f"c{n}" for n in own])[session],
            "hour": np.array([f"h{n}" for n in rng.integers(0, 4, sessions)])[session],
            "answer": np.array(["bolt", "nut", "washer"])[kinds[session]],
        },
    )  # fmt: skip


def told(**how):
    return powers(units(labelled(**how)))


@pytest.fixture(scope="module")
def nothing():
    return told(seed=1)


@pytest.fixture(scope="module")
def lamp():
    return told(seed=2, brightness=2.0)


@pytest.fixture(scope="module")
def place():
    return told(seed=3, camera=0.9)


def test_what_tells_the_label_has_power_and_what_does_not_has_none(nothing, lamp, place):
    assert lamp["brightness"].value > 0.5 and lamp["brightness"].p_value == 0.01
    assert place["camera"].value > 0.7
    assert all(each.value < 0.15 for each in nothing.values())
    assert "contrast" not in nothing


def test_power_is_between_guessing_and_knowing():
    labels = np.repeat([0, 1], 50)
    assert power(labels[:, None].astype(float), labels).value == 1.0
    assert power(np.ones((100, 1)), labels).value < 0.1


@pytest.mark.parametrize(
    ("before", "now", "subject", "words"),
    [
        ("lamp", "nothing", "brightness", "told the label in training"),
        ("nothing", "lamp", "brightness", "tells the label now"),
        ("place", "nothing", "camera", "does no longer"),
    ],
)
def test_a_shortcut_that_parted_from_the_label_is_named(before, now, subject, words, request):
    sides = [request.getfixturevalue(name) for name in (before, now)]
    (found,) = shortcut_findings(*sides, 400, RULES)
    assert (found.outcome, found.subject) == (Outcome.BREACH, subject)
    assert words in found.note


def test_what_tells_the_label_then_and_now_is_said_but_no_finding(lamp):
    (found,) = shortcut_findings(lamp, told(seed=4, brightness=2.0), 400, RULES)
    assert found.outcome is Outcome.OK and "told by the brightness" in found.note


def test_on_noise_a_shortcut_is_named_no_more_often_than_promised():
    found = [
        shortcut_findings(
            told(seed=seed, sessions=90, frames=1), told(seed=seed + 100, sessions=70, frames=1), 70, RULES
        )
        for seed in range(6)
    ]
    assert sum(each[0].outcome is Outcome.BREACH for each in found) <= 1


def test_a_large_change_that_chance_explains_is_none():
    wild = {"noise": Power(value=0.5, error=0.3, p_value=0.01)}
    calm = {"noise": Power(value=0.1, error=0.1, p_value=0.5)}
    assert shortcut_findings(wild, calm, 80, RULES)[0].outcome is Outcome.OK


@pytest.mark.parametrize("sides", [(None, {}), ({}, None)])
def test_too_little_to_ask_is_inconclusive(sides):
    assert shortcut_findings(*sides, 9, RULES)[0].outcome is Outcome.INCONCLUSIVE


def test_few_sessions_or_a_single_label_cannot_be_asked():
    assert units(labelled(seed=1, sessions=40, frames=50)) is None
    alike = labelled(seed=1)
    assert units(replace(alike, names={**alike.names, "answer": np.full(len(alike), "nut")})) is None


def test_frames_of_a_session_are_one_witness():
    assert len(units(labelled(seed=1, sessions=100, frames=5))) == 100


def test_the_label_of_an_image_is_what_it_holds_most_of():
    box = np.zeros((3, 4), np.float32)
    three = Truth(image_id="a", session="s", classes=np.array([1, 1, 0]), boxes=box)
    none = Truth(image_id="b", session="s", classes=np.zeros(0, np.int64), boxes=box[:0])
    assert [main_label(each, ("nut", "bolt")) for each in (three, none)] == ["bolt", "nothing"]
