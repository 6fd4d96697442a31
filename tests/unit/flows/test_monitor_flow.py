"""What monitor does by itself: late objects are counted once, labels are announced once, nothing is told twice."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from prefect.logging import disable_run_logger

from flows import evaluate as evaluating
from flows import monitor as monitoring
from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.records import WindowFacts, WindowRecord, WindowState
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.alert import task as alerting
from tasks.alert.rules import AlertRules
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.snapshot import Claim
from tasks.domain.window import Window
from tasks.estimate import kept
from tasks.estimate import task as estimating
from tasks.evaluate import task as evaluate_stage
from tasks.flicker import task as flickering
from tasks.ingest import task as ingest
from tasks.ingest.rules import IngestRules
from tasks.kpi import task as counting
from tasks.outliers.task import Outliers
from tasks.quality.task import Checked
from tasks.report import records, yardstick
from tasks.report.judged import Judged
from tasks.serving import task as serving
from tasks.watch import task as watching
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap, content_hash, promote, reference

HOUR = timedelta(hours=1)
RULES = IngestRules()
FEW = IngestRules(new_labels=3)
BREACH = Finding(check="performance", subject="map50", outcome=Outcome.BREACH, value=0.2, limit=0.5, n=120)


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


class Line:
    """One model in production: a bucket, a ledger, and what was announced."""

    def __init__(self, folder: Path) -> None:
        self.bucket = MemoryStore()
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book = Ledger.open(url)
        self.tables = TableStore(self.bucket, folder / "tables")  # type: ignore[arg-type]
        self.images = ImageCache(self.bucket, folder / "images")  # type: ignore[arg-type]
        self.announced: list[tuple[str, str, dict[str, Any]]] = []
        self.newest = Window.latest_closed(datetime.now(UTC), HOUR, RULES.lateness)

    def window(self, back: int = 0) -> Window:
        return Window(self.newest.start - back * HOUR, self.newest.end - back * HOUR)

    def shoot(self, name: str, back: int = 0, late: timedelta = timedelta(0), answered: bool = True) -> None:
        """Production writes a picture of that window and what was predicted on it; `late` after the window's end."""
        window = self.window(back)
        self.bucket.landed = window.end + late - timedelta(minutes=1)
        key = f"{MODEL}/images/cam-1/{window.start:%Y/%m/%d/%H}/{name}.jpg"
        self.bucket.put(key, picture(sum(map(ord, name))))
        moment = (window.start + timedelta(minutes=5)).isoformat()
        row = {"schema": 1, "image_id": name, "key": key, "captured_at": moment, "camera": "cam-1",
               "model_version": "1", "kind": "detect", "width": 64, "height": 48, "detections": []}  # fmt: skip
        if answered:
            place = f"{MODEL}/predictions/date={window.start:%Y-%m-%d}/hour={window.start:%H}/{name}.jsonl"
            self.bucket.put(place, json.dumps(row).encode())

    def label(self, *names: str, at: datetime | None = None) -> None:
        """People write labels, one file each."""
        self.bucket.landed = at or datetime.now(UTC)
        for name in names:
            row = {"schema": 1, "image_id": name, "kind": "detect", "objects": [], "annotator": "kim",
                   "labelled_at": self.bucket.landed.isoformat()}  # fmt: skip
            self.bucket.put(f"{MODEL}/labels/{name}.json", json.dumps(row).encode())

    def monitor(
        self, rules: IngestRules = RULES, window: Window | None = None, backfill: Window | None = None
    ) -> list[Judged]:
        """One run of the flow's own functions, as its body calls them."""
        asked = [str(each) if each else None for each in (window, backfill)]
        with disable_run_logger():
            judged = [
                monitoring.judge_window(MODEL, each, again, monitoring.MonitorRules(ingest=rules))
                for each, again in monitoring.agenda(MODEL, *asked, False, rules)
            ]
            monitoring.tell_of_labels(MODEL, rules)
        return [each for each in judged if each is not None]

    def evaluated(self) -> None:
        """The champion is held against all labels that there are."""
        champion = self.book.promotions.champion(MODEL)
        assert champion is not None
        with disable_run_logger():
            evaluate_stage.note_evaluated.fn(champion, ingest.labels.fn(MODEL, RULES))

    def record(self, back: int = 0) -> WindowRecord:
        found = self.book.windows.get(MODEL, self.window(back))
        assert found is not None
        return found

    def arrivals(self) -> list[int]:
        return [payload["labels"] for event, _, payload in self.announced if event == "evergreen.labels.arrived"]

    def sicken(self, back: int = 0, beside: tuple[Report, ...] = ()) -> None:
        """Labels show harm: the newest revision of the window says so, as evaluate would have it."""
        facts = self.record(back).facts
        claim = self.book.windows.claim(MODEL, self.window(back), "evaluate", rescore=True)
        assert claim is not None and facts is not None
        conclude(
            self.book, claim, facts, [*records.stored_reports(MODEL, claim.window), *beside],
            Report(stage=Stage.EVALUATE, findings=(BREACH,)),
        )  # fmt: skip


