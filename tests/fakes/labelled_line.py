"""A line in production whose windows are judged and whose images people label: real ledger, real tables, no network."""

import hashlib
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from prefect.client.schemas.objects import State
from prefect.logging import disable_run_logger

from flows import evaluate as evaluating
from flows.each_model import failed, of_each
from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.records import WindowFacts, WindowRecord
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.concept import task as concept
from tasks.concept.rules import ConceptRules
from tasks.curate import present
from tasks.curate import task as curate
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.snapshot import Claim, TableRef, table_note
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.verdict import Cause, CauseKind
from tasks.domain.window import Window
from tasks.evaluate import task as evaluate_stage
from tasks.ingest import task as ingest
from tasks.report import records
from tasks.report.judged import Judged
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap

HOUR = timedelta(hours=1)
BOX = [10.0, 10.0, 30.0, 30.0]
EMPTY = {"polygon": None, "corners": None, "keypoints": None}


def thing(class_id: int = 0, box: Sequence[float] = BOX) -> dict[str, Any]:
    return {"class_id": class_id, "box": list(box)}


def found(class_id: int = 0, confidence: float = 0.9, box: Sequence[float] = BOX) -> dict[str, Any]:
    return {**thing(class_id, box), "confidence": confidence, **EMPTY}


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


class LabelledLine:
    """`judge` makes a judged window, `label` writes what a person says, `evaluate` runs the flow's own functions."""

    def __init__(self, folder: Path) -> None:
        self.bucket = MemoryStore()
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book = Ledger.open(url)
        self.tables = TableStore(self.bucket, folder / "tables")  # type: ignore[arg-type]
        self.images = ImageCache(self.bucket, folder / "images")  # type: ignore[arg-type]
        self.answers = AnswerCache(folder / "answers", 2**26)
        self.newest = Window.containing(datetime.now(UTC) - 2 * HOUR, HOUR)
        self.rules = evaluating.LabelledRules(concept=ConceptRules(baseline_images=40))
        self.performance = Report(
            stage=Stage.EVALUATE,
            findings=(Finding(check="performance", subject="map50_95", outcome=Outcome.INCONCLUSIVE, note="few"),),
        )
        self.told: list[Judged] = []
        self.written = 0

    def window(self, back: int) -> Window:
        return Window(self.newest.start - back * HOUR, self.newest.end - back * HOUR)

    def moment(self, back: int, row: int = 0) -> datetime:
        return self.window(back).start + timedelta(seconds=10 * row)

    def judge(
        self,
        back: int,
        answers: dict[str, list[dict[str, Any]]],
        moved: bool = False,
        cameras: Sequence[str] = ("cam-1",),
        faulty: Sequence[str] = (),
        kept: float = 1.0,
        drawn: float | None = 1.0,
    ) -> None:
        """A window with these images and what the model answered on them, its cameras in turn; `moved`: its inputs
        were found to differ, `faulty`: cameras that were found to be at fault. `kept` is the chance that capture gave
        the images; with `drawn` None the tables are of before it was written: the catalog knew nothing of that.
        """
        window, catalog, rows = self.window(back), [], []
        for row, (name, detections) in enumerate(answers.items()):
            at, data = self.moment(back, row), picture(int.from_bytes(name.encode()[-7:]))
            camera = cameras[row % len(cameras)]
            key = f"{MODEL}/images/{camera}/{window.start:%Y/%m/%d/%H}/{name}.png"
            self.bucket.put(key, data)
            sha = hashlib.sha256(data).hexdigest()
            who = {"image_id": name, "key": key, "captured_at": at, "camera": camera, "sha256": sha}
            known = {"sampling_probability": 1.0 if drawn is None else kept, "drawn": drawn}
            catalog.append(
                {**who, **known, "size": len(data), "etag": "e", "verdict": "accepted", "reason": "", "note": ""}
            )
            rows.append({**who, "model_version": "1", "kind": "detect", "width": 64, "height": 48,
                         "detections": detections, "sampling_probability": kept, "drawn": drawn})  # fmt: skip
        place = f"{MODEL}/evergreen/{window.start:%Y%m%d%H}"
        listed = self.tables.write(pa.Table.from_pylist(catalog, schema=CATALOG), "catalog", f"{place}-c.parquet")
        told = self.tables.write(pa.Table.from_pylist(rows, schema=PREDICTIONS), "predictions", f"{place}-p.parquet")
        claim = self.book.windows.claim(MODEL, window, "test")
        assert claim is not None
        outcome = Outcome.BREACH if moved else Outcome.OK
        drift = Report(stage=Stage.DRIFT, findings=(Finding(check="ks", subject="brightness", outcome=outcome, n=60),))
        champion = self.book.promotions.champion(MODEL)
        facts = WindowFacts(
            listed=len(rows), accepted=len(rows), catalog=listed, artifacts={"predictions": table_note(told)},
            champion_sha256=champion.sha256 if champion else "",
        )  # fmt: skip
        causes = tuple(Cause(kind=CauseKind.CAMERA, summary=f"{name} is dirty", cameras=(name,)) for name in faulty)
        self.book.windows.commit(claim, judge((drift,), causes, None), facts)

    def label(self, name: str, objects: Any = (), at: datetime | None = None, by: str = "ada", **more: Any) -> None:
        """A file of its own for every label, so that none overwrites another."""
        when = at or datetime.now(UTC) - timedelta(minutes=30)
        self.bucket.landed = datetime.now(UTC)
        row = {"schema": 1, "image_id": name, "kind": "detect", "objects": list(objects), "annotator": by,
               "labelled_at": when.isoformat(), **more}  # fmt: skip
        if not name:
            del row["image_id"]
        self.written += 1
        self.bucket.put(f"{MODEL}/labels/{self.written:05d}-{by}.json", json.dumps(row).encode())

    def labels(self) -> TableRef:
        with disable_run_logger():
            return ingest.labels.fn(MODEL, self.rules.ingest)

    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["image_id"]: row for row in self.tables.read(self.labels()).to_pylist()}

    def evaluate(self) -> State:
        """One run of the flow for this model."""
        with disable_run_logger():
            states, faults = of_each([MODEL], lambda name: evaluating.evaluate_model(name, self.rules))
            return failed(faults, "NotEvaluated", evaluating.UNDONE) if faults else states[0]

    def record(self, back: int = 0) -> WindowRecord:
        record = self.book.windows.get(MODEL, self.window(back))
        assert record is not None
        return record

    def finding(self, check: str, subject: str, back: int = 0) -> Finding | None:
        """The answer to one question in the newest revision of a window."""
        known = self.book.findings.of(MODEL, self.window(back))
        return next((f for _, f in known if (f.check, f.subject) == (check, subject)), None)

    def conclude(self, claim: Claim, facts: WindowFacts, reports: Any, performance: Any, *_: Any) -> Judged:
        """`flows.steps.conclude` without pages and alerts."""
        verdict = judge(reports, (), performance)
        revision = self.book.windows.commit(claim, verdict, facts).revision
        self.told.append(Judged(model=MODEL, window=claim.window, revision=revision, verdict=verdict))
        return self.told[-1]


