"""Every listed object ends in exactly one state; good ones are not lost, bad ones have their reason."""

import gzip
import json
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.domain.contract import PredictionRecord, parse_prediction
from tasks.domain.contract_labels import LabelRecord, parse_label
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.contract_tables import predictions_table
from tasks.domain.errors import ConfigError
from tasks.domain.window import Window
from tasks.ingest.catalog import arrow, kept, object_row, refused_row
from tasks.ingest.members import Member, image_prefixes, member, prediction_prefixes, refusal, require_whole_hours
from tasks.ingest.parts import lines_of
from tasks.ingest.records import Found
from tasks.ingest.rules import IngestRules
from tasks.ingest.sessions import sessions
from tasks.ingest.sheet import blank
from tasks.ingest.sheet_rows import Look, Seen
from tasks.ingest.supersede import newest
from tests.fakes.bad_parts import MOMENT, line

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T08:00:00Z")


def record(image_id: str, **changes: Any) -> PredictionRecord:
    answer = parse_prediction(line(image_id, **{"key": f"k/{image_id}", "detections": [], **changes}))
    assert isinstance(answer, PredictionRecord), answer
    return answer


def listed(*image_ids: str) -> list[Member]:
    return [
        Member(key=f"k/{each}", size=9, etag="e", camera="cam-1", image_id=each, moment=MOMENT, landed=MOMENT)
        for each in image_ids
    ]


def seen(*image_ids: str) -> dict[str, Look]:
    return {f"k/{each}": Seen(sha256=each * 3, width=64, height=48, etag="e") for each in image_ids}


class Joined:
    """Listed objects and rows of parts put together as a pull does it."""

    def __init__(
        self,
        folder: Path,
        members: list[Member],
        answers: Sequence[PredictionRecord | Rejected],
        looks: dict[str, Look],
    ) -> None:
        self.rows: list[dict[str, Any]] = []
        self.records: list[PredictionRecord] = []
        with TemporaryDirectory(dir=folder) as scratch, blank(Path(scratch)) as sheet:
            sheet.add_objects(members)
            found = (Found(source=f"part#{n}", size=10, etag="e", answer=each) for n, each in enumerate(answers, 1))
            sheet.add_records(found, WINDOW)
            sheet.settle(timedelta(seconds=1))
            self.left_out = sheet.draw(1000)
            for drawn in sheet.objects():
                assert drawn.member is not None
                row, record = object_row(drawn.member, drawn, looks[drawn.member.key], sheet.first_with)
                self.rows.append(row)
                self.records += [kept(drawn, record)] if record else []
            self.records += [kept(drawn, drawn.record) for drawn in sheet.lone_records() if drawn.record]
            self.rows += [refused_row(each) for each in sheet.refused()]

    @property
    def states(self) -> dict[str, str]:
        return {row["key"]: row["reason"] or row["verdict"] for row in self.rows}

    @property
    def ids(self) -> list[str]:
        return [each.image_id for each in self.records]


@pytest.fixture
def joined(tmp_path: Path) -> Callable[..., Joined]:
    def join(
        members: list[Member], *answers: PredictionRecord | Rejected, looks: dict[str, Look] | None = None
    ) -> Joined:
        return Joined(tmp_path, members, answers, looks or seen(*(each.image_id for each in members)))

    return join


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


Join = Callable[..., Joined]


def test_equal_records_count_once_and_say_so(joined: Join) -> None:
    result = joined(listed("a"), record("a"), record("a"))
    assert result.states == {"k/a": "accepted"}
    assert result.rows[0]["note"] == "duplicate_record"


def test_records_that_contradict_each_other_are_all_refused(joined: Join) -> None:
    result = joined(listed("a", "b"), record("a"), record("a", width=65), record("b"))
    assert result.ids == ["b"]
    assert result.states == {
        "k/a": "accepted", "k/b": "accepted", "part#1": "conflicting_records", "part#2": "conflicting_records",
    }  # fmt: skip
    assert result.rows[0]["note"] == "contradicted"


def test_an_answer_after_a_failure_is_the_prediction_of_its_image(joined: Join) -> None:
    result = joined(listed("a"), record("a", error="out of memory", width=0, height=0), record("a"))
    assert result.states == {"k/a": "accepted"}
    assert [each.error for each in result.records] == [None]
    assert result.rows[0]["note"] == "retried"


def test_a_record_of_another_camera_than_its_folder_says_so_and_counts(joined: Join) -> None:
    result = joined(listed("a", "b"), record("a", camera="cam-2"), record("b"))
    assert [(row["camera"], row["note"]) for row in result.rows] == [
        ("cam-2", "camera_differs cam-2 in the record, cam-1 in the key"),
        ("cam-1", ""),
    ]


def test_of_several_model_versions_the_highest_stands(joined: Join) -> None:
    result = joined(listed("a"), record("a", model_version="9"), record("a", model_version="10"))
    assert [each.model_version for each in result.records] == ["10"]
    assert result.rows[0]["note"] == "several_versions"


