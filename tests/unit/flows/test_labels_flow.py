"""Labels come late, twice, wrong and half: every one of them is counted, and none becomes what nobody said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from flows import evaluate as evaluating
from tasks import connections
from tasks.domain.errors import UnsafeModel
from tasks.domain.finding import Outcome
from tasks.domain.snapshot import TableRef, table_of
from tasks.evaluate import task as evaluate_stage
from tests.fakes.labelled_line import LabelledLine, found, labelled_line, thing
from tests.unit.ledger.ledger_cases import MODEL

__all__ = ["labelled_line"]

MEASURE = evaluating.measure
THEN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=40)
LATER = THEN + timedelta(minutes=5)
ELSEWHERE = [40.0, 2.0, 60.0, 20.0]


@pytest.fixture
def line(labelled_line: LabelledLine) -> LabelledLine:
    labelled_line.judge(0, {f"i{n}": [found(n % 2)] for n in range(6)})
    return labelled_line


def account(line: LabelledLine, labels: TableRef) -> dict[str, Any]:
    key = line.bucket.key_of(labels.uri).removesuffix(".parquet") + "-account.json"
    return dict(json.loads(line.bucket.get(key)))


def used(line: LabelledLine) -> str:
    line.evaluate()
    told = line.finding("label_use", "labels")
    assert told is not None
    return told.note


@pytest.mark.parametrize("kind", ["classify", "segment", "obb", "pose"])
def test_a_label_of_another_kind_is_refused_with_a_reason_and_supersedes_nothing(line: LabelledLine, kind: str) -> None:
    """The champion is a detector: the class of a whole image says nothing about boxes."""
    line.label("i0", [thing(0)], THEN)
    line.label("i0", [{"class_id": 1} if kind == "classify" else thing(1)], LATER, kind=kind)
    line.label("i1", [{"class_id": 1} if kind == "classify" else thing(1)], LATER, kind=kind)
    rows = line.rows()
    assert set(rows) == {"i0"} and rows["i0"]["objects"][0]["class_id"] == 0
    told = account(line, line.labels())
    assert (told["rows"], told["places"], told["refused"]) == (3, {"counts": 1}, {"bad_label": 2})
    refused = line.bucket.key_of(line.labels().uri).removesuffix(".parquet") + "-refused.json"
    notes = line.tables.read(table_of(line.bucket.get(refused).decode()))["note"].to_pylist()
    assert all(f"a label for {kind}, the model answers with detect" in note for note in notes)
    assert "2 refused as bad_label" in used(line)


def test_of_labels_of_one_moment_in_one_file_the_last_row_counts(line: LabelledLine) -> None:
    label = {"schema": 1, "image_id": "i0", "kind": "detect", "labelled_at": THEN.isoformat()}
    rows = [label | {"objects": [thing(row % 2)], "annotator": f"a{row}"} for row in range(1, 13)]
    line.bucket.landed = LATER
    line.bucket.put(f"{MODEL}/labels/many.jsonl", "\n".join(map(json.dumps, rows)).encode())
    assert line.rows()["i0"]["annotator"] == "a12"


def test_a_later_label_counts_and_the_older_one_can_still_be_read(line: LabelledLine) -> None:
    line.label("i0", [thing(1)], LATER)
    line.label("i0", [thing(0)], THEN)
    assert [o["class_id"] for o in line.rows()["i0"]["objects"]] == [1]
    assert account(line, line.labels())["places"] == {"counts": 1, "superseded": 1}
    assert "1 superseded by a later one" in used(line)
    assert sum(key.startswith(f"{MODEL}/labels/") for key in line.bucket.objects) == 2


def test_of_two_labels_of_one_moment_the_later_file_counts_whatever_the_order_they_are_listed_in(
    line: LabelledLine,
) -> None:
    line.label("i0", [thing(0)], THEN, by="zoe")
    line.label("i0", [thing(1)], THEN, by="ada")
    assert [o["class_id"] for o in line.rows()["i0"]["objects"]] == [1]


def test_two_annotators_who_contradict_each_other_are_named_and_never_averaged(line: LabelledLine) -> None:
    line.label("i0", [thing(0)], THEN, by="kim")
    line.label("i0", [thing(1)], THEN, by="ada")
    line.label("i1", [thing(1)], THEN, by="kim")
    line.label("i1", [thing(1, [11, 11, 31, 30])], THEN, by="ada")  # the same thing, drawn by another hand
    assert len(line.rows()["i0"]["objects"]) == 1
    line.evaluate()
    told = line.finding("label_use", "contradictions")
    assert told is not None and (told.n, told.outcome) == (1, Outcome.INCONCLUSIVE)
    assert "i0 (ada and kim)" in told.note


def test_a_contradiction_that_a_later_label_settled_is_none(line: LabelledLine) -> None:
    line.label("i0", [thing(0)], THEN, by="kim")
    line.label("i0", [thing(1)], THEN, by="ada")
    line.label("i0", [thing(0)], LATER, by="eve")
    assert account(line, line.labels())["conflicts"] == []


def test_a_label_that_names_only_the_key_meets_its_image(line: LabelledLine) -> None:
    key = next(key for key in line.bucket.objects if key.endswith("i3.png"))
    line.label("", [thing(1)], key=key)
    assert set(line.rows()) == {"i3"}
    assert "of 1 labels 1 are used" in used(line)


def test_a_key_takes_the_id_of_the_record_not_that_of_its_file_name(labelled_line: LabelledLine) -> None:
    labelled_line.judge(0, {"other-id": [found()]})
    key = next(key for key in labelled_line.bucket.objects if key.endswith("other-id.png"))
    copy = key.replace("other-id.png", "file-name.png")
    window = labelled_line.record().facts
    assert window is not None and copy not in labelled_line.bucket.objects
    labelled_line.label("", [thing()], key=copy)
    assert set(labelled_line.rows()) == {"file-name"}, "nobody knows that key: its name is all there is"
    labelled_line.label("", [thing()], key=key)
    assert set(labelled_line.rows()) == {"file-name", "other-id"}


def test_a_label_without_id_and_key_is_refused_with_a_reason(line: LabelledLine) -> None:
    line.label("", [thing()])
    assert "1 refused as bad_label" in used(line)


def test_correct_makes_what_was_shown_the_truth(labelled_line: LabelledLine) -> None:
    shown = [found(0, 0.9), found(1, 0.6, ELSEWHERE), found(1, 0.1, [1, 1, 9, 9])]
    labelled_line.judge(0, {"i0": shown, "i1": []})
    labelled_line.label("i0", verdict="correct", confidence=0.5)
    labelled_line.label("i1", verdict="correct")
    rows = labelled_line.rows()
    assert [(o["class_id"], o["box"]) for o in rows["i0"]["objects"]] == [(0, [10, 10, 30, 30]), (1, ELSEWHERE)]
    assert rows["i1"]["objects"] == []


@pytest.mark.parametrize(("name", "more"), [("unknown", {}), ("i0", {"model_version": "7"})])
def test_correct_about_an_answer_that_nobody_knows_is_no_label(line: LabelledLine, name: str, more: Any) -> None:
    line.label(name, verdict="correct", **more)
    assert line.rows() == {}
    assert "1 as shown, but what was shown is not on record" in used(line)


@pytest.mark.parametrize("verdict", ["wrong_label", "wrong_box", "false_positive", "missed_object"])
def test_a_verdict_without_a_correction_never_becomes_a_label(line: LabelledLine, verdict: str) -> None:
    line.label("i0", verdict=verdict)
    line.label("i1", verdict="correct")
    labels = line.labels()
    assert set(line.rows()) == {"i1"}
    told = account(line, labels)
    assert told["places"] == {"counts": 1, "partial": 1} and told["queue"] == ["i0"]
    assert (told["feedback"]["images"], told["feedback"]["right"]) == (2, 1)
    assert (told["feedback"]["boxes"], told["feedback"]["sure"]) == (2, 1)
    assert told["feedback"]["perhaps"] == (2 if verdict == "missed_object" else 1)


def test_a_verdict_does_not_supersede_a_label_and_a_label_takes_an_image_from_the_queue(line: LabelledLine) -> None:
    line.label("i0", [thing(1)], THEN)
    line.label("i0", at=LATER, verdict="false_positive")
    assert [o["class_id"] for o in line.rows()["i0"]["objects"]] == [1]
    assert account(line, line.labels())["queue"] == []


def test_a_verdict_with_a_correction_is_a_label(line: LabelledLine) -> None:
    line.label("i0", [thing(1)], verdict="wrong_label")
    assert [o["class_id"] for o in line.rows()["i0"]["objects"]] == [1]


def test_labels_of_unknown_images_and_of_unknown_classes_are_counted_and_stop_nothing(line: LabelledLine) -> None:
    line.label("i0", [thing(0)])
    line.label("stranger", [thing(0)])
    line.label("i1", [thing(7)])
    line.label("i2", [thing(0), thing(0)])
    note = used(line)
    assert note.startswith("of 4 labels 2 are used")
    assert "1 of an image that nobody knows" in note and "1 refused as bad_class" in note


def test_no_label_at_all_leaves_the_window_as_it_was(line: LabelledLine) -> None:
    before = line.record()
    state = line.evaluate()
    assert (state.name, line.record().outcome) == ("Healthy", before.outcome)
    told = line.finding("concept", "error")
    assert told is not None and "60 more needed" in told.note


def test_only_empty_labels_are_labels_and_harm_nobody(line: LabelledLine) -> None:
    for n in range(6):
        line.label(f"i{n}")
    assert "of 6 labels 6 are used" in used(line)
    assert line.record().outcome is Outcome.OK


def test_without_a_champion_labels_wait_and_the_state_says_so(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes.labelled_line import connect

    line = LabelledLine(tmp_path)
    connect(line, monkeypatch)
    line.label("i0", [thing(0)])
    state = line.evaluate()
    assert (state.name, state.is_failed()) == ("Inconclusive", False)
    assert "adopt" in str(state.message)
    assert set(line.rows()) == {"i0"}
    line.book.close()


def test_weights_with_another_hash_are_refused_by_the_loader_itself(
    line: LabelledLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Everything but the page and MLflow is real here: the file that lies there is not the one on record."""
    for n in range(6):
        line.label(f"i{n}", [thing(n % 2)], golden=True)
    other = tmp_path / "other.pt"
    other.write_bytes(b"not the weights that were recorded")
    monkeypatch.setattr(connections, "weights", lambda ref: other)
    monkeypatch.setattr(connections, "images", lambda: line.images)
    monkeypatch.setattr(connections, "answers", lambda: line.answers)
    monkeypatch.setattr(evaluate_stage, "settings", lambda: SimpleNamespace(device="cpu", cache=tmp_path))
    monkeypatch.setattr(evaluating, "evaluate_version", evaluate_stage.evaluate_version.fn)
    monkeypatch.setattr(evaluating, "measure", MEASURE)
    state = line.evaluate()
    assert state.is_failed() and state.name == "WeightsRefused", state
    assert line.record().revision == 1
    assert line.book.evaluations.list(MODEL) == []


def test_weights_that_are_not_what_was_recorded_fail_this_model_only_and_change_nothing(
    line: LabelledLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.label("i0", [thing(0)])

    def refuse(*_: object) -> object:
        raise UnsafeModel("the weights have SHA-256 aaaa, bbbb was recorded")

    monkeypatch.setattr(evaluating, "measure", refuse)
    state = line.evaluate()
    assert state.is_failed() and state.name == "WeightsRefused"
    assert MODEL in str(state.message) and "bbbb was recorded" in str(state.message)
    assert line.record().revision == 1
    assert line.book.evaluations.list(MODEL) == []
