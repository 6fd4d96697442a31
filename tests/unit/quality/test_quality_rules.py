"""Rules about data: kept, broken, and those that have nothing to look at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.expectations import ask
from tasks.domain.errors import ConfigError
from tasks.domain.expectation import Expectation, Severity
from tasks.domain.finding import Outcome
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.window import Window
from tasks.quality.boxes import twins
from tasks.quality.certainty import beyond
from tasks.quality.findings import of_answers
from tasks.quality.frames import frames
from tasks.quality.rules import QualityRules
from tasks.quality.suite import suite

DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
RULES = QualityRules()


def prediction(number, **changes):
    row = {"image_id": f"i{number}", "key": f"k{number}", "captured_at": DAY.end - timedelta(hours=1), "camera": "a"}
    row |= {"model_version": "1", "kind": "detect", "width": 100, "height": 80, "inference_ms": 12.0}
    return row | {"detections": [{"class_id": 0, "confidence": 0.9, "box": [1.0, 1.0, 20.0, 20.0]}]} | changes


def listed(number, **changes):
    row = {"key": f"k{number}", "image_id": f"i{number}", "size": 9, "etag": "e", "verdict": "accepted"}
    return row | {"reason": "", "note": ""} | changes


def check(predictions, catalog=None, rules=RULES, classes=2):
    catalog = [listed(n) for n in range(len(predictions))] if catalog is None else catalog
    shown = frames(
        pa.Table.from_pylist(catalog, schema=CATALOG), pa.Table.from_pylist(predictions, schema=PREDICTIONS), DAY
    )
    return of_answers(ask(shown, suite(shown, classes, rules)).answers, rules.examples)


def broken(findings):
    return {(f.check, f.subject) for f in findings if f.outcome is Outcome.BREACH}


def test_sound_data_keeps_every_rule():
    found = check([prediction(n) for n in range(20)])
    assert {f.outcome for f in found} == {Outcome.OK}
    assert found[0].check == "volume"
    assert {"schema", "nulls", "duplicates", "enum", "range", "latency", "freshness", "box_inside_image"} <= {
        f.check for f in found
    }


def test_an_empty_window_keeps_no_rule():
    found = check([], [])
    assert {f.outcome for f in found} == {Outcome.INCONCLUSIVE}


STRICT = [
    ({"kind": "guess"}, ("enum", "images.kind")),
    ({"width": 0, "detections": []}, ("range", "images.width")),
    ({"captured_at": DAY.end + timedelta(hours=1)}, ("captured_in_window", "images.silence_hours")),
    ({"sampling_probability": 0.0}, ("range", "images.sampling_probability")),
    ({"image_id": "i0"}, ("duplicates", "images.image_id")),
    (
        {"detections": [{"class_id": 0, "confidence": 1.5, "box": [1.0, 1.0, 9.0, 9.0]}]},
        ("range", "detections.confidence"),
    ),
    (
        {"detections": [{"class_id": 9, "confidence": 0.5, "box": [1.0, 1.0, 9.0, 9.0]}]},
        ("class_known", "detections.class_id"),
    ),
]
"""What no single row may be."""

RATES = [
    ({"inference_ms": 60_000.0}, ("latency", "images.inference_ms")),
    ({"error": "cuda"}, ("failed_share", "images.failed")),
    (
        {"detections": [{"class_id": 0, "confidence": 0.5, "box": [1.0, 1.0, 109.0, 9.0]}]},
        ("box_inside_image", "detections.overhang"),
    ),
    (
        {"detections": [{"class_id": 0, "confidence": 0.5, "box": [9.0, 1.0, 9.0, 9.0]}]},
        ("box_has_area", "detections.box_width"),
    ),
    (
        {"detections": [{"class_id": 0, "confidence": c, "box": [1.0, 1.0, 90.0, 70.0 + c]} for c in (0.5, 0.6)]},
        ("box_once", "detections.twin"),
    ),
]
"""What happens now and then."""


@pytest.mark.parametrize(("change", "rule"), STRICT)
def test_a_row_that_breaks_a_rule_is_a_breach_of_that_rule_alone(change, rule):
    rows = [prediction(n) for n in range(9)] + [prediction(9, **change)]
    assert broken(check(rows)) == {rule}


@pytest.mark.parametrize(("change", "rule"), RATES)
def test_what_happens_now_and_then_is_a_breach_once_it_is_no_chance(change, rule):
    rows = [prediction(n) for n in range(15)]
    few = check([*rows, prediction(15, **change)])
    assert [(f.check, f.subject) for f in few if f.outcome is Outcome.INCONCLUSIVE] == [rule]
    assert not broken(few)
    assert broken(check(rows[:10] + [prediction(n, **change) for n in range(10, 20)])) == {rule}


@pytest.mark.parametrize("rows", [2, 15, 20, 400, 20_000])
def test_a_share_beyond_its_limit_is_called_chance_only_while_it_may_be(rows):
    """Two of fifteen say nothing, ten of a hundred nearly; a large window is judged as by the plain share."""
    bad = max(rows // 10, 1)
    (found,) = [f for f in check([prediction(n, error="x" if n < bad else None) for n in range(rows)])
                if f.check == "failed_share"]  # fmt: skip
    assert found.outcome is (Outcome.BREACH if rows >= 400 else Outcome.INCONCLUSIVE)
    assert f"({bad} of {rows}), allowed 0 to 0.05" in found.note
    assert ("rows at this share would tell" in found.note) is (rows < 400)


@pytest.mark.parametrize("rows", [15, 60, 300, 2_000])
def test_a_rate_that_its_limit_allows_breaks_its_rule_in_one_window_of_a_hundred(rows):
    counts = np.random.default_rng(7).binomial(rows, 0.05, 4_000)
    assert np.mean([beyond(count / rows, 0.05, rows) for count in counts]) < 0.014
    assert np.mean(counts / rows > 0.05) > 0.17


def test_too_many_quarantined_objects_are_a_breach_with_their_share():
    bad = [listed(n, verdict="quarantined", reason="corrupt") for n in range(16, 24)]
    found = {f.check: f for f in check([prediction(n) for n in range(16)], [listed(n) for n in range(16)] + bad)}
    share = found["quarantined_share"]
    assert (share.outcome, share.value, share.limit, share.unit) == (
        Outcome.BREACH,
        pytest.approx(1 / 3),
        0.05,
        "share",
    )


def test_images_that_nobody_answered_are_a_breach():
    catalog = [listed(n) for n in range(20)]
    assert ("unanswered_share", "objects.unanswered") in broken(check([prediction(0)], catalog))


def test_a_record_about_a_picture_of_another_size_is_a_breach_with_its_share():
    note = "exif_rotated size_differs 100x80 in the record, 200x160 shown"
    catalog = [listed(n, note=note if n < 4 else "") for n in range(10)]
    assert broken(check([prediction(n) for n in range(10)], catalog)) == {
        ("size_differs_share", "objects.size_differs")
    }


def test_records_of_another_camera_than_their_folder_are_a_breach_with_their_share():
    note = "exif_rotated camera_differs hall 2 in the record, cam-1 in the key"
    catalog = [listed(n, note=note if n < 6 else "") for n in range(10)]
    assert broken(check([prediction(n) for n in range(10)], catalog)) == {
        ("camera_differs_share", "objects.camera_differs")
    }


def test_the_same_bytes_from_two_cameras_are_a_breach_and_a_frozen_camera_is_not():
    def catalog(camera, **changes):
        return [listed(n, sha256="ab" * 32, camera="a", **changes) for n in range(5)] + [
            listed(n, sha256="ab" * 32, camera=camera, **changes) for n in range(5, 10)
        ]

    rows = [prediction(n) for n in range(10)]
    assert broken(check(rows, catalog("b"))) == {("crossed_share", "objects.crossed")}
    assert broken(check(rows, catalog("a"))) == set()
    assert broken(check(rows, catalog("b", note="low_information"))) == set()


def test_examples_name_their_rows():
    found = {f.check: f for f in check([prediction(0), prediction(1, inference_ms=60_000.0)])}
    assert found["latency"].note.startswith("1 of 2 rows break it")
    assert found["latency"].note.endswith(": i1: 60000.0")


def test_results_are_json_and_stay_small_whatever_the_names():
    table = pa.table({"image_id": ["<b>" * 9_000] * 5_000, "x": [9.0] * 5_000})
    asked = ask({"t": table}, [rule("ExpectColumnValuesToBeBetween", "x", max_value=1)] * 3)
    text = json.dumps(asked.results)
    assert json.loads(text)["t"]["statistics"]["unsuccessful_expectations"] == 3
    assert len(text) < 100_000


def test_a_crowd_of_boxes_side_by_side_has_no_twins():
    corners = np.array([[x, 0.0, x + 10.0, 10.0] for x in range(0, 3_000, 2)])
    assert twins(np.zeros(1_500, dtype=np.int64), np.zeros(1_500), corners).sum() == 0


def test_too_small_a_volume_is_a_breach():
    found = check([prediction(0)], rules=QualityRules(min_images=5))
    assert (found[0].check, found[0].outcome, found[0].value, found[0].limit) == ("volume", Outcome.BREACH, 1, 5)


def test_a_stale_window_is_not_called_healthy_but_not_broken_either():
    found = check([prediction(0)], rules=QualityRules(max_silence_hours=0.5))
    assert {f.check: f.outcome for f in found}["freshness"] is Outcome.INCONCLUSIVE
    assert not broken(found)


def test_examples_are_bounded():
    rows = [prediction(n, kind="x" * 500) for n in range(50)]
    note = next(f.note for f in check(rows) if f.check == "enum")
    assert note.startswith("50 of 50 rows break it: i0: xxx")
    assert len(note) < 300


def rule(name, column, table="t", severity=Severity.CRITICAL, **parameters):
    return Expectation(name="r", rule=name, table=table, column=column, severity=severity, parameters=parameters)


@pytest.mark.parametrize("values", [[np.nan] * 5, [None] * 5])
def test_a_column_without_a_value_never_passes(values):
    table = pa.table({"x": pa.array(values, pa.float64())})
    between = rule("ExpectColumnValuesToBeBetween", "x", min_value=0, max_value=1)
    unique = rule("ExpectColumnValuesToBeUnique", "x")
    assert [f.outcome for f in of_answers(ask({"t": table}, [between, unique]).answers, 3)] == [
        Outcome.INCONCLUSIVE
    ] * 2


def test_a_missing_column_or_table_is_an_answer_not_an_exception():
    table = pa.table({"x": [1.0]})
    asked = [rule("ExpectColumnValuesToNotBeNull", "y"), rule("ExpectColumnToExist", "x", table="u")]
    first, second = of_answers(ask({"t": table}, asked).answers, 3)
    assert (first.outcome, first.note) == (Outcome.BREACH, "there is no column 'y'")
    assert second.outcome is Outcome.INCONCLUSIVE


def test_a_broken_warning_is_inconclusive():
    table = pa.table({"x": [5.0]})
    warning = rule("ExpectColumnValuesToBeBetween", "x", severity=Severity.WARNING, max_value=1)
    assert of_answers(ask({"t": table}, [warning]).answers, 3)[0].outcome is Outcome.INCONCLUSIVE


def test_a_rule_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="ExpectMiracles"):
        ask({"t": pa.table({"x": [1.0]})}, [rule("ExpectMiracles", "x")])


def test_answers_come_in_the_order_of_the_questions():
    table = pa.table({"x": [1.0, 2.0], "y": [1.0, 1.0]})
    asked = [
        rule("ExpectColumnValuesToBeUnique", "y"),
        rule("ExpectColumnToExist", "x"),
        rule("ExpectColumnValuesToBeUnique", "x"),
    ]
    assert [answer.expectation for answer in ask({"t": table}, asked).answers] == asked
    assert [answer.success for answer in ask({"t": table}, asked).answers] == [False, True, True]
