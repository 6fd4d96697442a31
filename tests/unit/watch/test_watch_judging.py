"""Months of windows as check values: what is found, what is left alone, and what counts once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tasks.domain.finding import ALL, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.subjects import DIGEST
from tasks.domain.verdict import Action, CauseKind
from tasks.domain.window import Window
from tasks.drift.cause import causes_of
from tasks.watch.history import Reset, Visit, blamed, course
from tasks.watch.judging import judged
from tasks.watch.rules import Method, WatchRules
from tasks.watch.scores import Check

START = datetime(2026, 9, 1, tzinfo=UTC)
STEP = timedelta(hours=3)
RULES = WatchRules()
HEALTHY = 14 * 8


def visits(count, cameras=("a", "b", "c"), drift=None, begin=HEALTHY + 40, seed=1, ramp=0):
    """Windows of three hours; `drift` moves the brightness of some cameras from window `begin` on."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        start = START + number * STEP
        checks = []
        for camera in cameras:
            scores = dict(zip(("brightness", "noise", "sharpness"), rng.normal(0, 0.2, 3).tolist(), strict=True))
            if drift and camera in drift and number >= begin:
                scores["brightness"] += drift[camera] * (min(1.0, (number - begin + 1) / ramp) if ramp else 1.0)
            checks.append(Check(camera=camera, scenes=20, known=500, scores=scores))
        found.append(Visit(window=Window(start, start + STEP), checks=tuple(checks)))
    return found


def last(line, rules=RULES, resets=()):
    return judged(line[-1], line[:-1], resets, rules)


def breaches(line, rules=RULES, resets=()):
    return last(line, rules, resets)[0].breaches()


def first_alarm(line, begin, rules=RULES):
    return next((n for n in range(begin, len(line) + 1) if breaches(line[:n], rules)), None)


def test_a_month_of_health_is_left_alone():
    line = visits(HEALTHY + 240)
    assert all(not breaches(line[:n]) for n in range(HEALTHY + 1, len(line) + 1, 6))
    report, _ = last(line)
    lines = [f for f in report.findings if f.check == "cusum"]
    assert report.outcome is Outcome.OK and len(lines) == 9
    assert min(f.limit for f in lines) >= 15.0


def test_a_small_lasting_change_of_one_camera_is_found_with_its_onset():
    line = visits(HEALTHY + 80, drift={"b": -0.3})
    report, keep = last(line)
    (found,) = report.breaches()
    assert (found.check, found.subject, found.slice) == ("cusum", "brightness", "camera=b")
    assert found.effect == pytest.approx(-0.3, abs=0.1)
    assert found.note.startswith("fell lastingly, by 0.3") and "at once" in found.note
    onset = keep.onsets["cusum", "brightness", "camera=b"]
    assert abs(onset - line[HEALTHY + 40].window.start) <= 4 * STEP
    assert first_alarm(line, HEALTHY + 1) >= HEALTHY + 41


def test_a_change_that_grows_is_called_gradual():
    (found,) = breaches(visits(HEALTHY + 140, drift={"b": 0.8}, ramp=100))
    assert "gradually" in found.note


def test_a_change_below_the_margin_is_told_to_nobody():
    line = visits(HEALTHY + 200, drift={"b": 0.3})
    assert breaches(line)
    assert not breaches(line, RULES.model_copy(update={"margin": 0.6}))


def test_day_and_night_do_not_fire():
    rng = np.random.default_rng(3)
    line = [
        Visit(
            window=each.window,
            checks=tuple(
                Check(camera=c.camera, scenes=20, known=500, scores={"brightness": level + rng.normal(0, 0.2)})
                for c in each.checks
            ),
        )
        for each in visits(HEALTHY + 240)
        for level in [1.5 * np.sin(2 * np.pi * each.window.start.hour / 24)]
    ]
    assert all(not breaches(line[:n]) for n in range(HEALTHY + 1, len(line) + 1, 5))


def test_many_cameras_alike_are_one_finding_of_the_fleet():
    drift = dict.fromkeys("abcd", 0.3)
    report, keep = last(visits(HEALTHY + 100, cameras="abcdefghij", drift=drift))
    (found,) = report.breaches()
    assert (found.check, found.slice, found.subject) == ("fleet", ALL, "brightness")
    assert found.value == 0.4 and "a, b, c, d" in found.note
    assert list(keep.onsets) == [("fleet", "brightness", ALL)]


