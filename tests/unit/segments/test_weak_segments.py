"""Weak segments: planted ones are found and named, and noise names none more often than promised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from tasks.domain.discovery import benjamini_hochberg
from tasks.domain.finding import Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.verdict import Action
from tasks.segments.candidates import candidates
from tasks.segments.facts import Facts
from tasks.segments.findings import segment_findings, unsure_findings
from tasks.segments.rules import SegmentRules
from tasks.segments.search import chance, search
from tests.unit.segments.planted_world import world

RULES = SegmentRules()


@pytest.mark.parametrize(
    "noise",
    [
        {"right": 0.95},
        {"right": 0.7, "frames": 1},
        {"right": 0.97, "frames": 1, "sessions": 120},
        {"right": 0.9, "frames": 8, "sessions": 60, "together": 0.9},
    ],
    ids=["seldom wrong", "often wrong", "three errors in all", "long sessions"],
)
def test_on_noise_a_segment_is_named_no_more_often_than_promised(noise):
    """Not even without a margin, where every chance difference counts."""
    careless = RULES.model_copy(update={"margin": 0.0})
    named = sum(bool(search(world(seed, **noise)[0], careless).weak) for seed in range(60))
    assert named <= 0.05 * 60


@pytest.mark.parametrize(
    ("where", "weak", "words"),
    [
        ("camera 1", 0.3, "camera c1"),
        ("dark", 0.3, "brightness up to"),
        ("night", 0.4, "taken 03:00 to 06:00 UTC"),
        ("answer 2", 0.3, "answered kind 2"),
        ("camera 1, dark", 0.6, "brightness up to"),
    ],
)
def test_a_planted_weakness_is_found_and_named_first(where, weak, words):
    found = [search(world(seed, sessions=400, weak=weak, where=where)[0], RULES).weak for seed in range(10)]
    assert sum(bool(each) and words in each[0].segment.words for each in found) >= 9


def test_a_range_on_one_camera_is_named_with_its_camera_and_its_parts_are_not_named_again():
    known, planted = world(4, sessions=400, weak=0.6)
    (found,) = search(known, RULES).weak
    assert "camera c1" in found.segment.words and "brightness" in found.segment.words
    assert found.segment.camera == "c1"
    assert (found.segment.inside & planted).sum() >= 0.9 * planted.sum()
    assert found.inside < 0.5 < found.elsewhere


def test_two_planted_weaknesses_are_both_named():
    known, _ = world(5, sessions=400, weak=0.4, where="night")
    also = known.names["answer"] == "kind 2"
    worse = replace(known, scores=np.where(also & (np.random.default_rng(1).random(len(known)) < 0.4), 0, known.scores))
    words = " | ".join(each.segment.words for each in search(worse, RULES).weak)
    assert "03:00 to 06:00" in words and "kind 2" in words


def test_a_difference_below_the_margin_is_named_to_nobody():
    known, _ = world(6, sessions=2000, weak=0.08, where="camera 1")
    assert search(known, RULES.model_copy(update={"margin": 0.02})).weak
    assert not search(known, RULES).weak


def test_no_segment_is_smaller_than_the_rule_says():
    known, _ = world(7)
    found = candidates(known, 40, 20)
    assert found
    assert all(each.inside.sum() >= 40 for each in found)
    assert all(len(np.unique(known.sessions[each.inside])) >= 20 for each in found)


def test_frames_that_only_repeat_each_other_add_no_evidence():
    known, _ = world(8, sessions=300, frames=1, weak=0.3, where="camera 1")
    repeated = Facts(
        image_ids=tuple(map(str, range(3000))), scores=known.scores.repeat(10), sessions=known.sessions.repeat(10),
        numbers={}, names={"camera": known.names["camera"].repeat(10)},
    )  # fmt: skip
    chances = [chance(each, each.names["camera"] == "c1", np.ones(len(each), bool), 10) for each in (known, repeated)]
    assert repeated.alike == pytest.approx(1.0)
    assert np.log10(chances[1]) == pytest.approx(np.log10(chances[0]), rel=0.02)


def test_single_images_are_counted_as_fishers_exact_test_counts_them():
    known, _ = world(8, sessions=4000, frames=1, weak=0.3, where="camera 1", together=0.0)
    inside = np.zeros(len(known), bool)
    inside[np.flatnonzero(known.names["camera"] == "c1")[:60]] = True
    right, count = [known.scores[side].sum() for side in (inside, ~inside)], [60, len(known) - 60]
    table = [[right[0], count[0] - right[0]], [right[1], count[1] - right[1]]]
    oracle = fisher_exact(table, alternative="less").pvalue
    assert np.log10(chance(known, inside, np.ones(len(known), bool), 10)) == pytest.approx(np.log10(oracle), rel=0.1)


def test_the_procedure_is_that_of_scipy():
    chances = np.random.default_rng(1).random(50) ** 3
    assert benjamini_hochberg(chances) == pytest.approx(false_discovery_control(chances, method="bh"))


def test_nothing_to_search_is_inconclusive_and_nothing_found_is_ok():
    nothing = Facts(image_ids=(), scores=np.zeros(0), sessions=np.zeros(0, np.intp), numbers={}, names={})
    (silent,) = segment_findings(search(nothing, RULES), "F1", 0, RULES)
    (fine,) = segment_findings(search(world(9)[0], RULES), "F1", 400, RULES)
    assert (silent.outcome, fine.outcome) == (Outcome.INCONCLUSIVE, Outcome.OK)


def test_a_property_that_never_varies_or_is_missing_makes_no_segment():
    known, _ = world(10)
    numbers = {"brightness": np.full(len(known), 7.0), "noise": np.full(len(known), np.nan)}
    words = " ".join(each.words for each in candidates(replace(known, numbers=numbers), 25, 10))
    assert "brightness" not in words and "noise" not in words and "camera" in words


def test_a_weak_segment_is_told_and_changes_no_verdict():
    found = segment_findings(search(world(4, sessions=400, weak=0.6)[0], RULES), "F1 per image", 800, RULES)
    assert found[0].outcome is Outcome.BREACH and found[0].camera == "c1"
    fine = Report(stage=Stage.EVALUATE, findings=(replace(found[0], check="performance", outcome=Outcome.OK), *found))
    sound = Report(stage=Stage.QUALITY, findings=(replace(found[0], check="x", outcome=Outcome.OK),))
    verdict = judge((sound,), (), fine)
    assert (verdict.outcome, verdict.action) == (Outcome.OK, Action.NONE)
    assert found[0] in verdict.findings()


def test_without_labels_a_segment_is_an_indicator_and_says_so():
    found = unsure_findings(search(world(4, sessions=400, weak=0.6)[0], RULES), 800, RULES)
    assert [each.outcome for each in found] == [Outcome.INCONCLUSIVE]
    assert "without labels nobody knows" in found[0].note