@pytest.fixture
def labelled_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The line with a champion that knows two classes."""
    line = LabelledLine(tmp_path)
    connect(line, monkeypatch)
    bootstrap(line.book)
    yield line
    line.book.close()


def connect(line: LabelledLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flow and stages speak to this line; inference, pages and rules about labels belong to other tests."""
    things = {
        "ledger": line.book,
        "store": line.bucket,
        "tables": line.tables,
        "images": line.images,
        "answers": line.answers,
    }
    for module in (ingest, records, evaluate_stage, curate, present, concept):
        for name, thing in things.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
    for module, names in (
        (ingest, ("labels", "open_window")),
        (curate, ("account_labels", "check_golden", "golden_dataset", "recent_dataset")),
        (concept, ("check_concept",)),
        (evaluate_stage, ("note_evaluated",)),
    ):
        for name in names:
            monkeypatch.setattr(evaluating, name, getattr(module, name).fn)
    monkeypatch.setattr(evaluating, "check_labels", lambda *_: Report(stage=Stage.LABELS))
    monkeypatch.setattr(evaluating, "measure", lambda *_: line.performance)
    monkeypatch.setattr(evaluating, "publish_evaluation", lambda version: "")
    monkeypatch.setattr(evaluating, "under_way", lambda model: "")
    monkeypatch.setattr(evaluating, "announce", lambda *_: None)
    monkeypatch.setattr(evaluating, "conclude", line.conclude)
