"""Bad records are refused with the right reason, good ones are not, and nothing raises."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.domain.contract import Limits, PredictionRecord, Reason, Rejected, json_schemas, parse_prediction, parse_row
from tasks.domain.contract_json import MAX_LINE_BYTES
from tasks.domain.contract_tables import predictions_table
from tasks.domain.tables import PREDICTIONS

GOOD: dict[str, Any] = {
    "schema": 1,
    "image_id": "a1",
    "key": "parts/images/cam-1/2026/11/20/06/a1.jpg",
    "captured_at": "2026-11-20T07:00:00.250+01:00",
    "camera": "cam-1",
    "model_version": "3",
    "kind": "detect",
    "width": 640,
    "height": 480,
    "detections": [{"class_id": 0, "confidence": 0.9, "box": [10, 20, 30.5, 40]}],
    "latency_ms": {"preprocess": 1, "inference": 8.5, "postprocess": 0.4},
    "sampling_probability": 0.5,
}


def line(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


def detection(**changes: Any) -> str:
    return line(detections=[{"class_id": 0, "confidence": 0.9, "box": [10, 20, 30, 40], **changes}])


def without(name: str) -> str:
    return json.dumps({key: value for key, value in GOOD.items() if key != name})


TOP = [{"class_id": 0, "confidence": 0.9}, {"class_id": 1, "confidence": 0.9}]

BAD: list[tuple[str, bytes | str, Reason]] = [
    ("empty line", "", Reason.BAD_JSON),
    ("cut off", line()[:-20], Reason.BAD_JSON),
    ("a list", "[1]", Reason.BAD_JSON),
    ("two objects", line() + line(), Reason.BAD_JSON),
    ("UTF-16", line().encode("utf-16"), Reason.BAD_JSON),
    ("half a surrogate pair", line(camera="x").replace('"x"', '"\\ud800"'), Reason.BAD_JSON),
    ("a name twice", '{"schema": 1, "schema": 1}', Reason.BAD_JSON),
    ("deep nesting", "[" * 100_000, Reason.BAD_JSON),
    ("a long line", "x" * (MAX_LINE_BYTES + 1), Reason.TOO_LARGE),
    ("NaN", line(sampling_probability=float("nan")), Reason.NON_FINITE),
    ("Infinity", detection(confidence=float("inf")), Reason.NON_FINITE),
    ("1e400", line().replace("0.5}", "1e400}"), Reason.NON_FINITE),
    ("400 digits", line().replace("640", "1" * 400), Reason.NON_FINITE),
    ("-Infinity in a box", detection(box=[float("-inf"), 0, 1, 1]), Reason.NON_FINITE),
    ("newer schema", line(schema=2), Reason.SCHEMA_NEWER),
    ("no schema", without("schema"), Reason.BAD_RECORD),
    ("schema true", line(schema=True), Reason.BAD_RECORD),
    ("schema as text", line(schema="1"), Reason.BAD_RECORD),
    ("confidence above 1", detection(confidence=1.01), Reason.CONFIDENCE_RANGE),
    ("confidence below 0", detection(confidence=-0.1), Reason.CONFIDENCE_RANGE),
    ("confidence as text", detection(confidence="0.9"), Reason.CONFIDENCE_RANGE),
    ("confidence true", detection(confidence=True), Reason.CONFIDENCE_RANGE),
    ("zero-area box", detection(box=[10, 10, 10, 20]), Reason.BAD_BOX),
    ("inside-out box", detection(box=[30, 20, 10, 40]), Reason.BAD_BOX),
    ("box two per cent outside", detection(box=[600, 20, 654, 40]), Reason.BAD_BOX),
    ("negative box", detection(box=[-50, 20, 30, 40]), Reason.BAD_BOX),
    ("three numbers", detection(box=[1, 2, 3]), Reason.BAD_BOX),
    ("box of booleans", detection(box=[False, False, True, True]), Reason.BAD_BOX),
    ("no box", detection(box=None), Reason.BAD_BOX),
    ("odd polygon", detection(polygon=[1, 2, 3, 4, 5, 6, 7]), Reason.BAD_BOX),
    ("class -1", detection(class_id=-1), Reason.BAD_CLASS),
    ("class 1.5", detection(class_id=1.5), Reason.BAD_CLASS),
    ("class as text", detection(class_id="1"), Reason.BAD_CLASS),
    ("class true", detection(class_id=True), Reason.BAD_CLASS),
    ("class beyond int32", detection(class_id=2**40), Reason.BAD_CLASS),
    ("class the model has not", detection(class_id=3), Reason.BAD_CLASS),
    ("no time", without("captured_at"), Reason.BAD_TIME),
    ("naive time", line(captured_at="2026-11-20T07:00:00"), Reason.BAD_TIME),
    ("a number as time", line(captured_at=1_795_000_000), Reason.BAD_TIME),
    ("1970", line(captured_at="1970-01-01T00:00:00Z"), Reason.BAD_TIME),
    ("the future", line(captured_at="2026-11-20T08:00:00Z"), Reason.BAD_TIME),
    ("year 9999 with offset", line(captured_at="9999-12-31T23:59:59-10:00"), Reason.BAD_TIME),
    ("a URL as key", line(key="http://169.254.169.254/latest"), Reason.URI_NOT_ALLOWED),
    ("a file as key", line(key="file:///etc/passwd"), Reason.URI_NOT_ALLOWED),
    ("another bucket", line(key="s3://other/key"), Reason.URI_NOT_ALLOWED),
    ("image_uri", line(image_uri="file:///etc/passwd"), Reason.URI_NOT_ALLOWED),
    ("unknown kind", line(kind="caption"), Reason.BAD_RECORD),
    ("no image id", line(image_id=""), Reason.BAD_RECORD),
    ("control character in a name", line(camera="a\x00b"), Reason.BAD_NAME),
    ("escape sequence in an id", line(image_id="a\x1b[2J"), Reason.BAD_NAME),
    ("escape character of eight bits", line(site="a\x9b2J"), Reason.BAD_NAME),
    ("writing turned round", line(image_id="a\u202ejpg"), Reason.BAD_NAME),
    ("line separator in a session", line(session="a\u2028b"), Reason.BAD_NAME),
    ("an id of 600 characters", line(image_id="a" * 600), Reason.BAD_NAME),
    ("a camera with markup", line(camera="<script>"), Reason.BAD_NAME),
    ("a camera of blanks", line(camera="   "), Reason.BAD_NAME),
    ("a camera of 65 characters", line(camera="c" * 65), Reason.BAD_NAME),
    ("no camera", without("camera"), Reason.BAD_RECORD),
    ("camera null", line(camera=None), Reason.BAD_RECORD),
    ("empty camera", line(camera=""), Reason.BAD_RECORD),
    ("a number as camera", line(camera=1), Reason.BAD_RECORD),
    ("probability 0 of being kept", line(sampling_probability=0), Reason.BAD_RECORD),
    ("no size", line(width=0), Reason.BAD_RECORD),
    ("too many objects", line(detections=[GOOD["detections"][0]] * 10_001), Reason.BAD_RECORD),
    ("classify with nothing", line(kind="classify", detections=[]), Reason.BAD_RECORD),
    ("class name as id", line(kind="classify", detections=[], probabilities={"crack": 1.0}), Reason.BAD_CLASS),
    ("many zeros", line(kind="classify", detections=[], probabilities={"0" * 5000: 1.0}), Reason.BAD_CLASS),
    ("probabilities as text", line(kind="classify", detections=[], probabilities="0.9"), Reason.BAD_RECORD),
    ("probabilities as pairs", line(kind="classify", detections=[], probabilities=[["0", 1.0]]), Reason.BAD_RECORD),
    ("a sum of 2", line(kind="classify", detections=[], probabilities={"0": 1.0, "1": 1.0}), Reason.CONFIDENCE_RANGE),
    ("a sum of 0.1", line(kind="classify", detections=[], probabilities={"0": 0.1}), Reason.CONFIDENCE_RANGE),
    ("best classes above 1", line(kind="classify", detections=[], top=TOP), Reason.CONFIDENCE_RANGE),
    ("probability 1.2", line(kind="classify", detections=[], probabilities={"0": 1.2}), Reason.CONFIDENCE_RANGE),
]
LIMITS = Limits(latest=datetime(2026, 11, 20, 7, tzinfo=UTC), classes=2)


@pytest.mark.parametrize(("text", "reason"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_record_is_refused_with_its_reason(text: bytes | str, reason: Reason) -> None:
    answer = parse_prediction(text, LIMITS)
    assert isinstance(answer, Rejected)
    assert answer.reason is reason, answer
    assert answer.note


def good(text: str) -> PredictionRecord:
    answer = parse_prediction(text, LIMITS)
    assert isinstance(answer, PredictionRecord), answer
    return answer


OPTIONAL = [name for name, field in PredictionRecord.model_fields.items() if not field.is_required()]

CONTROLS = {
    "as documented": line(),
    "nothing seen": line(detections=[]),
    "image not kept": line(key=""),
    "unknown extra field": line(extra={"a": [1]}),
    "hostile key": line(key="../../<img src=x onerror=alert(1)>\n\u202e.jpg"),
    "version as a number": line(model_version=3),
    "failed request": line(detections=[], width=0, height=0, error="timeout" * 1000),
    "null for every field that may be left out": line(**dict.fromkeys(OPTIONAL)),
    "failed request with nulls": line(detections=None, key=None, width=0, height=0, error="timeout"),
    "a camera with an accent": line(camera="Straße 4.b+c_d-e"),
    "probabilities with nulls": line(kind="classify", detections=None, probabilities={"0": 1.0, "1": None}),
    "probabilities that were rounded": line(kind="classify", detections=[], probabilities={"0": 0.6, "1": 0.36}),
    "the best class only": line(kind="classify", detections=[], top=[{"class_id": 0, "confidence": 0.4}]),
    "upper-case hash": line(sha256="AB" * 32),
    "empty hash": line(sha256=""),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_good_records_are_not_refused(name: str) -> None:
    assert good(CONTROLS[name]).image_id == "a1"


def test_times_become_utc() -> None:
    assert good(line()).captured_at == datetime(2026, 11, 20, 6, 0, 0, 250_000, tzinfo=UTC)
    assert good(line()).captured_at.utcoffset() == timedelta(0)


def test_a_box_within_one_per_cent_outside_is_clipped_and_says_so() -> None:
    record = good(detection(box=[-3, 20, 645, 484]))
    assert record.detections[0].box == (0.0, 20.0, 640.0, 480.0)
    assert record.note == "clipped 1 boxes"
    assert good(line()).note == ""


@pytest.mark.parametrize(
    "form",
    [
        {"probabilities": {"0": 0.2, "1": 0.8}},
        {"top": [{"class_id": 0, "confidence": 0.2}, {"class_id": 1, "confidence": 0.8}]},
        {"detections": [{"class_id": 0, "confidence": 0.2}, {"class_id": 1, "confidence": 0.8}]},
    ],
)
def test_classify_is_sorted_most_probable_first_in_all_three_forms(form: dict[str, Any]) -> None:
    record = good(line(**{"kind": "classify", "detections": [], **form}))
    assert [(d.class_id, d.confidence, d.box) for d in record.detections] == [(1, 0.8, None), (0, 0.2, None)]


def test_rows_from_parquet_follow_the_same_rules() -> None:
    row = {**GOOD, "captured_at": datetime(2026, 11, 20, 6, tzinfo=UTC)}
    assert isinstance(parse_row(row, LIMITS), PredictionRecord)
    pairs = {**row, "kind": "classify", "detections": None, "probabilities": [("0", 0.9), ("1", 0.1)]}
    assert isinstance(parse_row(pairs, LIMITS), PredictionRecord)
    twice = parse_row({**pairs, "probabilities": [("0", 0.5), ("0", 0.5)]}, LIMITS)
    assert isinstance(twice, Rejected)
    naive = parse_row({**row, "captured_at": datetime(2026, 11, 20, 6)}, LIMITS)  # noqa: DTZ001 — the point
    assert isinstance(naive, Rejected)
    assert naive.reason is Reason.BAD_TIME
    nan = parse_row({**row, "sampling_probability": float("nan")}, LIMITS)
    assert isinstance(nan, Rejected)
    assert nan.reason is Reason.NON_FINITE


def test_oriented_boxes_get_the_upright_box_around_them() -> None:
    record = good(
        line(kind="obb", detections=[{"class_id": 0, "confidence": 1, "corners": [-5, 5, 20, 0, 30, 20, 0, 30]}])
    )
    assert record.detections[0].box == (0.0, 0.0, 30.0, 30.0)


def test_records_become_the_declared_table() -> None:
    table = predictions_table([good(line()), good(line(kind="classify", detections=[], probabilities={"1": 1.0}))])
    assert table.schema.equals(PREDICTIONS)
    first = table.to_pylist()[0]
    assert first["detections"][0]["box"] == [10.0, 20.0, 30.5, 40.0]
    assert first["inference_ms"] == 8.5
    assert predictions_table([]).num_rows == 0


def test_every_reason_has_a_sentence() -> None:
    assert all(len(reason.sentence) > 20 for reason in Reason)


def test_schemas_name_every_field_with_a_description() -> None:
    for schema in json_schemas().values():
        assert "schema" in schema["required"]
        assert all("description" in field for field in schema["properties"].values())


FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from([*GOOD, "box", "class_id"]), inner),
    max_leaves=10,
)


@FUZZ
@given(st.dictionaries(st.sampled_from(sorted([*PREDICTIONS.names, "top", "probabilities"])), values))
def test_any_values_give_a_record_or_a_reason(changes: dict[str, Any]) -> None:
    answer = parse_prediction(line(**changes))
    if isinstance(answer, PredictionRecord):
        assert isinstance(predictions_table([answer]), pa.Table)
    else:
        assert answer.reason in Reason
    parse_row({**GOOD, **changes})


@FUZZ
@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_bytes_give_a_reason(data: bytes | str) -> None:
    assert isinstance(parse_prediction(data), Rejected)


@pytest.mark.parametrize("blank", ["", " ", "\t\n ", None])
def test_a_blank_error_says_that_nothing_failed_in_lines_as_in_tables(blank: str | None) -> None:
    row = {**GOOD, "captured_at": datetime(2026, 11, 20, 6, tzinfo=UTC), "error": blank}
    from_table = parse_row(row, LIMITS)
    assert isinstance(from_table, PredictionRecord)
    assert from_table.error is None and good(line(error=blank)).error is None
    assert predictions_table([from_table])["error"].to_pylist() == [None]
    unmeasured = parse_prediction(line(error=blank, detections=[], width=0, height=0), LIMITS)
    assert isinstance(unmeasured, Rejected) and unmeasured.reason is Reason.BAD_RECORD


def test_what_an_error_says_stays() -> None:
    assert good(line(error=" out of memory\n")).error == "out of memory"
