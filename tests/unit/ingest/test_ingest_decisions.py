"""Every listed object ends in exactly one state; good ones are not lost, bad ones have their reason."""

import gzip
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.domain.contract import PredictionRecord, parse_prediction
from tasks.domain.contract_labels import LabelRecord, parse_label
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.errors import ConfigError
from tasks.domain.window import Window
from tasks.ingest.catalog import Seen, join, predictions_of
from tasks.ingest.members import Member, image_prefixes, member, prediction_prefixes, refusal, require_whole_hours
from tasks.ingest.parts import lines_of
from tasks.ingest.records import Found, Settled, settle
from tasks.ingest.rules import IngestRules
from tasks.ingest.sample import drawn
from tasks.ingest.sessions import derived_sessions
from tasks.ingest.supersede import newest

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T08:00:00Z")
MOMENT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def record(image_id: str, **changes: Any) -> PredictionRecord:
    line = {
        "schema": 1,
        "image_id": image_id,
        "key": f"k/{image_id}",
        "captured_at": MOMENT.isoformat(),
        "camera": "cam-1",
        "model_version": "3",
        "kind": "detect",
        "width": 64,
        "height": 48,
        "detections": [],
    }
    answer = parse_prediction(json.dumps({**line, **changes}))
    assert isinstance(answer, PredictionRecord), answer
    return answer


def found(answer: PredictionRecord | Rejected, number: int = 1) -> Found:
    return Found(source=f"part#{number}", size=10, etag="e", answer=answer)


def settled(*answers: PredictionRecord | Rejected) -> Settled:
    return settle([found(answer, number) for number, answer in enumerate(answers, 1)], WINDOW)


def listed(*image_ids: str) -> list[Member]:
    return [
        Member(key=f"k/{each}", size=9, etag="e", camera="cam-1", image_id=each, moment=MOMENT) for each in image_ids
    ]


def seen(*image_ids: str) -> dict[str, Seen | Rejected]:
    return {f"k/{each}": Seen(sha256=each * 3, width=64, height=48, etag="e") for each in image_ids}


def states(catalog_rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["key"]: row["reason"] or row["verdict"] for row in catalog_rows}


def test_prefixes_cover_every_hour_of_the_window() -> None:
    assert list(image_prefixes(["m/images/a/", "m/images/b/"], WINDOW)) == [
        "m/images/a/2026/11/20/06/",
        "m/images/a/2026/11/20/07/",
        "m/images/b/2026/11/20/06/",
        "m/images/b/2026/11/20/07/",
    ]
    assert list(prediction_prefixes("m", WINDOW))[1] == "m/predictions/date=2026-11-20/hour=07/"


@pytest.mark.parametrize(
    ("name", "image_id"),
    [("a.jpg", "a"), ("a.b.png", "a.b"), ("plain", "plain"), (".hidden", ".hidden"), ("x/y.jpg", "x/y")],
)
def test_an_image_id_is_the_name_without_its_extension(name: str, image_id: str) -> None:
    prefix = "m/images/cam 1/2026/11/20/06/"
    told = member(prefix + name, 1, "e", MOMENT, prefix)
    assert (told.image_id, told.camera, told.moment) == (image_id, "cam 1", MOMENT)


def test_an_image_that_landed_later_is_taken_in_the_hour_of_its_folder() -> None:
    prefix = "m/images/c/2026/11/20/06/"
    late = member(prefix + "a.jpg", 1, "e", MOMENT + timedelta(days=2), prefix)
    assert late.moment == datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_a_window_that_cuts_an_hour_is_refused() -> None:
    require_whole_hours(WINDOW)
    with pytest.raises(ConfigError, match="full UTC hour"):
        require_whole_hours(Window.parse("2026-11-20T06:30:00Z/2026-11-20T07:30:00Z"))
    with pytest.raises(ValidationError):
        IngestRules(window_minutes=90)


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [
        ("a/", 5, Reason.DIRECTORY_MARKER),
        ("a/", 0, Reason.DIRECTORY_MARKER),
        ("a", 0, Reason.EMPTY),
        ("a", 11, Reason.TOO_LARGE),
    ],
)
def test_some_objects_are_not_even_downloaded(key: str, size: int, reason: Reason) -> None:
    why = refusal(key, size, 10)
    assert why is not None
    assert why.reason is reason
    assert refusal("a", 10, 10) is None