def test_two_ids_for_one_object_are_refused(joined: Join) -> None:
    result = joined(listed("c", "d"), record("a", key="k/d"), record("b", key="k/d"), record("c"))
    assert result.ids == ["c"]
    assert result.states == {
        "k/c": "accepted", "k/d": "accepted", "part#1": "conflicting_records", "part#2": "conflicting_records",
    }  # fmt: skip
    assert [row["note"] for row in result.rows[:2]] == ["", "contradicted"]


def test_a_record_in_the_wrong_folder_has_a_bad_time(joined: Join) -> None:
    assert joined([], record("a", captured_at="2026-11-20T09:00:00Z")).states == {"part#1": "bad_time"}


def test_images_and_records_are_joined_and_each_row_has_one_state(joined: Join) -> None:
    """A picture with a record, one without, a broken one, a record without its picture, a bad row."""
    bad = Rejected(reason=Reason.BAD_JSON, note="cut off")
    looks = seen("a", "b") | {"k/c": Rejected(reason=Reason.TRUNCATED, note="half")}
    result = joined(listed("a", "b", "c"), record("a"), record("c"), record("gone"), bad, looks=looks)
    assert result.states == {
        "k/a": "accepted",
        "k/b": "accepted",
        "k/c": "truncated",
        "part#3": "image_missing",
        "part#4": "bad_json",
    }
    assert result.ids == ["a"]
    assert result.rows[1]["note"] == "no_prediction"
    assert arrow(result.rows).num_rows == 5


def test_a_record_without_a_kept_picture_is_a_prediction_but_no_object(joined: Join) -> None:
    result = joined([], record("a", key=""))
    assert result.rows == []
    assert result.ids == ["a"]


def test_bytes_that_are_not_those_of_the_record_are_refused(joined: Join) -> None:
    result = joined(listed("a"), record("a", sha256="0" * 64))
    assert result.states == {"k/a": "checksum"}
    assert result.records == []


def test_the_second_of_two_equal_pictures_names_the_first(joined: Join) -> None:
    looks: dict[str, Look] = {f"k/{each}": Seen(sha256="s", width=64, height=48, etag="e") for each in "ab"}
    result = joined(listed("a", "b"), record("a"), record("b"), looks=looks)
    assert [row["note"] for row in result.rows] == ["", "duplicate_of k/a"]


def test_a_record_about_a_picture_of_another_size_says_so(joined: Join) -> None:
    assert "size_differs 640x48" in joined(listed("a"), record("a", width=640)).rows[0]["note"]


def test_a_record_comes_back_from_the_sheet_as_it_was(joined: Join) -> None:
    """Everything that a record can hold, of every kind."""
    box = {"class_id": 2, "confidence": 0.25, "box": [0.5, 2, 30.5, 40]}
    given = [
        record("a", detections=[box], latency_ms={"inference": 3.5}, site="s", session="x", runtime="onnx"),
        record("b", kind="classify", detections=[], probabilities={"1": 0.75, "0": 0.25}, sampling_probability=0.5),
        record("c", error="out of memory", width=0, height=0),
        record("d", kind="segment", detections=[{**box, "polygon": [1, 1, 9, 1, 9, 9]}]),
    ]
    back = joined(listed("a", "b", "c", "d"), *given).records
    hashes = {each: each * 3 for each in "abcd"}
    assert back == [
        each.model_copy(
            update={"sha256": hashes[each.image_id], "session": each.session or "cam-1@20261120T063000.000000Z"}
        )
        for each in given
    ]


def test_frames_that_follow_closely_are_one_session_until_a_minute_is_over() -> None:
    gap = timedelta(seconds=1)
    shots = [(0, "c", MOMENT), (1, "c", MOMENT + gap / 2), (2, "c", MOMENT + 3 * gap), (3, "d", MOMENT)]
    names = dict(sessions(shots, gap))
    assert names[0] == names[1] == "c@20261120T063000.000000Z"
    assert len(set(names.values())) == 3
    stream = [(index, "c", MOMENT + index * gap / 2) for index in range(240)]
    assert len(set(dict(sessions(stream, gap)).values())) == 2
    assert list(sessions([], gap)) == []


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(IDS), st.sets(IDS), st.lists(OUTCOMES, max_size=8))
def test_every_object_is_in_one_state_for_any_mixture(
    tmp_path_factory: pytest.TempPathFactory,
    ids: set[str],
    broken: set[str],
    answers: list[PredictionRecord | Rejected],
) -> None:
    bad: dict[str, Look] = {f"k/{each}": Rejected(reason=Reason.CORRUPT) for each in broken}
    result = Joined(tmp_path_factory.getbasetemp(), listed(*sorted(ids)), answers, seen(*ids) | bad)
    keys = [row["key"] for row in result.rows]
    assert len(keys) == len(set(keys))
    assert {f"k/{each}" for each in ids} <= set(keys)
    assert {row["verdict"] for row in result.rows} <= {"accepted", "quarantined"}
    assert result.left_out == 0
    assert arrow(result.rows).num_rows == len(keys)
    assert predictions_table(result.records).num_rows == len(result.records)
