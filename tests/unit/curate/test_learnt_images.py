"""What a version learnt is no test of anything, whatever the rules about sessions were when it learnt it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from tasks.curate import task as curate
from tasks.curate.rules import CurateRules
from tasks.domain.finding import Outcome
from tasks.domain.snapshot import TableRef
from tasks.domain.tables import DATASETS
from tests.fakes.labelled_line import LabelledLine, found, labelled_line, thing
from tests.unit.ledger.ledger_cases import MODEL, reference

__all__ = ["labelled_line"]

THEN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=40)
CAMERAS = tuple(f"cam-{n}" for n in range(12))
"""So many that whatever the hour, which names sessions, some of them are held out and some are not."""
STRICT = CurateRules(recent_windows=1, session_minutes=1, holdout_share=0.2, near_duplicate_levels=0)
WIDE = STRICT.model_copy(update={"holdout_share": 0.7})


@pytest.fixture
def line(labelled_line: LabelledLine) -> LabelledLine:
    """Two judged windows of sixty labelled images of many sessions: one an hour old, one the newest."""
    for back, letter in ((1, "i"), (0, "j")):
        labelled_line.judge(back, {f"{letter}{n}": [found()] for n in range(60)}, cameras=CAMERAS)
        for n in range(60):
            labelled_line.label(f"{letter}{n}", [thing()], THEN)
    return labelled_line


def rows(line: LabelledLine, ref: TableRef) -> dict[str, str]:
    return {row["image_id"]: row["session"] for row in line.tables.read(ref).to_pylist()}


def taught(line: LabelledLine, manifest: TableRef, name: str = "second") -> None:
    """A version that was fitted to this manifest."""
    card = {"dataset_uri": manifest.uri, "dataset_digest": manifest.digest}
    line.book.versions.add(reference(name), "retrain", card=card)


def test_more_is_held_out_than_before_but_nothing_that_was_learnt(line: LabelledLine) -> None:
    labels = line.labels()
    manifest = curate.training_dataset.fn(MODEL, labels, STRICT)
    learnt = rows(line, manifest)
    naive = rows(line, curate.recent_dataset.fn(MODEL, labels, WIDE))
    assert learnt.keys() & naive.keys(), "the wider share alone would test on what was learnt"
    taught(line, manifest)
    for built in (curate.recent_dataset, curate.held_out_dataset):
        tested = rows(line, built.fn(MODEL, labels, WIDE))
        assert tested, "what was held out then still is"
        assert not tested.keys() & learnt.keys()
        assert not set(tested.values()) & set(learnt.values())


def test_under_the_rules_of_then_nothing_is_lost(line: LabelledLine) -> None:
    labels = line.labels()
    before = rows(line, curate.recent_dataset.fn(MODEL, labels, STRICT))
    taught(line, curate.training_dataset.fn(MODEL, labels, STRICT))
    assert before and rows(line, curate.recent_dataset.fn(MODEL, labels, STRICT)) == before


def test_all_that_is_held_out_reaches_further_back_than_what_is_recent(line: LabelledLine) -> None:
    labels = line.labels()
    recent = rows(line, curate.recent_dataset.fn(MODEL, labels, STRICT)).keys()
    whole = rows(line, curate.held_out_dataset.fn(MODEL, labels, STRICT)).keys()
    assert recent < whole and {name[0] for name in recent} == {"j"} and {name[0] for name in whole} == {"i", "j"}


def test_an_image_that_was_learnt_and_is_marked_golden_later_is_left_out_and_named(line: LabelledLine) -> None:
    labels = line.labels()
    manifest = curate.training_dataset.fn(MODEL, labels, STRICT)
    taught(line, manifest)
    known = next(iter(rows(line, manifest)))
    free = next(iter(rows(line, curate.held_out_dataset.fn(MODEL, labels, STRICT))))
    for name in (known, free):
        line.label(name, [thing()], THEN + timedelta(minutes=5), golden=True)
    labels = line.labels()
    assert rows(line, curate.golden_dataset.fn(MODEL, labels, STRICT)).keys() == {free}
    held, left = curate.check_golden.fn(MODEL, labels, STRICT)
    assert held.outcome is Outcome.OK
    assert (left.subject, left.outcome, left.n) == ("left_out", Outcome.INCONCLUSIVE, 1) and known in left.note


def test_a_manifest_that_is_gone_stops_nothing_and_is_told(
    line: LabelledLine, caplog: pytest.LogCaptureFixture
) -> None:
    labels = line.labels()
    before = rows(line, curate.recent_dataset.fn(MODEL, labels, STRICT))
    lost = TableRef(uri="s3://bucket/gone.parquet", schema="datasets", rows=0, digest="0" * 64)
    taught(line, lost)
    assert rows(line, curate.recent_dataset.fn(MODEL, labels, STRICT)) == before
    assert "gone.parquet is gone" in caplog.text


def test_a_version_made_elsewhere_says_nothing_of_what_it_learnt(line: LabelledLine) -> None:
    empty = line.tables.write(pa.Table.from_pylist([], schema=DATASETS), "datasets", f"{MODEL}/empty.parquet")
    taught(line, empty)
    line.book.versions.add(reference("third"), "import")
    assert rows(line, curate.recent_dataset.fn(MODEL, line.labels(), STRICT))


def test_of_many_held_out_images_a_bounded_number_is_fetched(
    line: LabelledLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curate, "HELD_OUT", 6)
    few = rows(line, curate.held_out_dataset.fn(MODEL, line.labels(), WIDE))
    assert len(few) == 6 and sum(name.startswith("j") for name in few) >= 3, "half are the newest"


def test_one_evaluation_reads_every_catalog_once_and_new_labels_make_it_look_again(
    line: LabelledLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    about, read = line.tables.about, list[str]()

    def counted(ref: TableRef, *rest: Any) -> pa.Table:
        read.append(ref.uri)
        return about(ref, *rest)

    monkeypatch.setattr(line.tables, "about", counted)
    line.label("j0", [thing()], datetime.now(UTC), by="bob")
    labels = line.labels()
    for asked in (curate.golden_dataset, curate.recent_dataset, curate.held_out_dataset):
        asked.fn(MODEL, labels, STRICT)
    assert curate.account_labels.fn(MODEL, labels, STRICT) and curate.check_golden.fn(MODEL, labels, STRICT)
    assert len(read) == len(set(read)) == 2, "one catalog a window"
    line.label("i0", [], datetime.now(UTC))
    assert len(rows(line, curate.recent_dataset.fn(MODEL, line.labels(), STRICT))) and len(read) == 4