def conclude(
    book: Ledger, claim: Claim, facts: WindowFacts, reports: list[Report], performance: Report | None
) -> Judged:
    """`flows.steps.conclude` without pages: verdict, alert and commit are the real ones."""
    verdict = judge(reports, (), performance)
    intents = alerting.intents_for(claim.model, claim.window, verdict, AlertRules(), ())
    revision = book.windows.commit(claim, verdict, facts, intents).revision
    return Judged(model=claim.model, window=claim.window, revision=revision, verdict=verdict)


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    line = Line(tmp_path)
    stages = (evaluate_stage, flickering, serving, counting, estimating, kept)
    for module in (ingest, records, yardstick, alerting, *stages):
        for name, thing in (
            ("ledger", line.book), ("store", line.bucket), ("tables", line.tables), ("images", line.images),
        ):  # fmt: skip
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
    for flow in (monitoring, evaluating):
        monkeypatch.setattr(
            flow, "announce", lambda event, model, payload: line.announced.append((event, model, payload))
        )
    for name in ("due_windows", "late_windows", "open_window", "pull", "labels_arrived"):
        monkeypatch.setattr(monitoring, name, getattr(ingest, name).fn)
    quiet = Report(stage=Stage.DRIFT, findings=(Finding(check="ks", subject="brightness", outcome=Outcome.OK, n=9),))
    sound = Checked(report=Report(stage=Stage.QUALITY, findings=()))
    monkeypatch.setattr(monitoring, "check_quality", lambda snapshot, rules: sound)
    monkeypatch.setattr(monitoring, "profile", lambda snapshot, champion, rules: None)
    monkeypatch.setattr(monitoring, "check_drift", lambda *given: quiet)
    monkeypatch.setattr(monitoring, "check_cameras", lambda snapshot, profiles, reference, rules: quiet)
    monkeypatch.setattr(monitoring, "check_schedule", watching.check_schedule.fn)
    monkeypatch.setattr(monitoring, "check_flicker", flickering.check_flicker.fn)
    monkeypatch.setattr(monitoring, "check_serving", serving.check_serving.fn)
    monkeypatch.setattr(monitoring, "check_kpis", counting.check_kpis.fn)
    usual = Outliers(report=quiet)
    monkeypatch.setattr(monitoring, "check_outliers", lambda *given: usual)
    monkeypatch.setattr(monitoring, "check_estimate", estimating.check_estimate.fn)
    monkeypatch.setattr(monitoring, "drift_page", lambda snapshot, profiles, reference, rules: "")
    monkeypatch.setattr(monitoring, "conclude", lambda *given: conclude(line.book, *given[:4]))
    yield line
    line.book.close()


def test_an_image_that_lands_late_is_counted_once_without_a_person(line: Line) -> None:
    line.shoot("a")
    assert [each.revision for each in line.monitor()] == [1]
    line.shoot("b", late=2 * HOUR)
    assert [(each.window, each.revision) for each in line.monitor()] == [(line.newest, 2)]
    facts = line.record().facts
    assert facts is not None and (facts.listed, facts.accepted) == (2, 2)
    assert line.book.tallies.objects(MODEL) == {("accepted", ""): 2}
    assert line.monitor() == []
    assert [row.revision for row in line.book.windows.revisions(MODEL, line.newest)] == [2, 1]


def test_a_prediction_that_lands_after_its_image_is_joined(line: Line) -> None:
    line.shoot("a", answered=False)
    line.monitor()
    line.shoot("a", late=HOUR)
    [judged] = line.monitor()
    assert judged.revision == 2
    snapshot = records.latest_snapshot(MODEL)
    assert snapshot is not None and snapshot.predictions.rows == 1


def test_a_window_that_was_empty_is_judged_again_when_it_fills(line: Line) -> None:
    line.monitor()
    line.shoot("a", late=HOUR)
    assert [each.revision for each in line.monitor()] == [2]


def test_nothing_is_judged_again_when_nothing_came(line: Line) -> None:
    for name in "abc":
        line.shoot(name)
    line.monitor()
    line.bucket.reads.clear()
    assert line.monitor() == []
    assert [key for key in line.bucket.reads if "/evergreen/" not in key] == []


