"""From windows and labels to what is said, with a real ledger: calibrated once, looked back on, audited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.domain import few
from tasks.domain.errors import NotFound
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.model import ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.domain.snapshot import Snapshot, TableRef, table_note, table_of
from tasks.domain.subjects import OBJECT_POSITION
from tasks.domain.tables import CATALOG, DATASETS, LABELS, PREDICTIONS, REFERENCES
from tasks.domain.window import Window
from tasks.estimate import given, kept, standing
from tasks.estimate import task as stage
from tasks.estimate.again import Names
from tasks.estimate.around import Around
from tasks.estimate.rules import EstimateRules
from tasks.estimate.signs import Views
from tests.fakes.memory_store import MemoryStore
from tests.unit.estimate.made_up import CLASSES, SIDE, calibration, truths, views
from tests.unit.ledger.ledger_cases import MODEL, bootstrap, content_hash

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = EstimateRules(images=120)
N = 150
QUIET = Report(stage=Stage.DRIFT, findings=(Finding(check="ks", subject="brightness", outcome=Outcome.OK, n=9),))


def detections(answer: Prediction) -> list[dict[str, object]]:
    return [
        {"class_id": int(c), "confidence": float(s), "box": [float(x) for x in b]}
        for b, c, s in zip(answer.boxes, answer.classes, answer.confidences, strict=True)
    ]


class SeenAgain:
    """Whoever looks at the window's pictures again gets answers of that skill; counts what was looked at."""

    def __init__(self, known: Sequence[Truth], skill: float) -> None:
        self.known, self.skill, self.looked = known, skill, 0
        self.names = Names(own=("a" * 64, "b" * 64), second=None)

    def __call__(self, pictures: Sequence[object]) -> Views:
        part = self.known[self.looked : self.looked + len(pictures)]
        self.looked += len(pictures)
        return views(part, self.skill, self.looked)

    def answers(self, table: pa.Table) -> list[Prediction]:
        return list(views(self.known[: table.num_rows], self.skill, 1).own)


