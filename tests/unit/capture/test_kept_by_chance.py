"""Capture keeps unsure images always and one in ten of the others: every number is still that of production.

From the serving process through a bucket to each stage, beside a truth that only the test knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.adapters.images import ImageCache
from tasks.adapters.tables import TableStore
from tasks.capture.capture import Capture
from tasks.capture.rules import SamplingRules
from tasks.concept.answered import answered as held_against
from tasks.concept.maturity import Seen, window_row
from tasks.curate.sources import index, labelled
from tasks.domain.evaluation import Interval
from tasks.domain.expectation import STANDS_FOR
from tasks.domain.model import Kind
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.classification import score_classes
from tasks.domain.scoring.scored import summary
from tasks.domain.scoring.truth import Truth
from tasks.domain.window import Window
from tasks.estimate.audit import Candidate, audit, first
from tasks.estimate.belief import Belief, Curve
from tasks.estimate.checking import Again, audited
from tasks.estimate.framed import ALWAYS
from tasks.estimate.reading import answers_of, images_of
from tasks.estimate.signs import Views
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, Pulled, pull_window
from tasks.ingest.rules import IngestRules
from tasks.quality.frames import IMAGES, frames
from tasks.serving.rules import ServingRules
from tasks.serving.tally import COLUMNS, Tally
from tests.fakes.memory_store import MemoryStore

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")
REQUESTS, FAILED = 3_000, 150
ROOMY, CROWDED = 20_000, 400


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A window as it was pulled, and the class that is really on each image of all that were predicted on."""

    tables: TableStore
    pulled: Pulled
    really: Mapping[str, int]
    accuracy: float

    def labels(self) -> dict[str, dict[str, Any]]:
        """People labelled every image that they could see, and nothing else."""
        told = {"key": None, "camera": None, "session": None, "kind": "classify", "labelled_at": WINDOW.end}
        told |= {"annotator": "ada", "verdict": None, "golden": False, "captured_at": None}
        rows = self.tables.read(self.pulled.catalog).to_pylist()
        there = [row["image_id"] for row in rows if row["verdict"] == "accepted"]
        return {
            name: {**told, "image_id": name, "objects": [{"class_id": self.really[name], "box": None}]}
            for name in there
        }


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryStore, dict[str, int], float]:
    """What production left in the bucket: of 2,850 answers a tenth is unsure, and every second of those is wrong."""
    store, rng, really, right = MemoryStore(landed=WINDOW.end), np.random.default_rng(3), {}, []
    sampling = SamplingRules(rate=0.1, keep_below_confidence=0.6)
    capture = Capture(model="parts", model_version="1", camera="a", store=store, kind=Kind.CLASSIFY,
                      sampling=sampling, spool=tmp_path_factory.mktemp("spool"), wait_when_full=True)  # fmt: skip
    with capture:
        for number in range(REQUESTS):
            at, name = WINDOW.start + timedelta(seconds=1.2 * number), f"i{number}"
            if number % (REQUESTS // FAILED) == 0:
                capture.record_error("CUDA out of memory", captured_at=at, image_id=name)
                continue
            unsure = rng.random() < 0.1
            said, sure = int(rng.integers(2)), 0.55 if unsure else 0.95
            right.append(rng.random() < (0.5 if unsure else 0.98))
            really[name] = said if right[-1] else 1 - said
            odds = [sure, 1 - sure] if said == 0 else [1 - sure, sure]
            pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
            capture.record_arrays(
                pixels, {"size": (16, 16), "probabilities": odds}, captured_at=at, image_id=name, session=name
            )
    assert capture.stats()["recorded"] == REQUESTS and capture.stats()["kept"] < REQUESTS / 4
    return store, really, float(np.mean(right))


@pytest.fixture(scope="module", params=[ROOMY, CROWDED])
def plant(
    request: pytest.FixtureRequest,
    shelf: tuple[MemoryStore, dict[str, int], float],
    tmp_path_factory: pytest.TempPathFactory,
) -> Plant:
    (store, really, accuracy), home = shelf, tmp_path_factory.mktemp("home")
    tables = TableStore(store, home / "tables")  # type: ignore[arg-type]
    bucket = Bucket(store=store, cache=ImageCache(store, home / "images"), workers=2)  # type: ignore[arg-type]
    rules = IngestRules(max_images=request.param)
    pulled = pull_window(bucket, tables, Asked(model="parts", window=WINDOW, rules=rules, place="w.parquet", classes=2))
    assert (pulled.left_out > 0) == (request.param == CROWDED)
    return Plant(tables=tables, pulled=pulled, really=really, accuracy=accuracy)


def tells(found: Interval, truth: float) -> None:
    assert found.low <= truth <= found.high
    assert found.value == pytest.approx(truth, abs=0.03)


def test_the_score_of_a_labelled_set_is_that_of_production(plant: Plant) -> None:
    listed = index(plant.tables.read(plant.pulled.catalog).to_pylist())
    known, unused = labelled(plant.labels().values(), listed, 10)
    said = {row["image_id"]: row for row in plant.tables.read(plant.pulled.predictions).to_pylist()}
    truths, answers = [], []
    for each in known:
        given = {one["class_id"]: one["confidence"] for one in said[each.image_id]["detections"]}
        classes = np.array([one["class_id"] for one in each.objects])
        truths.append(
            Truth(image_id=each.image_id, session=each.image_id, classes=classes,
                  boxes=np.zeros((1, 4), np.float32), chance=each.chance)
        )  # fmt: skip
        answers.append(Prediction(probabilities=np.array([given[0], given[1]], np.float32)))
    assert not unused
    tells(summary(score_classes(truths, answers, ["bad", "good"])).headline, plant.accuracy)


def test_the_labelled_row_of_a_window_is_that_of_production(plant: Plant) -> None:
    rows = plant.tables.read(plant.pulled.predictions).to_pylist()
    images = held_against(rows, plant.labels(), 0.25)
    assert len(images) == len(plant.labels())
    seen = Seen(window=WINDOW, champion_sha256="c", accepted={"a": len(rows)}, images=images)
    tells(window_row(seen, "d", 1.0).headline, plant.accuracy)


def test_an_audit_speaks_for_all_answers_with_and_without_guesses(plant: Plant) -> None:
    drawn = [
        Candidate(**{**{name: getattr(each.image, name) for name in Candidate.__slots__}, "chance": each.chance})
        for each in audit(WINDOW, images_of(plant.tables, plant.pulled.catalog), 250).drawn
    ]
    said = plant.labels()
    mine = frozenset(each.image_id for each in drawn)
    answers = answers_of(plant.tables, plant.pulled.predictions, "1", mine)
    place = {name: at for at, name in enumerate(answers.image_ids)}
    looked = first(images_of(plant.tables, plant.pulled.catalog), 350)
    own = [answers.answers[place[each.image_id]] for each in looked]
    again = Again(image_ids=[each.image_id for each in looked], views=Views(own=own, mirrored=own))
    for found in (audited(answers, drawn, said, beliefs()), audited(answers, drawn, said, beliefs(), again)):
        tells(found["f1"].interval, plant.accuracy)
        tells(found["f1"].alone, plant.accuracy)


def beliefs() -> Any:
    """As much of a calibration as an audit asks: confidences mean what they say."""
    line = Curve(confidence=np.array([0.0, 1.0]), chance=np.array([0.0, 1.0]))
    belief = Belief(all=line, middles=np.full(2, np.nan), recall=1.0, error=0.0, boxes=100, whole=True)
    return SimpleNamespace(belief=belief, confidences=(ALWAYS, ALWAYS))


def test_requests_and_errors_are_those_of_production(plant: Plant) -> None:
    tally = Tally(WINDOW, ServingRules().objectives)
    for batch in plant.tables.batches(plant.pulled.predictions, COLUMNS):
        tally.add(batch)
    whole = tally.figures().whole
    assert whole.per_second == pytest.approx(REQUESTS / 3_600)
    assert whole.error_rate == pytest.approx(FAILED / REQUESTS)


def test_a_share_of_the_answers_is_that_of_production(plant: Plant) -> None:
    catalog, predictions = (plant.tables.read(each) for each in (plant.pulled.catalog, plant.pulled.predictions))
    images = frames(catalog, predictions, WINDOW)[IMAGES]
    share = np.average(images["failed"].to_numpy(), weights=images[STANDS_FOR].to_numpy())
    assert share == pytest.approx(FAILED / REQUESTS)