def test_what_was_deleted_is_not_forgotten_by_judging_again(line: Line) -> None:
    for name in "ab":
        line.shoot(name)
    line.monitor()
    for key in [key for key in line.bucket.objects if key.endswith("a.jpg")]:
        line.bucket.delete(key)
    assert line.monitor() == []


def test_due_windows_come_first_and_only_the_window_that_grew_is_judged_again(line: Line) -> None:
    for back in (3, 2, 1):
        line.shoot(f"early-{back}", back)
        assert line.monitor(window=line.window(back))
    line.shoot("late", back=2, late=3 * HOUR)
    line.shoot("now")
    assert [(each.window, each.revision) for each in line.monitor()] == [(line.newest, 1), (line.window(2), 2)]


def test_a_window_by_name_is_judged_alone(line: Line) -> None:
    line.shoot("a", back=1)
    line.monitor(window=line.window(1))
    line.shoot("b", back=1, late=HOUR)
    assert [each.window for each in line.monitor(window=line.newest)] == [line.newest]


def test_a_backfill_judges_every_window_of_its_span_that_was_not_judged_yet(line: Line) -> None:
    line.shoot("early", back=5)
    line.shoot("late", back=3)
    line.monitor(window=line.window(4))
    judged = line.monitor(backfill=Window(line.window(5).start, line.window(3).end))
    assert [each.window for each in judged] == [line.window(5), line.window(3)]
    assert [line.record(back).revision for back in (5, 4, 3)] == [1, 1, 1]


@pytest.mark.parametrize(("hours", "revisions"), [(0, []), (3, []), (8, [2])])
def test_nobody_looks_back_further_than_the_rule_says(line: Line, hours: int, revisions: list[int]) -> None:
    rules = IngestRules(late_hours=hours)
    line.monitor(rules)
    line.monitor(rules, line.window(5))
    line.shoot("a", back=5, late=6 * HOUR)
    assert [each.revision for each in line.monitor(rules)] == revisions


def test_a_window_that_was_given_up_waits_for_a_person(line: Line) -> None:
    line.shoot("a")
    line.monitor()
    line.shoot("b", late=HOUR)
    claim = line.book.windows.claim(MODEL, line.newest, "test", rescore=True)
    assert claim is not None
    assert line.book.windows.fail(claim, "no", max_attempts=1) is WindowState.FAILED
    assert line.monitor() == []


def test_judging_again_keeps_what_labels_said_and_tells_nobody_twice(line: Line) -> None:
    bootstrap(line.book)
    line.shoot("a")
    line.monitor()
    line.sicken()
    told = [row.key for row in line.book.outbox.pending("alert")]
    assert len(told) == 1 and line.record().action == "retrain"
    line.shoot("b", late=HOUR)
    assert [each.revision for each in line.monitor()] == [3]
    assert line.record().action == "retrain"
    assert [row.key for row in line.book.outbox.pending("alert")] == told
    assert [event for event, _, _ in line.announced if "performance" in event] == []


def test_judging_again_keeps_what_was_found_about_labels(line: Line) -> None:
    bootstrap(line.book)
    line.shoot("a")
    line.monitor()
    twice = Finding(check="box_once", subject="label_objects.twin", outcome=Outcome.BREACH)
    line.sicken(beside=(Report(stage=Stage.LABELS, findings=(twice,)),))
    assert line.record().action == "fix_data"
    line.shoot("b", late=HOUR)
    assert [each.revision for each in line.monitor()] == [3]
    assert line.record().action == "fix_data"


def test_what_labels_said_of_another_champion_is_not_held_against_this_one(line: Line) -> None:
    bootstrap(line.book)
    line.shoot("a")
    line.monitor()
    line.sicken()
    promote(line.book, "B")
    line.shoot("b", late=HOUR)
    line.monitor()
    assert line.record().action != "retrain"


def test_enough_new_labels_are_announced_once(line: Line) -> None:
    bootstrap(line.book)
    line.label("a", "b")
    line.monitor(FEW)
    assert line.arrivals() == []
    line.label("c")
    for _ in range(3):
        line.monitor(FEW)
    assert line.arrivals() == [3]
    assert line.announced[0][1:] == (MODEL, {"champion": content_hash("A"), "labels": 3})


