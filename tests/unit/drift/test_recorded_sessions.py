"""Scenes of one recorded session are dealt out together: they are alike for reasons that are no drift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import f_oneway, rankdata

from tasks.domain.finding import Outcome
from tasks.domain.tables import PREDICTIONS, PROFILES, PROPERTIES
from tasks.drift.compare import compare
from tasks.drift.rules import DriftRules
from tasks.drift.sample import joined, sample
from tasks.drift.sessions import _between, alike, blocks, recorded

START = datetime(2026, 11, 20, tzinfo=UTC)
RULES = DriftRules(explainer="")
OWN = "ingestion"


def plant(rng, sessions, frames, *, shift=0.0, named=True, part=0.8):
    """A `references` table of two cameras: sessions of so many frames that share a `part` of how they look."""
    profiles, answers = [], []
    for camera in ("a", "b"):
        for session in range(sessions):
            shared = rng.standard_normal(len(PROPERTIES))
            for _ in range(frames):
                number = len(profiles)
                values = 90 + 5 * (shift + part * shared + np.sqrt(1 - part**2) * rng.standard_normal(len(PROPERTIES)))
                moment = START + timedelta(seconds=20 * number)
                about = {"image_id": f"i{number}", "key": f"k{number}", "camera": camera, "captured_at": moment}
                row = {name: 0.0 for name in PROFILES.names if PROFILES.field(name).type == pa.float64()}
                row |= dict(zip(PROPERTIES, values.tolist(), strict=True)) | about
                digest = f"{int(rng.integers(0, 2**63)):016x}"
                profiles.append(row | {"sha256": f"{number:064x}", "dhash": digest, "embedding": []})
                own = f"{camera}@20261120T{session:06d}.000000Z" if named == OWN else f"s{session}"
                answers.append(
                    about | {"session": own if named else None, "kind": "detect", "width": 64, "height": 48,
                             "model_version": "3", "contract": 1, "site": None, "error": None,
                             "detections": [{"class_id": 0, "confidence": 0.9, "box": [0, 0, 9, 9]}] * rng.poisson(2)}
                )  # fmt: skip
    return joined(
        pa.Table.from_pylist(profiles, schema=PROFILES),
        pa.Table.from_pylist([{n: each.get(n) for n in PREDICTIONS.names} for each in answers], schema=PREDICTIONS),
    )


def found(before, after):
    return compare(*(sample(table, ("crack",), "3", RULES) for table in (before, after)), RULES)


def breaches(findings):
    return [each for each in findings if each.outcome is Outcome.BREACH and each.check != "explained"]


def test_frames_of_a_session_are_no_drift_where_sessions_are_recorded():
    rng = np.random.default_rng(1)
    alarms = {True: 0, False: 0}
    for _ in range(8):
        for named in alarms:
            alarms[named] += bool(breaches(found(plant(rng, 20, 8, named=named), plant(rng, 12, 6, named=named))))
    assert alarms[True] == 0
    assert alarms[False] >= 4, "without them the same windows look different"


@pytest.mark.parametrize("shift", [1.5, -1.5])
def test_a_change_of_light_is_still_found(shift):
    rng = np.random.default_rng(2)
    for _ in range(3):
        assert breaches(found(plant(rng, 20, 8), plant(rng, 12, 6, shift=shift)))


def test_too_few_sessions_are_inconclusive_with_the_missing_number():
    rng = np.random.default_rng(3)
    told = found(plant(rng, 20, 8), plant(rng, 4, 20))
    assert {each.outcome for each in told if each.subject == "sessions"} == {Outcome.INCONCLUSIVE}
    assert any("the window has 4 sessions, 6 more are needed" in each.note for each in told)
    assert not breaches(told)


def test_a_name_for_an_hour_in_which_scenes_do_not_depend_on_each_other_is_no_session():
    """Twelve scenes each, of which every one stands alone: eight such sessions are no reason to say nothing."""
    rng = np.random.default_rng(8)
    before, after = plant(rng, 9, 12, part=0.0), plant(rng, 4, 15, part=0.0)
    assert found(before, after) == found(*(table.drop_columns(["session"]) for table in (before, after)))
    assert breaches(found(before, plant(rng, 4, 15, part=0.0, shift=1.5)))


def test_scenes_are_taken_to_depend_on_each_other_where_they_do_and_by_chance_where_they_do_not():
    rng = np.random.default_rng(9)
    cameras, sessions = np.repeat(np.array(["a", "b"], object), 120), np.arange(240) // 6
    told = dict.fromkeys((0.0, 0.3, 0.6), 0)
    for _ in range(200):
        shared, own = rng.standard_normal((5, 40)), rng.standard_normal((5, 240))
        light = np.where(cameras == "b", 9.0, 0.0)
        for part in told:
            told[part] += alike(
                light + np.sqrt(part) * shared[:, sessions] + np.sqrt(1 - part) * own, cameras, sessions
            )
    assert told[0.0] <= 8, "1 % of 200, at most 8 with chance 0.999"
    assert told[0.3] >= 190 and told[0.6] == 200
    assert not alike([np.full(240, 3.0), np.full(240, np.nan)], cameras, sessions)


def test_the_analysis_of_variance_is_the_usual_one():
    rng = np.random.default_rng(10)
    values, sessions = rng.standard_normal(60) + np.repeat(rng.standard_normal(10), 6), np.arange(60) // 6
    groups = [rankdata(values)[sessions == each] for each in range(10)]
    assert _between(values, np.full(60, "a", object), sessions) == pytest.approx(f_oneway(*groups).pvalue, rel=1e-9)


@pytest.mark.parametrize("named", [False, OWN])
def test_a_window_without_recorded_sessions_is_judged_as_before(named):
    rng = np.random.default_rng(4)
    before, after = plant(rng, 40, 3, named=named), plant(rng, 30, 2, named=named)
    assert recorded(before) is None
    plain = [table.drop_columns(["session"]) for table in (before, after)]
    assert found(before, after) == found(*plain)


def test_scenes_that_are_each_a_session_of_their_own_stand_alone():
    rng = np.random.default_rng(5)
    before, after = plant(rng, 120, 1), plant(rng, 60, 1)
    assert found(before, after) == found(*(table.drop_columns(["session"]) for table in (before, after)))


def test_a_reference_of_an_older_version_is_taken_to_hold_scenes_that_stand_alone():
    rng = np.random.default_rng(6)
    older = plant(rng, 60, 3).drop_columns(["session"])
    assert not breaches(found(older, plant(rng, 12, 6)))
    assert breaches(found(older, plant(rng, 12, 6, shift=2.0)))
    known, seen = blocks(None, np.array([0, 0, 1, 1]), 3)
    assert known.tolist() == [0, 1, 2]
    assert seen.tolist() == [0, 0, 1, 1]