class Line:
    """A model in production, its windows an hour each."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book, self.bucket = Ledger.open(url), MemoryStore()
        self.tables = TableStore(self.bucket, folder / "tables")  # type: ignore[arg-type]
        bootstrap(self.book)
        found = self.book.promotions.champion(MODEL)
        assert found is not None
        self.champion: ModelRef = found
        self.eyes = SeenAgain(truths(N, 50), 0.95)
        rows = [
            {"sha256": content_hash(f"r{n}"), "image_id": f"r{n}", "key": "k", "camera": "a", "captured_at": START,
             "dhash": "0", "embedding": [], "model_version": str(self.champion.version), "kind": "detect",
             "width": SIDE, "height": SIDE, "detections": detections(answer)}
            for n, answer in enumerate(views(truths(400, 2), 0.95, 3).own)
        ]  # fmt: skip
        empty = dict.fromkeys(REFERENCES.names)
        table = pa.Table.from_pylist([{**empty, **row} for row in rows], schema=REFERENCES)
        ref = self.tables.write(table, "references", "r.parquet")
        self.reference = self.book.references.get(self.book.references.pin(MODEL, self.champion.sha256, ref, "a", "b"))
        known = AnswerCache(folder / "answers", 2**24)
        for module in (stage, kept, given, standing):
            things = (("ledger", self.book), ("store", self.bucket), ("tables", self.tables), ("answers", known))
            for name, thing in things:
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, lambda thing=thing: thing)
        monkeypatch.setattr(stage, "eyes", lambda *given: self.eyes)
        monkeypatch.setattr(stage, "_evaluated", lambda *given: self.eyes)
        monkeypatch.setattr(stage, "second_of", lambda champion: None)
        monkeypatch.setattr(stage, "_picture", lambda image: np.zeros((SIDE, SIDE, 3), np.uint8))
        monkeypatch.setattr(stage, "images", lambda: None)
        monkeypatch.setattr(stage, "local_paths", lambda cache, table: [Path("p")] * table.num_rows)
        monkeypatch.setattr(stage, "read_image", lambda path: np.zeros((SIDE, SIDE, 3), np.uint8))

    def window(self, number: int) -> Window:
        return Window(START + number * HOUR, START + (number + 1) * HOUR)

    def estimate(self, number: int, skill: float = 0.95, rules: EstimateRules = RULES, **how: float) -> Finding | None:
        """A window is judged; the finding of the estimate, None where there is none."""
        window, known = self.window(number), truths(N, 50)
        claim = self.book.windows.claim(MODEL, window, "t")
        assert claim is not None
        when = [window.start + timedelta(seconds=20 * n) for n in range(N)]
        answers = views(known, skill, 100 + number, **how).own
        self.eyes = SeenAgain(known, skill)
        base = {"key": "k", "camera": "a", "kind": "detect", "width": SIDE, "height": SIDE}
        rows = [
            {**base, "image_id": f"{number}-{n}", "captured_at": when[n], "session": f"s{n}",
             "model_version": str(self.champion.version), "detections": detections(answer)}
            for n, answer in enumerate(answers)
        ]  # fmt: skip
        predictions = self.tables.write(
            pa.Table.from_pylist(rows, schema=PREDICTIONS), "predictions", f"p{number}.parquet"
        )
        listed = [
            {"key": f"{number}-{n}.jpg", "image_id": f"{number}-{n}", "captured_at": when[n], "camera": "a", "size": 1,
             "etag": "e", "sha256": content_hash(f"{number}-{n}"), "verdict": "accepted", "reason": "", "note": ""}
            for n in range(N)
        ]  # fmt: skip
        catalog = self.tables.write(pa.Table.from_pylist(listed, schema=CATALOG), "catalog", f"c{number}.parquet")
        snapshot = Snapshot(claim=claim, catalog=catalog, predictions=predictions, listed=N, accepted=N, quarantined=0)
        report = stage.check_estimate.fn(snapshot, self.champion, self.reference, (QUIET,), rules)
        facts = WindowFacts(
            listed=N, accepted=N, catalog=catalog, champion_sha256=self.champion.sha256,
            reference_id=self.reference.id, artifacts={"predictions": table_note(predictions)},
        )  # fmt: skip
        verdict = judge((QUIET, report), (), None)
        assert verdict.outcome is Outcome.OK, "an estimate alone never changes the verdict"
        self.book.windows.commit(claim, verdict, facts, ())
        return report.findings[0] if report.findings else None

    def labelled(self, number: int, count: int) -> TableRef:
        """The first images of a window with their labels, as a `datasets` table."""
        rows = [
            {"image_id": f"{number}-{n}", "key": f"{number}-{n}.jpg", "sha256": content_hash(f"{number}-{n}"),
             "camera": "a", "session": f"s{n}", "split": "test", "source": "recent", "objects": objects(truth),
             "labelled_at": START, "captured_at": self.window(number).start + timedelta(seconds=20 * n)}
            for n, truth in enumerate(truths(N, 50)[:count])
        ]  # fmt: skip
        return self.tables.write(pa.Table.from_pylist(rows, schema=DATASETS), "datasets", f"d{number}-{count}.parquet")

    def labels(self, number: int, places: Sequence[int]) -> TableRef:
        """Labels of images of a window."""
        known = truths(N, 50)
        rows = [
            {"image_id": f"{number}-{n}", "kind": "detect", "objects": objects(known[n]), "labelled_at": START,
             "annotator": "kim", "golden": False}
            for n in places
        ]  # fmt: skip
        name = f"l{number}-{len(places)}.parquet"
        return self.tables.write(pa.Table.from_pylist(rows, schema=LABELS), "labels", name)


def objects(truth: Truth) -> list[dict[str, object]]:
    boxes = zip(truth.boxes, truth.classes, strict=True)
    return [{"class_id": int(c), "box": [float(x) for x in box]} for box, c in boxes]


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    found = Line(tmp_path, monkeypatch)
    yield found
    found.book.close()


@pytest.fixture(scope="module")
def calibrated() -> kept.Calibration:
    return calibration()


def test_without_a_calibration_it_says_what_is_missing_and_looks_at_nothing(line: Line) -> None:
    said = line.estimate(0)
    assert said is not None and said.outcome is Outcome.INCONCLUSIVE
    assert "100 labelled images and `evergreen evaluate`" in said.note
    assert line.eyes.looked == 0


def test_a_quiet_window_has_a_number_from_as_many_images_as_the_rules_say(
    line: Line, calibrated: kept.Calibration
) -> None:
    kept.keep_calibration(line.champion, calibrated)
    said = line.estimate(0)
    assert said is not None and said.outcome is Outcome.OK and said.value == pytest.approx(0.985, abs=0.02)
    assert said.n == line.eyes.looked == 120


def test_a_product_that_nobody_taught_gets_no_number_but_a_request(line: Line, calibrated: kept.Calibration) -> None:
    kept.keep_calibration(line.champion, calibrated)
    said = line.estimate(0, blind=0.5)
    assert said is not None and said.value is None
    assert said.note.startswith("cannot be known without 62 more labels (`evergreen audit-sample welds --n 62`)")


def test_pictures_with_colours_that_no_labelled_one_shows_get_no_number(
    line: Line, calibrated: kept.Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers are as they were; only the pictures are not."""
    [usual] = calibrated.sceneries.values()
    rungs = tuple(replace(rung, around=Around()) for rung in calibrated.rungs)
    kept.keep_calibration(line.champion, replace(calibrated, sceneries={"a": usual}, rungs=rungs))
    given = line.estimate(0)
    assert given is not None and given.value is not None
    green = np.zeros((SIDE, SIDE, 3), np.uint8)
    green[:, :60] = (20, 200, 20)
    monkeypatch.setattr(stage, "_picture", lambda image: green)
    said = line.estimate(1)
    assert said is not None and said.value is None
    assert "there are colours that these cameras never showed" in said.note