def test_a_few_more_labels_are_no_reason_to_ask_again_but_as_many_again_are(line: Line) -> None:
    bootstrap(line.book)
    line.label("a", "b", "c")
    line.monitor(FEW)
    line.label("d", "e")
    line.monitor(FEW)
    assert line.arrivals() == [3]
    line.label("f")
    line.monitor(FEW)
    assert line.arrivals() == [3, 6]


def test_labels_that_the_champion_was_evaluated_on_are_not_new(line: Line) -> None:
    bootstrap(line.book)
    line.label("a", "b", "c")
    line.evaluated()
    line.monitor(FEW)
    line.label("a", "d", "e")  # a is corrected
    line.evaluated()
    line.label("d", at=datetime.now(UTC) - HOUR)  # an older label than the one that counts
    line.label("f", "g")
    line.monitor(FEW)
    assert line.arrivals() == []
    line.label("b")
    line.monitor(FEW)
    assert line.arrivals() == [3]


def test_a_tool_that_writes_all_its_labels_again_brings_nothing_new(line: Line) -> None:
    bootstrap(line.book)
    line.label("a", "b", "c")
    line.evaluated()
    for key in [key for key in line.bucket.objects if "/labels/" in key and key.endswith(".json")]:
        line.bucket.landed = datetime.now(UTC) + timedelta(minutes=1)
        line.bucket.put(key, line.bucket.objects[key] + b" ")
    line.monitor(FEW)
    assert line.arrivals() == []


def test_labels_from_before_a_version_was_made_are_not_new_to_it(line: Line) -> None:
    line.label("a", "b", "c", at=datetime.now(UTC) - HOUR)
    bootstrap(line.book)
    line.monitor(FEW)
    assert line.arrivals() == []


def test_a_new_champion_is_asked_about_separately(line: Line) -> None:
    bootstrap(line.book)
    line.book.versions.add(reference("B"), "retrain")
    line.label("a", "b", "c")
    line.monitor(FEW)
    promote(line.book, "B")
    line.monitor(FEW)
    assert [payload["champion"] for _, _, payload in line.announced] == [content_hash("A"), content_hash("B")]


def test_labels_that_cannot_be_read_do_not_count(line: Line) -> None:
    bootstrap(line.book)
    line.label("a", "b")
    line.bucket.put(f"{MODEL}/labels/c.json", b"{")
    line.monitor(FEW)
    assert line.arrivals() == []


def test_without_a_champion_nobody_is_asked(line: Line) -> None:
    line.label("a", "b", "c")
    line.monitor(FEW)
    assert line.arrivals() == []


def test_the_same_labels_are_noted_once(line: Line) -> None:
    bootstrap(line.book)
    line.label("a")
    for _ in range(2):
        line.evaluated()
    assert [row.kind for row in line.book.decisions.list(MODEL)].count("evaluated") == 1


@pytest.mark.parametrize(
    ("busy", "written", "asked"),
    [("", Outcome.OK, 1), ("retrain calm-fox is running", Outcome.OK, 0), ("", Outcome.BREACH, 0)],
)
def test_a_breach_asks_for_a_challenger_unless_one_is_on_its_way_or_the_labels_are_wrong(
    line: Line, monkeypatch: pytest.MonkeyPatch, busy: str, written: Outcome, asked: int
) -> None:
    bootstrap(line.book)
    line.shoot("a")
    line.monitor()
    line.label("a")
    harm = Report(stage=Stage.EVALUATE, findings=(BREACH,))
    monkeypatch.setattr(evaluating, "publish_evaluation", lambda version: "")
    monkeypatch.setattr(evaluating, "labels", ingest.labels.fn)
    monkeypatch.setattr(evaluating, "open_window", ingest.open_window.fn)
    monkeypatch.setattr(evaluating, "note_evaluated", evaluate_stage.note_evaluated.fn)
    monkeypatch.setattr(evaluating, "measure", lambda *_: harm)
    looked = Report(stage=Stage.LABELS, findings=(Finding(check="box_once", subject="label_objects", outcome=written),))
    monkeypatch.setattr(evaluating, "check_labels", lambda *_: looked)
    monkeypatch.setattr(evaluating, "beside_labels", lambda *_: (looked,))
    monkeypatch.setattr(evaluating, "under_way", lambda model: busy)
    monkeypatch.setattr(evaluating, "conclude", lambda *given: conclude(line.book, *given[:4]))
    with disable_run_logger():
        state = evaluating.evaluate_model(MODEL, evaluating.LabelledRules(ingest=RULES))
    assert state.name == "Degraded"
    assert [event for event, _, _ in line.announced] == ["evergreen.performance.breached"] * asked
    line.monitor(IngestRules(new_labels=1))
    assert line.arrivals() == []
