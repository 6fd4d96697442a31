"""Check values of a window: ranks against an independent oracle, distinct scenes, the time of day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from scipy.stats import norm, rankdata

from tasks.domain.tables import PROPERTIES
from tasks.watch.kept import ARTIFACT, Kept, kept
from tasks.watch.rules import WatchRules
from tasks.watch.scores import Check, checks, days_differ, normal_scores

RULES = WatchRules()
MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)


def rows(values, camera="a", start=MIDNIGHT, hashes=None):
    """A table of scenes, one an minute; every property has the same value."""
    rng = np.random.default_rng(abs(hash((camera, start))) % 2**32)
    hashes = hashes or [f"{int(rng.integers(0, 2**63)):016x}" for _ in values]
    moments = [start + timedelta(minutes=place) for place in range(len(values))]
    return pa.table(
        {
            "camera": [camera] * len(values),
            "captured_at": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "image_id": [f"{camera}-{start:%d%H}-{place}" for place in range(len(values))],
            "dhash": hashes,
            **{name: pa.array(values, pa.float64()) for name in PROPERTIES},
        }
    )


def test_normal_scores_are_mid_ranks_of_scipy():
    rng = np.random.default_rng(2)
    reference = rng.integers(0, 30, 200).astype(float)  # many ties
    values = rng.integers(-3, 33, 50).astype(float)
    oracle = [(rankdata(np.append(reference, value))[-1] - 1) / len(reference) for value in values]
    expected = norm.ppf(np.clip(oracle, 0.5 / 200, 1 - 0.5 / 200))
    np.testing.assert_allclose(normal_scores(reference, values), expected)


def test_night_is_compared_with_night():
    noon = MIDNIGHT + timedelta(hours=12)
    reference = pa.concat_tables([rows(range(100, 150)), rows(range(200, 250), start=noon)])
    (night,) = checks(rows(range(105, 145)), reference, RULES)
    (day,) = checks(rows(range(205, 245), start=noon), reference, RULES)
    assert night.scores["brightness"] == pytest.approx(day.scores["brightness"])
    assert abs(night.scores["brightness"]) < 0.1


def test_a_time_of_day_that_the_reference_hardly_knows_is_compared_with_the_whole_day():
    noon = MIDNIGHT + timedelta(hours=12)
    reference = pa.concat_tables([rows(range(100, 150)), rows([500.0] * 3, start=noon)])
    (found,) = checks(rows([125.0] * 12, start=noon), reference, RULES)
    assert abs(found.scores["noise"]) < 0.2


def test_a_scene_that_is_shown_many_times_counts_once():
    reference = rows(range(100, 160))
    hashes = [f"{place * 0x0123456789ABCD:016x}" for place in range(1, 12)]
    values = [*range(120, 130), 500.0]
    once = checks(rows(values, hashes=hashes), reference, RULES)
    often = checks(rows(values + [500.0] * 20, hashes=hashes + hashes[-1:] * 20), reference, RULES)
    assert often == once
    assert once[0].scenes == 11


def test_a_camera_that_the_reference_does_not_know_has_no_scores_and_an_unreadable_property_none():
    reference = rows(range(100, 160))
    (stranger,) = checks(rows(range(10), camera="b"), reference, RULES)
    assert (stranger.scenes, stranger.known, stranger.scores) == (10, 0, {})
    half = rows(range(100, 112)).set_column(4, "brightness", pa.array([None] * 12, pa.float64()))
    (found,) = checks(half, reference, RULES)
    assert "brightness" not in found.scores and "noise" in found.scores


def test_what_is_kept_reads_back():
    check = Check(camera='a "b"', scenes=12, known=900, scores={"noise": 0.1234})
    keep = Kept(checks=(check,), onsets={("cusum", "noise", "camera=a"): MIDNIGHT})
    assert kept({ARTIFACT: keep.text()}) == keep
    assert kept({}) == Kept()


def test_hours_that_do_not_divide_a_day_are_refused():
    with pytest.raises(ValidationError, match="divide a day"):
        WatchRules(context_hours=5)


def test_what_the_days_of_a_reference_differ_by_is_read_beside_day_and_night():
    rng = np.random.default_rng(6)
    parts = []
    for day in range(14):
        start = MIDNIGHT + timedelta(days=day)
        values, offset = rng.standard_normal((2, 30)), 2.0 * rng.standard_normal()
        parts += [rows(values[0] + offset, start=start)]
        parts += [rows(values[1] + offset + 50, start=start + timedelta(hours=12))]
    wild = days_differ("a", pa.concat_tables(parts), RULES)
    assert wild["brightness"] == pytest.approx(2 / 5**0.5, rel=0.35)  # in spreads of all scenes
    calm = [rows(rng.standard_normal(30), start=MIDNIGHT + timedelta(days=day)) for day in range(14)]
    assert days_differ("a", pa.concat_tables(calm), RULES)["brightness"] < 0.15
    assert set(days_differ("a", pa.concat_tables(parts[:8]), RULES).values()) == {0.0}