def test_nothing_is_looked_at_where_the_rules_forbid_it_or_where_there_are_too_few(
    line: Line, calibrated: kept.Calibration
) -> None:
    kept.keep_calibration(line.champion, calibrated)
    assert line.estimate(0, rules=EstimateRules(images=0)) is None
    said = line.estimate(1, rules=EstimateRules(images=120, min_images=N + 1))
    assert said is not None and said.value is None and "151 are needed" in said.note


def test_labels_that_come_later_show_how_far_an_estimate_was_off(line: Line, calibrated: kept.Calibration) -> None:
    kept.keep_calibration(line.champion, calibrated)
    given = line.estimate(0)
    [check] = stage.check_estimates.fn(line.champion, (line.labelled(0, 60),), line.labels(0, ()), RULES)
    assert given is not None and check.estimate == given.value and check.n == 60
    assert stage.check_estimates.fn(line.champion, (line.labelled(0, 60),), line.labels(0, ()), RULES) == ()
    said = line.estimate(1)
    assert said is not None and "the last estimate was off by" in said.note
    found = standing.standing(MODEL)
    assert found is not None and found["flag"] == "valid" and found["running_error"]["valid"]["n"] == 1
    assert found["checks"][0]["estimate"] == given.value


def test_a_window_that_was_judged_before_the_calibration_says_how_to_ask_again(
    line: Line, calibrated: kept.Calibration
) -> None:
    line.estimate(0)
    before = standing.standing(MODEL)
    assert before is not None and "no calibration yet" in before["sentence"]
    kept.keep_calibration(line.champion, calibrated)
    after = standing.standing(MODEL)
    assert after is not None and after["sentence"].startswith("judged before this version was calibrated")
    assert f"`evergreen monitor {MODEL} --rescore --window {line.window(0)}`" in after["sentence"]
    line.estimate(1)
    now = standing.standing(MODEL)
    assert now is not None and now["flag"] == "valid" and now["sentence"].startswith("valid: about")


def test_too_few_labels_check_nothing(line: Line, calibrated: kept.Calibration) -> None:
    kept.keep_calibration(line.champion, calibrated)
    line.estimate(0)
    assert stage.check_estimates.fn(line.champion, (line.labelled(0, 39),), line.labels(0, ()), RULES) == ()


def test_an_audit_is_drawn_once_and_its_labels_speak_for_the_window(line: Line, calibrated: kept.Calibration) -> None:
    kept.keep_calibration(line.champion, calibrated)
    line.estimate(0, skill=0.8)
    drawn, table = kept.draw_audit(MODEL, 60)
    assert kept.draw_audit(MODEL, 60) == (drawn, table)
    assert len([d for d in line.book.decisions.list(MODEL, 100) if d.kind == kept.AUDIT]) == 1
    places = [int(each.image.image_id.split("-")[1]) for each in drawn.drawn]
    assert {each.chance for each in drawn.drawn} == {0.4}
    for _ in range(2):  # asked again, the same labels say nothing new
        stage.check_estimates.fn(line.champion, (line.labelled(0, 0),), line.labels(0, places), RULES)
    [(window, found)] = kept.audited_of(line.champion)
    assert window == line.window(0) and found.n == 60 and found.metrics["pool"] == 90
    known, answers = truths(N, 50), views(truths(N, 50), 0.8, 100).own
    scored = score_detections(known, answers, CLASSES, calibrated.confidences[0])
    assert found.headline.low <= float(np.mean(scored.scores())) <= found.headline.high
    assert found.metrics["recall_low"] <= scored.metrics()["recall"] <= found.metrics["recall_high"]


