"""What is said of an estimate: the number with its flag and its running error, or what to label instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tasks.domain.finding import Finding, Outcome
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.truth import Truth
from tasks.domain.window import Window
from tasks.estimate.backtest import Check, Running, running
from tasks.estimate.belief import believe, calibration_error, curve, hits_of
from tasks.estimate.flag import Flag, Verdict
from tasks.estimate.guess import Guess, finding, flag_of, silent
from tasks.estimate.ladder import LADDER, damaged
from tasks.estimate.rules import EstimateRules

RULES = EstimateRules()
START = datetime(2026, 11, 20, tzinfo=UTC)
GOOD = Running(n=5, error=0.01, bias=0.002, own=0.008)


def guess(flag: Flag, *reasons: str, value: float = 0.91) -> Guess:
    return Guess(value=value, verdict=Verdict(flag=flag, reasons=reasons), n=200)


def check(hour: int, estimate: float, measured: float, flag: Flag = Flag.VALID, doubt: float = 0.01) -> Check:
    window = Window(START + timedelta(hours=hour), START + timedelta(hours=hour + 1))
    return Check(window=window, flag=flag.value, estimate=estimate, measured=measured, doubt=doubt, n=50)


def test_a_valid_estimate_has_a_number_a_promise_and_its_running_error() -> None:
    said = finding("welds", guess(Flag.VALID), GOOD, RULES)
    assert (said.outcome, said.value, said.n) == (Outcome.OK, 0.91, 200)
    assert said.note.startswith("valid: about 0.910 without labels, usually within 2 points")
    assert "the last 5 estimates were off by 1.0 points" in said.note
    assert flag_of(said) is Flag.VALID


@pytest.mark.parametrize("value", [0.05, 0.5, 0.99])
def test_an_unverifiable_window_gets_no_number_anywhere_in_its_words(value: float) -> None:
    said = finding("welds", guess(Flag.UNVERIFIABLE, "the objects are elsewhere", value=value), GOOD, RULES)
    assert said.outcome is Outcome.INCONCLUSIVE and said.value is None
    assert f"{value:.3f}" not in said.note and flag_of(said) is None
    assert said.note.startswith("cannot be known without 62 more labels (`evergreen audit-sample welds --n 62`)")
    assert said.note.endswith("the objects are elsewhere")


def test_no_estimate_is_ever_a_breach_however_bad() -> None:
    for flag in Flag:
        assert finding("welds", guess(flag, value=0.0), None, RULES).outcome is not Outcome.BREACH


def test_an_estimator_that_broke_its_promise_says_so_and_gives_no_number() -> None:
    bad = Running(n=6, error=0.09, bias=0.09, own=0.085)
    said = finding("welds", guess(Flag.VALID), bad, RULES)
    assert said.value is None and said.outcome is Outcome.INCONCLUSIVE
    assert "off by 9.0 points on average (bias +9.0), which breaks the promise of a valid estimate" in said.note
    assert finding("welds", guess(Flag.EXTRAPOLATING), GOOD, RULES).value == 0.91


@pytest.mark.parametrize(
    ("left_out", "says"), [(0.18, "off by 18 points"), (float("nan"), "could not be learnt from its labels")]
)
def test_a_version_whose_losses_were_not_learnt_gets_a_number_only_where_nothing_changed(
    left_out: float, says: str
) -> None:
    blind = replace(guess(Flag.EXTRAPOLATING), left_out=left_out)
    said = finding("welds", blind, GOOD, RULES)
    assert said.value is None and says in said.note and "audit-sample" in said.note
    assert finding("welds", replace(blind, left_out=0.1), GOOD, RULES).value == 0.91
    assert finding("welds", replace(blind, left_out=0.1, metric="accuracy"), GOOD, RULES).value is None
    assert finding("welds", replace(guess(Flag.VALID), left_out=left_out), GOOD, RULES).value == 0.91


def test_more_labels_are_asked_for_where_a_narrower_interval_is_wanted() -> None:
    narrow = EstimateRules(half_width=0.02)
    assert "without 385 more labels" in finding("welds", guess(Flag.UNVERIFIABLE), None, narrow).note


def test_the_running_error_is_of_the_newest_checks_with_the_same_flag() -> None:
    checks = [check(3, 0.9, 0.8), check(2, 0.9, 0.9), check(1, 0.9, 0.5), check(0, 0.9, 0.1, Flag.EXTRAPOLATING)]
    found = running(checks, Flag.VALID, 2)
    assert found is not None
    assert (found.n, found.error, found.bias) == (2, pytest.approx(0.05), pytest.approx(0.05))
    assert running([], Flag.VALID, 2) is None


def test_errors_that_the_labels_own_doubt_explains_break_no_promise() -> None:
    noisy = [check(hour, 0.9, 0.9 + 0.04 * (-1) ** hour, doubt=0.04) for hour in range(6)]
    sharp = [check(hour, 0.9, 0.9 + 0.04 * (-1) ** hour, doubt=0.005) for hour in range(6)]
    quiet, broken = (running(each, Flag.VALID, 6) for each in (noisy, sharp))
    assert quiet is not None and not quiet.broke(0.02)
    assert broken is not None and broken.broke(0.02)


def test_two_bad_windows_may_be_chance() -> None:
    found = running([check(1, 0.9, 0.5), check(0, 0.9, 0.5)], Flag.VALID, 8)
    assert found is not None and not found.broke(0.02)


def test_what_gives_no_number_has_no_flag() -> None:
    assert flag_of(silent("valid: but without a value")) is None
    assert flag_of(Finding(check="estimate", subject="map50", outcome=Outcome.OK, value=1.0, note="something")) is None


def labelled(n: int, seed: int = 0) -> tuple[list[Truth], list[Prediction]]:
    """Boxes whose confidence is twice as sure as it is right."""
    rng, truth, answers = np.random.default_rng(seed), [], []
    for number in range(n):
        boxes = np.array([[40 * k, 0, 40 * k + 30, 30] for k in range(8)], np.float32)
        confidence = np.sort(rng.random(8))[::-1].astype(np.float32)
        right = rng.random(8) < confidence / 2
        truth.append(
            Truth(image_id=str(number), session="", classes=np.zeros(int(right.sum()), np.int64), boxes=boxes[right])
        )
        answers.append(Prediction(boxes=boxes, classes=np.zeros(8, np.int64), confidences=confidence))
    return truth, answers


def test_a_confidence_becomes_the_chance_that_labels_show() -> None:
    belief = believe(*labelled(300), 1)
    assert belief is not None and belief.error == pytest.approx(0.25, abs=0.04)
    truth, answers = labelled(300, seed=1)
    chance = np.concatenate([belief.of(answer) for answer in answers])
    hit = np.concatenate([hits_of(*pair) for pair in zip(truth, answers, strict=True)])
    assert calibration_error(chance, hit) < 0.04


def test_too_few_boxes_teach_nothing() -> None:
    assert believe(*labelled(24), 1) is None
    assert believe(*labelled(30), 1) is not None


def test_a_class_with_few_boxes_shares_the_curve_of_all() -> None:
    truth, answers = labelled(100)
    belief = believe(truth, answers, 2)
    assert belief is not None and all(name.startswith("0/") for name in belief.by_part)
    rare = Prediction(boxes=answers[0].boxes, classes=np.ones(8, np.int64), confidences=answers[0].confidences)
    assert belief.of(rare) == pytest.approx(belief.all(answers[0].confidences))


def test_a_curve_only_rises_and_no_chance_is_certain() -> None:
    rng = np.random.default_rng(0)
    found = curve(rng.random(500), rng.random(500) < 0.5)
    chance = found(np.linspace(-1, 2, 50))
    assert (np.diff(chance) >= 0).all() and chance.min() > 0 and chance.max() < 1


@pytest.mark.parametrize("step", LADDER, ids=lambda step: f"{step.name} {step.strength:g}")
def test_a_step_of_damage_changes_the_picture_and_is_the_same_twice(step: object) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    worse = damaged(picture, step, 7)  # type: ignore[arg-type]
    assert worse.shape == picture.shape and worse.dtype == np.uint8
    assert np.abs(worse.astype(int) - picture).mean() > 1
    assert (damaged(picture, step, 7) == worse).all()  # type: ignore[arg-type]