def test_two_of_many_cameras_are_no_fleet():
    found = breaches(visits(HEALTHY + 100, cameras="abcdefghij", drift={"a": 0.3, "b": 0.3}))
    assert {each.slice for each in found} == {"camera=a", "camera=b"}


def test_two_cameras_that_change_in_opposite_directions_are_no_fleet():
    found = breaches(visits(HEALTHY + 100, drift={"a": 0.3, "b": -0.3}))
    assert {each.slice for each in found} == {"camera=a", "camera=b"}


def test_too_few_healthy_days_are_said_with_what_is_missing():
    report, keep = last(visits(2 * 8))
    assert report.outcome is Outcome.INCONCLUSIVE
    (found,) = report.findings  # one for all three cameras
    assert found.slice == ALL and found.note == (
        "schedule alarm: 2 healthy days since the reference, 12 more are needed"
    )
    assert keep.checks


def test_before_there_are_healthy_days_enough_to_learn_from_a_camera_is_watched_by_bets():
    young, known = last(visits(8 * 8))[0], last(visits(HEALTHY + 8))[0]
    assert {each.check for each in young.findings} - {DIGEST} == {"e_detector"} and young.outcome is Outcome.OK
    assert {each.check for each in known.findings} - {DIGEST} == {"cusum"}
    (found,) = breaches(visits(70, drift={"b": 1.0}, begin=50))
    assert found.check == "e_detector" and found.slice == "camera=b" and found.unit == "powers of ten"


def test_a_limit_of_cusum_is_not_taken_for_one_of_bets():
    line = visits(8 * 8)
    wild = judged(line[-1], line[:-1], (), WatchRules(limit=0.001))[0]
    assert not wild.breaches() and {each.limit for each in wild.findings} != {0.001}


def test_too_few_scenes_are_said_with_what_is_missing():
    line = visits(HEALTHY + 8)
    poor = Visit(window=line[-1].window, checks=(Check(camera="a", scenes=4, known=500, scores={"noise": 0.1}),))
    (found,) = judged(poor, line[:-1], (), RULES)[0].findings
    assert found.outcome is Outcome.INCONCLUSIVE and "4 distinct scenes in the window, 6 more" in found.note
    strange = Visit(window=poor.window, checks=(Check(camera="x", scenes=40, known=5, scores={}),))
    (found,) = judged(strange, line[:-1], (), RULES)[0].findings
    assert "5 distinct scenes in the reference, 15 more" in found.note


def test_no_history_yet_does_not_take_the_health_of_a_window_away():
    seen = Report(stage=Stage.DRIFT, findings=last(visits(HEALTHY + 80))[0].findings)
    assert judge([seen, last(visits(20))[0]], (), None).outcome is Outcome.OK
    assert judge([seen, Report(stage=Stage.WATCH)], (), None).outcome is Outcome.OK
    sick = last(visits(HEALTHY + 80, drift={"b": -0.3}))[0]
    assert judge([seen, sick], (), None).outcome is Outcome.BREACH


def test_the_cause_names_camera_property_and_onset():
    report, keep = last(visits(HEALTHY + 80, drift={"b": -0.3}))
    (cause,) = causes_of((Report(stage=Stage.DRIFT, findings=report.findings),), keep.onsets)
    assert (cause.kind, cause.cameras, cause.properties) == (CauseKind.CAMERA, ("b",), ("brightness",))
    assert cause.since == keep.onsets["cusum", "brightness", "camera=b"]
    verdict = judge([report], (cause,), None)
    assert verdict.action is Action.FIX_CAMERA and "Camera b: brightness fell lastingly" in verdict.sentence


def test_a_fleet_incident_is_the_products_not_a_cameras():
    report, keep = last(visits(HEALTHY + 100, cameras="abcdefghij", drift=dict.fromkeys("abcde", 0.3)))
    (cause,) = causes_of((Report(stage=Stage.DRIFT, findings=report.findings),), keep.onsets)
    assert cause.kind is CauseKind.PRODUCT and cause.since is not None