def test_equal_records_count_once_and_say_so() -> None:
    result = settled(record("a"), record("a"))
    assert [(each.record.image_id, each.note) for each in result.standing] == [("a", "duplicate_record")]
    assert result.refused == []


def test_records_that_contradict_each_other_are_all_refused() -> None:
    result = settled(record("a"), record("a", width=65), record("b"))
    assert [each.record.image_id for each in result.standing] == ["b"]
    assert [each.why.reason for each in result.refused] == [Reason.CONFLICTING_RECORDS] * 2


def test_of_several_model_versions_the_highest_stands() -> None:
    result = settled(record("a", model_version="9"), record("a", model_version="10"))
    assert [(each.record.model_version, each.note) for each in result.standing] == [("10", "several_versions")]


def test_two_ids_for_one_object_are_refused() -> None:
    result = settled(record("a", key="k"), record("b", key="k"), record("c"))
    assert [each.record.image_id for each in result.standing] == ["c"]
    assert {each.why.reason for each in result.refused} == {Reason.CONFLICTING_RECORDS}


def test_a_record_in_the_wrong_folder_has_a_bad_time() -> None:
    result = settled(record("a", captured_at="2026-11-20T09:00:00Z"))
    assert [each.why.reason for each in result.refused] == [Reason.BAD_TIME]


def test_images_and_records_are_joined_and_each_row_has_one_state() -> None:
    """A picture with a record, one without, a broken one, a record without its picture, a bad row."""
    bad = Rejected(reason=Reason.BAD_JSON, note="cut off")
    answers = seen("a", "b") | {"k/c": Rejected(reason=Reason.TRUNCATED, note="half")}
    catalog = join(listed("a", "b", "c"), settled(record("a"), record("c"), record("gone"), bad), answers)
    assert states(catalog.rows) == {
        "k/a": "accepted",
        "k/b": "accepted",
        "k/c": "truncated",
        "part#3": "image_missing",
        "part#4": "bad_json",
    }
    assert [each.image_id for each in catalog.records] == ["a"]
    assert catalog.accepted + sum(catalog.quarantined().values()) == len(catalog.rows)
    assert catalog.rows[1]["note"] == "no_prediction"
    assert catalog.table().num_rows == 5


def test_a_record_without_a_kept_picture_is_a_prediction_but_no_object() -> None:
    catalog = join([], settled(record("a", key="")), {})
    assert catalog.rows == []
    assert [each.image_id for each in catalog.records] == ["a"]


def test_bytes_that_are_not_those_of_the_record_are_refused() -> None:
    catalog = join(listed("a"), settled(record("a", sha256="0" * 64)), seen("a"))
    assert states(catalog.rows) == {"k/a": "checksum"}
    assert catalog.records == []


def test_the_second_of_two_equal_pictures_names_the_first() -> None:
    answers = {
        "k/a": Seen(sha256="s", width=64, height=48, etag="e"),
        "k/b": Seen(sha256="s", width=64, height=48, etag="e"),
    }
    catalog = join(listed("a", "b"), settled(record("a"), record("b")), answers)
    assert [row["note"] for row in catalog.rows] == ["", "duplicate_of k/a"]


def test_a_record_about_a_picture_of_another_size_says_so() -> None:
    catalog = join(listed("a"), settled(record("a", width=640)), seen("a"))
    assert "size_differs 640x48" in catalog.rows[0]["note"]


def test_a_crowded_window_is_sampled_alike_every_time_and_remembers_the_chance() -> None:
    members = listed(*(f"{index:03d}" for index in range(100)))
    chosen, chance = drawn(members, 25)
    assert (len(chosen), chance) == (25, 0.25)
    assert drawn(members[::-1], 25) == (chosen, chance)
    assert drawn(members, 100) == (members, 1.0)
    keys = [each.image_id for each in chosen]
    left_out = frozenset(each.key for each in members) - {each.key for each in chosen}
    catalog = join(chosen, settled(*(record(each.image_id) for each in members)), seen(*keys), left_out)
    assert len(catalog.rows) == 25
    table = predictions_of(catalog, timedelta(seconds=1), chance)
    assert table["sampling_probability"].to_pylist() == [0.25] * 25