def test_an_audit_asks_no_model_about_what_the_estimate_of_its_window_looked_at(
    line: Line, calibrated: kept.Calibration
) -> None:
    kept.keep_calibration(line.champion, calibrated)
    line.estimate(0)
    drawn, _ = kept.draw_audit(MODEL, 60)
    places = [int(each.image.image_id.split("-")[1]) for each in drawn.drawn]
    looked = line.eyes.looked
    stage.check_estimates.fn(line.champion, (line.labelled(0, 0),), line.labels(0, places), RULES)
    assert looked == line.eyes.looked == 120
    assert len(kept.audited_of(line.champion)) == 1


def test_an_audit_of_a_window_that_nobody_judged_is_refused(line: Line) -> None:
    with pytest.raises(NotFound, match="evergreen monitor"):
        kept.draw_audit(MODEL, 10)


def test_a_version_is_calibrated_from_its_labels_once_and_again_when_they_grew(
    line: Line, monkeypatch: pytest.MonkeyPatch, calibrated: kept.Calibration
) -> None:
    asked: list[int] = []

    def fit(labelled: stage.Labelled, *given: object) -> kept.Calibration:
        asked.append(len(labelled.truths))
        return kept.Calibration(**{n: getattr(calibrated, n) for n in kept.Calibration.__slots__} | {"n": asked[-1]})

    monkeypatch.setattr(stage, "calibrate", fit)
    line.estimate(0)
    for count in (90, 100, 149, 150):
        stage.check_estimates.fn(line.champion, (line.labelled(0, count),), line.labels(0, ()), RULES)
    assert asked == [100, 150]
    found = kept.calibration_of(line.champion)
    assert found is not None and found.n == 150


def test_a_calibration_that_was_tampered_with_is_none(line: Line, calibrated: kept.Calibration) -> None:
    kept.keep_calibration(line.champion, calibrated)
    [key] = [key for key in line.bucket.objects if "calibration" in key]
    line.bucket.put(key, line.bucket.get(key).replace(b"0.9", b"0.8", 1))
    assert kept.calibration_of(line.champion) is None


def test_a_window_that_is_judged_again_asks_no_model_about_its_pictures(
    line: Line, calibrated: kept.Calibration
) -> None:
    kept.keep_calibration(line.champion, calibrated)
    given = line.estimate(0)
    record = line.book.windows.get(MODEL, line.window(0))
    assert record is not None and record.facts is not None and record.facts.catalog is not None
    claim = line.book.windows.claim(MODEL, line.window(0), "t", rescore=True)
    assert claim is not None
    snapshot = Snapshot(
        claim=claim, catalog=record.facts.catalog, predictions=table_of(record.facts.artifacts["predictions"]),
        listed=N, accepted=N, quarantined=0,
    )  # fmt: skip
    looked = line.eyes.looked
    again = stage.check_estimate.fn(snapshot, line.champion, line.reference, (QUIET,), RULES)
    assert again.findings == (given,) and line.eyes.looked == looked
    moved = Finding(check="places", subject=OBJECT_POSITION, outcome=Outcome.BREACH, value=1.0, limit=0.1)
    alarmed = stage.check_estimate.fn(
        snapshot, line.champion, line.reference, (Report(stage=Stage.DRIFT, findings=(moved,)),), RULES
    )
    assert "the objects are elsewhere" in alarmed.findings[0].note, "what other stages found is asked every time"
    other = EstimateRules(images=100, min_images=50)
    fewer = stage.check_estimate.fn(snapshot, line.champion, line.reference, (QUIET,), other)
    assert fewer.findings[0].n == 100, "other rules are another question"
    assert line.eyes.looked == looked, "the answers about these pictures are known"


def test_of_a_very_large_window_a_fixed_draw_of_the_answers_is_looked_at(
    line: Line, calibrated: kept.Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number stays what it was within chance, and neither answers nor catalog are read whole."""
    kept.keep_calibration(line.champion, calibrated)
    monkeypatch.setattr(few, "MOST", 75)
    whole: list[str] = []
    read = TableStore.read

    def noted(tables: TableStore, ref: TableRef, columns: Sequence[str] | None = None) -> pa.Table:
        whole.extend([ref.schema] * (ref.schema in ("predictions", "catalog")))
        return read(tables, ref, columns)

    monkeypatch.setattr(TableStore, "read", noted)
    said = line.estimate(0)
    assert said is not None and said.value == pytest.approx(0.985, abs=0.03)
    drawn, _ = kept.draw_audit(MODEL, 60)
    places = [int(each.image.image_id.split("-")[1]) for each in drawn.drawn]
    stage.check_estimates.fn(line.champion, (line.labelled(0, 0),), line.labels(0, places), RULES)
    [(_, found)] = kept.audited_of(line.champion)
    assert found.n == 60 and 20 <= found.metrics["pool"] <= 70, "labelled ones and a draw of the others"
    assert whole == []
