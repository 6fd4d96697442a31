"""Labels that are written in a wrong way are found before anything is learnt from them; hard ones are not accused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from prefect.logging import disable_run_logger

from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.snapshot import table_note
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.verdict import Action
from tasks.evaluate import task as evaluate_stage
from tasks.ingest import task as ingest
from tasks.ingest.rules import IngestRules
from tasks.quality import label_evidence
from tasks.quality import task as quality
from tasks.quality.agreement import Things, label_findings
from tasks.quality.label_suite import unfit
from tasks.quality.mix import counts, label_mix
from tasks.quality.rules import QualityRules
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, START, bootstrap, content_hash, facts, verdict, window

RULES = QualityRules()
IMAGES = 40
LABELLED = START + timedelta(hours=6)


def boxes(number: int) -> list[list[float]]:
    """Two objects of image `number`: far from square, and not where their mirror image would be."""
    rng = np.random.default_rng(number)
    x, y = rng.integers(200, 400, 2), rng.integers(5, 60, 2)
    return [[float(a), float(b), float(a) + 90, float(b) + 30] for a, b in zip(x, (y[0], y[1] + 80), strict=True)]


def label(number: int, **changes: Any) -> dict[str, Any]:
    row = {"schema": 1, "image_id": f"i{number}", "kind": "detect", "annotator": "kim"}
    row |= {"labelled_at": LABELLED.isoformat(), "captured_at": (START + timedelta(minutes=5)).isoformat()}
    row |= {"objects": [{"class_id": c, "box": box} for c, box in enumerate(boxes(number))]}
    return row | changes


class Desk:
    """A model in production whose answers are right, and people who label."""

    def __init__(self, folder: Path) -> None:
        self.bucket = MemoryStore(landed=datetime.now(UTC))
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book = Ledger.open(url)
        self.tables = TableStore(self.bucket, folder / "tables")  # type: ignore[arg-type]
        self.images = ImageCache(self.bucket, folder / "images")  # type: ignore[arg-type]
        bootstrap(self.book)
        self._judge()

    def _judge(self) -> None:
        """One window: every image accepted but the last, which was quarantined, and answered."""
        claim = self.book.windows.claim(MODEL, window(), "test")
        assert claim is not None
        catalog = [
            {"key": f"k{n}", "image_id": f"i{n}", "captured_at": START, "camera": "a", "size": 9, "etag": "e",
             "sha256": content_hash(f"i{n}"), "verdict": "accepted", "reason": "", "note": ""}
            for n in range(IMAGES)
        ]  # fmt: skip
        answers = [
            {"image_id": f"i{n}", "key": f"k{n}", "captured_at": START, "camera": "a", "model_version": "1",
             "kind": "detect", "width": 640, "height": 200,
             "detections": [{"class_id": c, "confidence": 0.9, "box": box} for c, box in enumerate(boxes(n))]}
            for n in range(IMAGES)
        ]  # fmt: skip
        listed = self.tables.write(pa.Table.from_pylist(catalog, schema=CATALOG), "catalog", "c.parquet")
        told = self.tables.write(pa.Table.from_pylist(answers, schema=PREDICTIONS), "predictions", "p.parquet")
        kept = replace(facts(IMAGES), catalog=listed, artifacts={"predictions": table_note(told)})
        self.book.windows.commit(claim, verdict(), kept)

    def write(self, *rows: dict[str, Any]) -> None:
        self.bucket.landed = datetime.now(UTC)
        for number, row in enumerate(rows):
            self.bucket.put(f"{MODEL}/labels/{number:04}.json", json.dumps(row).encode())

    def check(self, champion: bool = True, classes: int | None = None) -> Report:
        who = self.book.promotions.champion(MODEL) if champion else None
        with disable_run_logger():
            return quality.check_labels.fn(MODEL, who, ingest.labels.fn(MODEL, IngestRules()), RULES, classes)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    for module in (ingest, quality, label_evidence, evaluate_stage):
        for name, thing in (
            ("ledger", desk.book),
            ("store", desk.bucket),
            ("tables", desk.tables),
            ("images", desk.images),
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
    yield desk
    desk.book.close()


def broken(report: Report) -> set[str]:
    return {f.check for f in report.breaches()}


def test_good_labels_keep_every_rule_and_nothing_speaks_against_training(desk: Desk) -> None:
    desk.write(*(label(n) for n in range(30)))
    report = desk.check()
    assert {f.outcome for f in report.findings} == {Outcome.OK}
    assert {
        "refused_labels",
        "image_usable",
        "box_once",
        "box_inside_image",
        "coordinates",
        "class_ids",
        "class_mix",
    } <= {f.check for f in report.findings}
    assert unfit(report) == ""


def test_few_labels_are_not_judged_and_do_not_count_against_a_window(desk: Desk) -> None:
    desk.write(*(label(n, objects=[]) for n in range(3)))
    report = desk.check()
    assert [(f.outcome, f.note) for f in report.findings] == [
        (Outcome.INCONCLUSIVE, "3 labels that the champion has not learnt from, 17 more needed")
    ]
    sound = Report(stage=Stage.QUALITY, findings=(Finding(check="c", subject="s", outcome=Outcome.OK),))
    assert judge([sound, report], (), None).outcome is Outcome.OK


def mirrored(number: int) -> dict[str, Any]:
    return label(
        number, objects=[{"class_id": c, "box": [b[1], b[0], b[3], b[2]]} for c, b in enumerate(boxes(number))]
    )


def halved(number: int) -> dict[str, Any]:
    return label(number, objects=[{"class_id": c, "box": [x / 2 for x in b]} for c, b in enumerate(boxes(number))])


def exchanged(number: int) -> dict[str, Any]:
    return label(number, objects=[{"class_id": 1 - c, "box": box} for c, box in enumerate(boxes(number))])


def wide(number: int) -> dict[str, Any]:
    return label(number, objects=[{"class_id": 0, "box": [10.0, 10.0, 900.0, 90.0]}])


def thin(number: int) -> dict[str, Any]:
    return label(number, objects=[{"class_id": 0, "box": [10.0, 10.0, 11.2, 90.0]}])


def double(number: int) -> dict[str, Any]:
    first = boxes(number)[0]
    return label(number, objects=[{"class_id": 0, "box": b} for b in (first, [x + 0.2 for x in first])])


def new_class(number: int) -> dict[str, Any]:
    return label(number, objects=[{"class_id": 2, "box": boxes(number)[0]}])


CASES: dict[str, tuple[Callable[[int], dict[str, Any]], str]] = {
    "x and y are swapped": (mirrored, "coordinates"),
    "boxes of an image of half the size": (halved, "coordinates"),
    "class ids are exchanged": (exchanged, "class_ids"),
    "boxes reach over the edge": (wide, "box_inside_image"),
    "boxes are slips of the hand": (thin, "box_has_area"),
    "every object is there twice": (double, "box_once"),
    "a class that the model does not know": (new_class, "new_class"),
    "numbers are no numbers": (lambda n: label(n, objects=[{"class_id": 0, "box": ["1", 2, 3, 4]}]), "refused_labels"),
    "labelled before it was seen": (
        lambda n: label(n, captured_at=(LABELLED + timedelta(days=1)).isoformat()), "labelled_after_capture",
    ),
    "labels of images nobody has": (lambda n: label(n, image_id=f"gone-{n}"), "image_usable"),
    "labels of another kind": (lambda n: label(n, kind="classify", objects=[{"class_id": 0}]), "refused_labels"),
    "labels from the future": (lambda n: label(n, labelled_at="2999-01-01T00:00:00Z"), "refused_labels"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_labels_of_that_family_are_found_and_stop_a_retraining(desk: Desk, name: str) -> None:
    make, check = CASES[name]
    desk.write(*(make(n) for n in range(30)))
    report = desk.check()
    assert check in broken(report)
    assert "nothing is trained on them" in unfit(report)
    harm = Report(stage=Stage.EVALUATE, findings=(Finding(check="p", subject="map50", outcome=Outcome.BREACH),))
    assert judge([report], (), harm).action is Action.FIX_DATA


@pytest.mark.parametrize("count", [20, 40])
def test_a_single_slip_is_no_reason_to_stop(desk: Desk, count: int) -> None:
    desk.write(*(label(n) for n in range(count - 1)), thin(count - 1))
    assert unfit(desk.check()) == ""


def test_labels_that_were_deleted_since_the_last_evaluation_are_missed(desk: Desk) -> None:
    desk.write(*(label(n) for n in range(30)))
    champion = desk.book.promotions.champion(MODEL)
    assert champion is not None
    with disable_run_logger():
        evaluate_stage.note_evaluated.fn(champion, ingest.labels.fn(MODEL, IngestRules()))
    for number in range(5):
        desk.bucket.delete(f"{MODEL}/labels/{number:04}.json")
    [found] = [f for f in desk.check().findings if f.check == "label_missing"]
    assert (found.outcome, found.value) == (Outcome.BREACH, pytest.approx(5 / 30))


def test_a_first_version_knows_how_many_classes_it_will_have(desk: Desk) -> None:
    desk.write(*(label(n) for n in range(30)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "_classes", lambda model: None)
        assert broken(desk.check(champion=False, classes=1)) == {"class_known"}
        assert broken(desk.check(champion=False, classes=2)) == set()


def test_the_rules_results_lie_beside_the_labels(desk: Desk) -> None:
    desk.write(*(label(n) for n in range(30)))
    desk.check()
    [key] = [key for key in desk.bucket.objects if key.endswith("-quality.json")]
    assert set(json.loads(desk.bucket.objects[key])) == {"labels", "label_objects", "label_rows"}


def things(classes: list[int], corners: list[list[float]]) -> Things:
    return Things(classes=np.array(classes), boxes=np.array(corners, dtype=float).reshape(-1, 4))


@pytest.mark.parametrize("seed", range(20))
def test_a_model_that_fails_does_not_accuse_its_labels(seed: int) -> None:
    """Answers that have nothing to do with the labels, as on a product that the model never saw."""
    rng = np.random.default_rng(seed)

    def several(count: int) -> Things:
        return things(rng.integers(0, 3, count).tolist(), [_random_box(rng) for _ in range(count)])

    pairs = [(several(1), several(2)) for _ in range(60)]
    assert all(f.outcome is not Outcome.BREACH for f in label_findings(pairs, boxed=True))
    blind = [(things([int(rng.integers(2))], [[0, 0, 0, 0]]), things([0], [[0, 0, 0, 0]])) for _ in range(60)]
    assert all(f.outcome is not Outcome.BREACH for f in label_findings(blind, boxed=False))


@pytest.mark.parametrize(("classes", "outcome"), [(2, Outcome.OK), (3, Outcome.BREACH)])
def test_a_classifier_of_two_that_is_always_wrong_is_no_fault_of_its_labels(classes: int, outcome: Outcome) -> None:
    nowhere = [[0.0, 0.0, 0.0, 0.0]]
    pairs = [(things([n % classes], nowhere), things([(n + 1) % classes], nowhere)) for n in range(60)]
    assert [f.outcome for f in label_findings(pairs, boxed=False)] == [outcome]


def _random_box(rng: np.random.Generator) -> list[float]:
    x, y, w, h = rng.uniform([0, 0, 20, 20], [500, 100, 120, 90])
    return [x, y, x + w, y + h]


def test_a_mix_that_the_answers_share_is_a_new_product_not_a_fault_of_the_labels() -> None:
    trained = counts([[0]] * 90 + [[1]] * 10, 2)
    new = counts([[1]] * 80, 2)
    assert label_mix(new, trained, new, RULES).outcome is Outcome.OK
    alone = label_mix(new, trained, trained, RULES)
    assert (alone.outcome, alone.value) == (Outcome.BREACH, pytest.approx(0.78, abs=0.05))
    assert label_mix(counts([[1]] * 5, 2), trained, trained, RULES).outcome is Outcome.INCONCLUSIVE


def test_one_crowded_image_does_not_move_the_mix() -> None:
    trained = counts([[0]] * 90 + [[1]] * 10, 2)
    crowd = counts([[1] * 500] + [[0]] * 40, 2)
    assert label_mix(crowd, trained, trained, RULES).outcome is Outcome.OK