def test_frames_that_follow_closely_are_one_session_until_a_minute_is_over() -> None:
    gap = timedelta(seconds=1)
    shots = [("c", MOMENT), ("c", MOMENT + gap / 2), ("d", MOMENT), ("c", MOMENT + 3 * gap)]
    names = derived_sessions(shots, gap)
    assert names[0] == names[1]
    assert len(set(names)) == 3
    stream = [("c", MOMENT + index * gap / 2) for index in range(240)]
    assert len(set(derived_sessions(stream, gap))) == 2
    assert derived_sessions([], gap) == []


def label(annotator: str, at: str, image_id: str = "a") -> LabelRecord:
    row = {
        "schema": 1,
        "image_id": image_id,
        "kind": "detect",
        "objects": [],
        "labelled_at": at,
        "annotator": annotator,
    }
    answer = parse_label(json.dumps(row))
    assert isinstance(answer, LabelRecord)
    return answer


def test_a_later_label_supersedes_whatever_the_order_of_files() -> None:
    early, late = label("ada", "2026-11-20T07:00:00Z"), label("bob", "2026-11-20T09:00:00+01:00")
    other = label("eve", "2026-11-20T06:00:00Z", "b")
    for order in ([("1", early), ("2", late), ("3", other)], [("2", late), ("3", other), ("1", early)]):
        assert [each.annotator for each in newest(order)] == ["bob", "eve"]


def test_a_packed_part_is_unpacked_up_to_its_limit() -> None:
    assert lines_of("a.jsonl.gz", gzip.compress(b"1\n\n2\n") + gzip.compress(b"3"), 100) == [b"1", b"2", b"3"]
    bomb = gzip.compress(b"\n" * 50_000_000)
    tracemalloc.start()
    answer = lines_of("a.jsonl.gz", bomb, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(answer, Rejected)
    assert answer.reason is Reason.TOO_LARGE
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("key", "data", "reason"),
    [
        ("a.jsonl", gzip.compress(b"{}"), Reason.UNSUPPORTED_ENCODING),
        ("a.jsonl", b"PK\x03\x04", Reason.UNSUPPORTED_ENCODING),
        ("a.jsonl", "{}".encode("utf-16"), Reason.UNSUPPORTED_ENCODING),
        ("a.jsonl.gz", b"{}", Reason.CORRUPT_FILE),
        ("a.jsonl.gz", gzip.compress(b"{}" * 1000)[:-9], Reason.CORRUPT_FILE),
    ],
)
def test_a_part_that_is_not_what_its_name_says_is_refused(key: str, data: bytes, reason: Reason) -> None:
    answer = lines_of(key, data, 10_000)
    assert isinstance(answer, Rejected)
    assert answer.reason is reason


IDS = st.sampled_from("abcdef")
OUTCOMES = st.one_of(
    st.just(Rejected(reason=Reason.BAD_BOX)),
    st.builds(record, IDS, width=st.integers(63, 65), model_version=st.sampled_from(["1", "2"])),
    st.builds(record, IDS, key=st.just("")),
    st.builds(record, IDS, captured_at=st.just("2026-11-20T12:00:00Z")),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(IDS), st.sets(IDS), st.lists(OUTCOMES, max_size=8))
def test_listed_is_accepted_plus_quarantined_for_any_mixture(
    ids: set[str], broken: set[str], answers: list[PredictionRecord | Rejected]
) -> None:
    bad: dict[str, Seen | Rejected] = {f"k/{each}": Rejected(reason=Reason.CORRUPT) for each in broken}
    catalog = join(listed(*sorted(ids)), settled(*answers), seen(*ids) | bad)
    keys = [row["key"] for row in catalog.rows]
    assert len(keys) == len(set(keys))
    assert {f"k/{each}" for each in ids} <= set(keys)
    assert catalog.accepted + sum(catalog.quarantined().values()) == len(catalog.rows)
    assert predictions_of(catalog, timedelta(seconds=1), 1.0).num_rows == len(catalog.records)
