"""Days that differ are health, and what goes beyond them is still found: by light, by product, and in any one place."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.domain.confirmation import NEXT
from tasks.domain.days import LEAST_DAYS, When, differ
from tasks.domain.finding import Outcome
from tasks.drift.answers import Answers
from tasks.drift.compare import compare
from tasks.drift.days import without_days
from tasks.drift.judging import WITHIN_DAYS
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample

RULES = DriftRules()
HOURLY = 1 / 720
ONE = np.zeros(50, np.intp)


def scenes(rng, days, per_day, *, light=1.0, wander=0.01, mix=0.3, mixed=0.0, dirt=0.0, view=0.0):
    """One camera above an evenly lit belt: scenes of a day share its light (a factor) and its product."""
    gain = light * (1 + wander * rng.standard_normal(len(days)))
    of_day = np.repeat(np.arange(len(days)), per_day)
    share = np.clip(mix + mixed * rng.standard_normal(len(days)), 0, 1)
    count = len(of_day)
    bright = 120 * gain[of_day] + 0.5 * rng.standard_normal(count)
    picture = 100 * gain[of_day, None] + rng.normal(0, 2, (count, 512))
    picture[:, 40] *= 1 - dirt
    kind = (rng.random(count) < share[of_day]).astype(float)
    vectors = rng.standard_normal((count, 8)) + gain[of_day, None] * np.arange(8) + view
    return Sample(
        cameras=np.array(["a"] * count, dtype=object),
        photometric=Answers(scalars={"brightness": bright, "sharpness": 5 + 0.1 * rng.standard_normal(count)}),
        answers=Answers(scalars={"objects": rng.poisson(3, count).astype(float)}, rates={"class[nut]": kind}),
        embedding=vectors,
        images={"a": count},
        places=np.clip(picture, 0, 255).astype(np.uint8),
        hours=(24 * np.asarray(days)[of_day] + rng.integers(8, 16, count)).astype(np.intp),
    )


def timeless(sample):
    """The same scenes of which nobody knows the day."""
    fields = {name: getattr(sample, name) for name in Sample.__dataclass_fields__}
    return Sample(**{**fields, "hours": None})


def found(reference, window, month=1 / 30):
    """The subjects in breach."""
    return {each.subject for each in compare(reference, window, RULES, month) if each.outcome is Outcome.BREACH}


@pytest.mark.parametrize(("per_day", "month"), [(60, HOURLY), (300, 1 / 30)])
def test_light_that_wanders_by_a_hundredth_a_day_is_no_drift_on_an_evenly_lit_belt(per_day, month):
    rng = np.random.default_rng(1)
    reference = scenes(rng, range(14), 70)
    windows = [scenes(rng, [14 + day], per_day) for day in range(10)]
    assert not any(found(reference, window, month) for window in windows)
    assert sum(bool(found(timeless(reference), timeless(each), month)) for each in windows) >= 4


def test_a_change_that_days_explain_says_so():
    rng = np.random.default_rng(2)
    told = compare(scenes(rng, range(14), 70), scenes(rng, [14], 200, light=1.015, wander=0), RULES, 1 / 30)
    bright = next(each for each in told if each.subject == "brightness")
    assert bright.outcome is Outcome.OK
    assert bright.note.endswith(WITHIN_DAYS) and bright.note.startswith("rose 2 %")
    assert bright.effect > 0.25 and bright.value <= bright.effect


@pytest.mark.parametrize("light", [0.7, 0.85, 1.2])
def test_light_that_goes_beyond_its_days_is_found_in_an_hour(light):
    rng = np.random.default_rng(3)
    assert "brightness" in found(scenes(rng, range(14), 70), scenes(rng, [20], 30, light=light), HOURLY)


def test_days_that_differ_in_light_hide_no_dirt_and_no_new_product():
    rng = np.random.default_rng(4)
    reference = scenes(rng, range(14), 70)
    assert "places" in found(reference, scenes(rng, [15], 60, dirt=0.4))
    assert "class[nut]" in found(reference, scenes(rng, [15], 60, mix=0.8))
    assert "embedding" in found(reference, scenes(rng, [15], 60, view=1.5))


def test_a_mix_of_products_that_changes_by_the_day_is_no_drift_and_a_new_one_is():
    rng = np.random.default_rng(5)
    reference = scenes(rng, range(14), 70, mixed=0.08)
    alarms = [found(reference, scenes(rng, [14 + day], 300, mixed=0.08)) for day in range(10)]
    assert not any(alarms)
    assert "class[nut]" in found(reference, scenes(rng, [40], 300, mix=0.95))


def test_days_that_are_alike_take_nothing_away():
    rng = np.random.default_rng(6)
    at = When(days=np.repeat(np.arange(14), 70), contexts=np.zeros(980, np.intp), window=ONE)
    hidden = sum(bool(differ(rng.standard_normal(980), at).between.any()) for _ in range(60))
    assert hidden <= 14  # one in ten by the rule


def test_what_days_differ_by_is_told_apart_from_what_their_scenes_do():
    rng = np.random.default_rng(7)
    days = np.repeat(np.arange(30), rng.integers(20, 60, 30))
    at = When(days=days, contexts=rng.integers(0, 3, len(days)), window=ONE)
    known = differ(rng.normal(0, 0.5, 30)[days] + rng.standard_normal(len(days)) + 9.0 * at.contexts, at)
    assert known.count == 30
    assert known.between == pytest.approx([0.5], rel=0.35)


def test_a_few_days_say_nothing_about_days():
    rng = np.random.default_rng(8)
    days = np.repeat(np.arange(LEAST_DAYS - 1), 50)
    at = When(days=days, contexts=np.zeros(len(days), np.intp), window=ONE)
    assert not differ(days + rng.standard_normal(len(days)), at).between.any()


def test_a_window_is_never_moved_beyond_the_reference_and_days_are_moved_onto_each_other():
    rng = np.random.default_rng(9)
    days = np.repeat(np.arange(10), 40)
    reference = rng.standard_normal((400, 3)) + rng.standard_normal((10, 3))[days]
    current = rng.standard_normal((50, 3)) + np.array([0.1, 30.0, -30.0])
    at = When(days=days, contexts=np.zeros(400, np.intp), window=ONE)
    before, after = without_days(reference, current, at, differ(reference, at), 1e-3)
    left = after.mean(axis=0) - before.mean(axis=0)
    assert left == pytest.approx([0, 25, -25], abs=4) and left[0] == pytest.approx(0)
    means = np.stack([before[days == day].mean(axis=0) for day in range(10)])
    assert (means.std(axis=0) < 0.1).all()
    assert before.std(axis=0) == pytest.approx([1, 1, 1], rel=0.1)


def test_rare_answers_stay_shares_when_their_days_differ():
    """What is left of a rate of two in a hundred is no negative count, which no exact test would take."""
    rng = np.random.default_rng(10)
    reference = scenes(rng, range(9), 40, mix=0.02, mixed=0.03)
    for share in (0.0, 0.1, 0.5):
        assert "class[nut]" in {each.subject for each in compare(reference, scenes(rng, [9], 200, mix=share), RULES)}


def outcome(reference, window, month):
    """What is said of the class, and in which words."""
    told = compare(reference, window, RULES, month)
    found = next(each for each in told if each.subject == "class[nut]" and each.slice == "all")
    return found.outcome, found.note


def test_where_nobody_can_tell_whether_days_differ_one_day_does_not_prove_a_change_of_their_size():
    rng = np.random.default_rng(11)
    reference = scenes(rng, range(14), 12, mixed=0.05)  # too few scenes to be sure of the days
    window = scenes(rng, [14], 150, mix=0.52)
    assert outcome(timeless(reference), timeless(window), 1 / 30)[0] is Outcome.BREACH
    said, words = outcome(reference, window, 1 / 30)
    assert (said, words.endswith(NEXT)) == (Outcome.INCONCLUSIVE, True)
    assert outcome(reference, window, 1.0)[0] is Outcome.BREACH  # asked by name: no other window will be
    assert outcome(reference, scenes(rng, [14], 150, mix=0.95), 1 / 30)[0] is Outcome.BREACH  # no day does that
