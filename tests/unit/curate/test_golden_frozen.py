"""The golden set is what was frozen: labels that change later, and hands that touch it, are told and change nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from tasks.curate import freezing, present
from tasks.curate import task as curate
from tasks.curate.golden import beyond, changes, digest_of, members
from tasks.curate.rules import CurateRules
from tasks.domain.errors import StoreUnavailable
from tasks.domain.finding import Finding, Outcome
from tasks.domain.model import Kind
from tasks.domain.snapshot import TableRef
from tests.fakes.labelled_line import LabelledLine, found, labelled_line, picture, thing
from tests.unit.ledger.ledger_cases import MODEL, reference

__all__ = ["labelled_line"]

RULES = CurateRules(recent_windows=1, session_minutes=1)  # many sessions: some are always trained on
THEN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=40)


@pytest.fixture
def line(labelled_line: LabelledLine) -> LabelledLine:
    """Sixty labelled images in a judged window, three of them golden."""
    labelled_line.judge(1, {f"i{n}": [found()] for n in range(60)})
    labelled_line.judge(0, {f"j{n}": [found()] for n in range(60)})
    for n in range(60):
        labelled_line.label(f"i{n}", [thing()], THEN, golden=n < 3)
        labelled_line.label(f"j{n}", [thing()], THEN)
    return labelled_line


def golden(line: LabelledLine) -> TableRef:
    return curate.golden_dataset.fn(MODEL, line.labels(), RULES)


def told(line: LabelledLine) -> Finding:
    (finding,) = curate.check_golden.fn(MODEL, line.labels(), RULES)
    return finding


def names(line: LabelledLine, ref: TableRef) -> set[str]:
    return {row["image_id"] for row in line.tables.read(ref).to_pylist()}


def test_the_first_use_freezes_members_and_labels_in_the_ledger(line: LabelledLine) -> None:
    assert told(line).outcome is Outcome.INCONCLUSIVE, "asking freezes nothing"
    first = golden(line)
    assert names(line, first) == {"i0", "i1", "i2"}
    frozen = freezing.current(line.book, MODEL)
    assert frozen is not None and (frozen.version, frozen.images, frozen.by) == (1, 3, "evaluate")
    assert frozen.digest == digest_of(members(line.tables.read(first).to_pylist()))
    assert told(line).outcome is Outcome.OK


def test_what_is_marked_relabelled_or_unmarked_later_is_told_and_measured_only_once_accepted(
    line: LabelledLine,
) -> None:
    first = golden(line)
    later = THEN + timedelta(minutes=5)
    line.label("i0", [thing(1)], later, golden=True)
    line.label("i1", [thing()], later)
    line.label("i9", [thing()], later, golden=True)
    assert golden(line) == first
    finding = told(line)
    assert finding.outcome is Outcome.INCONCLUSIVE
    for word in ("1 marked golden since (i9)", "1 not marked golden any more (i1)", "1 labelled in another way (i0)"):
        assert word in finding.note
    accepted = curate.accept_golden(MODEL, line.labels(), RULES, "eve", "a new part")
    assert accepted is not None and (accepted.version, accepted.by, accepted.reason) == (2, "eve", "a new part")
    assert names(line, golden(line)) == {"i0", "i2", "i9"}
    assert told(line).outcome is Outcome.OK
    assert [each.version for each in freezing.versions(line.book, MODEL)] == [1, 2]


def test_accepting_the_same_set_again_makes_no_version(line: LabelledLine) -> None:
    golden(line)
    again = curate.accept_golden(MODEL, line.labels(), RULES, "eve", "to be sure")
    assert again is not None and again.version == 1


def test_the_same_label_written_again_by_somebody_else_is_no_change(line: LabelledLine) -> None:
    golden(line)
    line.label("i0", [thing()], THEN + timedelta(minutes=5), by="kim", golden=True)
    assert told(line).outcome is Outcome.OK


def test_a_manifest_that_was_touched_is_a_breach_and_is_not_measured_on(line: LabelledLine) -> None:
    first = golden(line)
    line.label("i0", [thing(1)], THEN + timedelta(minutes=5), golden=True)
    key = line.bucket.key_of(first.uri)
    line.bucket.objects[key] = line.bucket.objects[key][:-9] + b"touched!!"
    for path in (line.tables._cache).glob("*.parquet"):
        path.unlink()
    finding = told(line)
    assert finding.outcome is Outcome.BREACH and "was changed" in finding.note
    assert golden(line).rows == 0
    assert curate.check_manifest.fn(MODEL, curate.recent_dataset.fn(MODEL, line.labels(), RULES), RULES) != ""


def test_a_golden_image_is_never_trained_on_even_after_its_mark_was_taken_away(line: LabelledLine) -> None:
    golden(line)
    line.label("i0", [thing()], THEN + timedelta(minutes=5))
    manifest = curate.training_dataset.fn(MODEL, line.labels(), RULES)
    assert names(line, manifest) and "i0" not in names(line, manifest)
    assert curate.check_manifest.fn(MODEL, manifest, RULES) == ""


@pytest.mark.parametrize("trick", ["the image itself", "a copy of its bytes", "the same scene, stored again"])
def test_a_manifest_with_a_golden_image_or_its_likeness_is_refused(line: LabelledLine, trick: str) -> None:
    frozen = line.tables.read(golden(line))
    manifest = curate.training_dataset.fn(MODEL, line.labels(), RULES)
    table = line.tables.read(manifest).to_pylist()
    theirs = frozen.to_pylist()[0]
    if trick == "the image itself":
        table.append({**theirs, "split": "train"})
    elif trick == "a copy of its bytes":
        line.bucket.put("welds/elsewhere/x.png", line.bucket.objects[theirs["key"]])
        table.append({**theirs, "image_id": "x", "key": "welds/elsewhere/x.png", "split": "train"})
    else:
        table.append(_stored_again(line, theirs))
    forged = line.tables.write(_table(table), "datasets", "welds/evergreen/datasets/forged.parquet")
    answer = curate.check_manifest.fn(MODEL, forged, RULES)
    assert ("near duplicate" if "scene" in trick else "golden image") in answer


def _stored_again(line: LabelledLine, row: dict) -> dict:  # type: ignore[type-arg]
    """The same picture with other bytes: one grey level more in its left half."""
    import hashlib

    image = cv2.imdecode(np.frombuffer(line.bucket.objects[row["key"]], np.uint8), cv2.IMREAD_COLOR)
    image[:, :32] += (image[:, :32] < 255).astype(np.uint8)
    _, data = cv2.imencode(".png", image)
    line.bucket.put("welds/elsewhere/y.png", data.tobytes())
    sha = hashlib.sha256(data.tobytes()).hexdigest()
    return {**row, "image_id": "y", "key": "welds/elsewhere/y.png", "sha256": sha, "split": "train"}


def _table(rows: list[dict]):  # type: ignore[no-untyped-def,type-arg]
    import pyarrow as pa

    from tasks.domain.tables import DATASETS

    return pa.Table.from_pylist(rows, schema=DATASETS)


@pytest.mark.parametrize("cached", [True, False])
def test_a_golden_image_that_was_overwritten_is_left_out_named_and_a_breach(line: LabelledLine, cached: bool) -> None:
    golden(line)
    line.bucket.put(key_of(line, "i1"), picture(4242))
    assert names(line, measured(line, cached)) == {"i0", "i2"}
    finding = told(line)
    assert (finding.outcome, finding.n) == (Outcome.BREACH, 2)
    assert "3 images, of which 2 are measured: 1 overwritten with other bytes (i1)" in finding.note


@pytest.mark.parametrize("cached", [True, False])
def test_a_golden_image_that_was_deleted_is_left_out_and_named(line: LabelledLine, cached: bool) -> None:
    golden(line)
    line.bucket.delete(key_of(line, "i1"))
    assert names(line, measured(line, cached)) == {"i0", "i2"}
    finding = told(line)
    assert (finding.outcome, finding.n) == (Outcome.INCONCLUSIVE, 2)
    assert "3 images, of which 2 are measured: 1 deleted (i1)" in finding.note
    assert "not marked golden any more" not in finding.note, "its mark is as it was"


def test_a_golden_image_that_was_put_back_is_measured_again_and_accepting_goes_on_without_it(
    line: LabelledLine,
) -> None:
    whole, key = golden(line), key_of(line, "i1")
    before = line.bucket.objects[key]
    line.bucket.put(key, picture(4242))
    measured(line, cached=False)
    line.bucket.put(key, before)
    assert golden(line) == whole and told(line).outcome is Outcome.OK
    line.bucket.delete(key)
    measured(line, cached=False)
    accepted = curate.accept_golden(MODEL, line.labels(), RULES, "eve", "it is lost")
    assert accepted is not None and accepted.images == 2
    assert all(each.subject == "left_out" or each.outcome is Outcome.OK
               for each in curate.check_golden.fn(MODEL, line.labels(), RULES))  # fmt: skip


def test_many_lost_golden_images_are_counted_and_a_few_are_named(labelled_line: LabelledLine) -> None:
    labelled_line.judge(0, {f"i{n}": [found()] for n in range(9)})
    for n in range(9):
        labelled_line.label(f"i{n}", [thing()], THEN, golden=True)
    golden(labelled_line)
    for n in range(7):
        labelled_line.bucket.delete(key_of(labelled_line, f"i{n}"))
    assert "7 deleted (i0, i1, i2, i3, i4 …)" in told(labelled_line).note


def test_an_outage_while_golden_images_are_looked_at_is_no_lost_image(line: LabelledLine) -> None:
    rows = line.tables.read(golden(line)).to_pylist()
    line.bucket.away = True
    with pytest.raises(StoreUnavailable):
        present.lost(rows)


@pytest.mark.parametrize("objects", [[{"class_id": 7, "box": [1, 1, 9, 9]}], [{"class_id": 1}]])
def test_a_golden_label_that_the_champion_cannot_answer_is_left_out_and_named(
    line: LabelledLine, objects: list[dict[str, object]]
) -> None:
    """A set that was frozen before there was a champion, with a class or of a kind that it does not have."""
    row = line.tables.read(curate.present_golden(MODEL, line.labels(), RULES)).to_pylist()[0]
    rows = [*line.tables.read(curate.present_golden(MODEL, line.labels(), RULES)).to_pylist()[1:]]
    freezing.freeze(line.book, line.tables, MODEL, [{**row, "objects": objects}, *rows], ("eve", "before the first"))
    assert names(line, golden(line)) == {each["image_id"] for each in rows}
    finding = told(line)
    assert (finding.outcome, finding.n) == (Outcome.INCONCLUSIVE, 2)
    assert f"1 labelled for a model of another kind or with more classes ({row['image_id']})" in finding.note


def test_what_each_kind_can_answer() -> None:
    ref = reference("A")
    box, cell = {"class_id": 1, "box": [1, 1, 2, 2]}, {"class_id": 0, "box": None}
    rows = [
        {"image_id": str(n), "objects": each} for n, each in enumerate([[box], [cell], [], [box, box], [cell, box]])
    ]
    assert beyond(rows, ref) == ("1", "4")
    assert beyond(rows, replace(ref, kind=Kind.CLASSIFY)) == ("2", "3", "4")
    assert beyond(rows, replace(ref, classes=("crack",))) == ("0", "1", "3", "4")


def key_of(line: LabelledLine, name: str) -> str:
    return next(key for key in line.bucket.objects if key.endswith(f"/{name}.png"))


def measured(line: LabelledLine, cached: bool) -> TableRef:
    """The set as a worker sees it that has the images on its disk, or that has none of them."""
    if not cached:
        shutil.rmtree(line.images._folder, ignore_errors=True)
    return golden(line)


def test_without_a_golden_image_nothing_is_frozen_and_training_is_free(labelled_line: LabelledLine) -> None:
    labelled_line.judge(0, {"a": [found()]})
    labelled_line.label("a", [thing()])
    assert golden(labelled_line).rows == 0
    assert freezing.current(labelled_line.book, MODEL) is None
    assert curate.check_manifest.fn(MODEL, golden(labelled_line), RULES) == ""


def test_the_order_of_objects_is_no_change_but_a_moved_box_is() -> None:
    one, two = {"class_id": 0, "box": [1, 2, 3, 4]}, {"class_id": 1, "box": [5, 6, 7, 8]}
    row = {"image_id": "a", "sha256": "s"}
    first, same, moved = (
        members([{**row, "objects": each}]) for each in ([one, two], [two, one], [one, {**two, "box": [5, 6, 7, 9]}])
    )
    assert not changes(first, same)
    assert changes(first, moved).relabelled == ("a",)
    assert changes(first, members([{**row, "objects": [{**one, "class_id": 1}, two]}])).relabelled == ("a",)