def test_the_order_in_which_windows_were_judged_does_not_matter():
    line = visits(HEALTHY + 70, drift={"b": -0.3})
    shuffled = [line[place] for place in np.random.default_rng(4).permutation(len(line) - 1)]
    assert judged(line[-1], shuffled, (), RULES) == last(line)


def test_a_fault_teaches_nothing_and_its_day_is_not_counted():
    line = visits(HEALTHY + 8)
    sick = [
        Visit(window=each.window, checks=each.checks, blamed=frozenset({"b"}) if number < 16 else frozenset())
        for number, each in enumerate(line)
    ]
    assert course("a", sick, (), RULES).days == 14
    assert course("b", sick, (), RULES).days == 13
    everything = [Visit(window=v.window, checks=v.checks, blamed=None) for v in line]
    assert course("a", everything, (), RULES).days == 0


def test_who_is_blamed_is_read_from_the_verdict():
    camera = {"kind": "camera", "cameras": ["b"]}
    assert blamed(Outcome.OK, {"causes": [camera]}) == frozenset()
    assert blamed(Outcome.BREACH, {"causes": [camera]}) == frozenset({"b"})
    assert blamed(Outcome.BREACH, {"causes": [camera, {"kind": "data", "cameras": []}]}) is None
    assert blamed(Outcome.BREACH, {"causes": []}) is None


def test_a_reset_sets_the_sums_of_its_camera_back():
    line = visits(HEALTHY + 80, drift={"b": -0.3})
    moment = line[-2].window.start
    assert not breaches(line, resets=[Reset(moment=moment)])
    assert not breaches(line, resets=[Reset(moment=moment, cameras=frozenset({"b"}))])
    assert breaches(line, resets=[Reset(moment=moment, cameras=frozenset({"a"}))])
    assert breaches(line, resets=[Reset(moment=line[-1].window.end)])


def test_an_alarm_ends_soon_after_its_cause():
    line = visits(HEALTHY + 100, drift={"b": 2.0}, begin=HEALTHY + 10)
    healed = visits(HEALTHY + 120, seed=9)[HEALTHY + 100 :]
    assert breaches(line)
    assert not breaches([*line, *healed])


def test_the_e_detector_needs_no_healthy_days_and_leaves_health_alone():
    rules = WatchRules(method=Method.E_DETECTOR)
    line = visits(300)
    assert all(not breaches(line[:n], rules) for n in range(30, 301, 10))
    report, _ = last(line[:40], rules)
    assert report.outcome is Outcome.OK and report.findings[0].check == "e_detector"


def test_the_e_detector_finds_a_change_within_the_first_week():
    rules = WatchRules(method=Method.E_DETECTOR)
    (found,) = breaches(visits(70, drift={"b": 1.0}, begin=50), rules)
    assert found.slice == "camera=b" and found.unit == "powers of ten"


def wandering(count, strength, begin=10**6, drift=0.0, seed=5):
    """Windows of three hours of one camera whose whole days differ by so much."""
    rng = np.random.default_rng(seed)
    days = strength * rng.standard_normal(count // 8 + 1)
    found = []
    for number in range(count):
        score = days[number // 8] + rng.normal(0, 0.2) + (drift if number >= begin else 0.0)
        check = Check(camera="a", scenes=20, known=500, scores={"brightness": float(score)})
        found.append(Visit(window=Window(START + number * STEP, START + (number + 1) * STEP), checks=(check,)))
    return found


def test_days_that_differ_make_no_bet_win_once_the_reference_has_told_by_how_much():
    lines = [wandering(14 * 8, 0.6, seed=seed) for seed in range(6)]
    ends = range(16, 14 * 8, 8)
    parts = [line[:n] for line in lines for n in ends]
    told = [judged(part[-1], part[:-1], (), RULES, lambda _: {"brightness": 0.6})[0] for part in parts]
    assert not any(report.breaches() for report in told)
    assert any(breaches(part) for part in parts)


def test_bets_still_find_what_goes_beyond_the_days():
    line = wandering(12 * 8, 0.1, begin=9 * 8, drift=2.0)
    report, _ = judged(line[-1], line[:-1], (), RULES, lambda _: {"brightness": 0.1})
    assert [each.subject for each in report.breaches()] == ["brightness"]
