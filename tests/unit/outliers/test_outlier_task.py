"""The outlier stage with a bucket in memory and a real ledger: days go by, sums are made of what was stored."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.domain.finding import ALL, Outcome
from tasks.domain.model import Kind, ModelRef
from tasks.domain.snapshot import Snapshot, table_of
from tasks.domain.tables import CATALOG, PREDICTIONS, PROFILES
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict
from tasks.domain.window import Window
from tasks.outliers import task as stage
from tasks.outliers.rates import COUNT
from tasks.outliers.rules import OutlierRules
from tests.fakes.memory_store import MemoryStore
from tests.unit.outliers.plant import START, odd, table, usual

DAY = timedelta(days=1)
RULES = OutlierRules()
CAMERAS = ("cam-1", "cam-2")
CHAMPION = ModelRef(name="parts", sha256="c" * 64, uri="s3://b/c.pt", kind=Kind.DETECT, classes=("nut",), imgsz=64)


class World:
    """A plant of two cameras with a pinned reference of 600 scenes."""

    def __init__(self, path):
        self.bucket = MemoryStore()
        self.tables = TableStore(self.bucket, path / "tables")
        url = f"sqlite:///{path / 'ledger.db'}"
        Ledger.upgrade(url)
        self.ledger = Ledger.open(url)
        self.ledger.versions.add(CHAMPION, source="bootstrap")
        self.rng = np.random.default_rng(1)
        self.reference = self.pin(600)

    def scenes(self, count, start, strange=(), left=False):
        """One scene after the other, camera by camera; the rows in `strange` show something else."""
        cameras = [CAMERAS[place % 2] for place in range(count)]
        vectors = (
            np.stack([usual(self.rng, 1, CAMERAS.index(camera))[0] for camera in cameras])
            if count
            else odd(self.rng, 0)
        )
        for place in strange:
            vectors[place] = odd(self.rng, 1)[0]
        x = 0.2 if left else 0.6
        centres = [[(x + 0.05 * self.rng.standard_normal(), 0.4)] for _ in cameras]
        return table(vectors, cameras, centres, start, timedelta(minutes=8))

    def pin(self, count):
        ref = self.tables.write(self.scenes(count, START - 9 * DAY), "references", f"reference-{count}.parquet")
        number = self.ledger.references.pin("parts", CHAMPION.sha256, ref, "ann", "accepted")
        return self.ledger.references.get(number)

    def judge(self, number, strange=(), count=120, left=False, rescore=False, blame=(), reference=None):
        """One day judged and committed; what the stage found. The same day shows the same scenes again."""
        self.rng = np.random.default_rng(100 + number)
        window = Window(START + number * DAY, START + (number + 1) * DAY)
        claim = self.ledger.windows.claim("parts", window, "t", rescore=rescore)
        rows = self.scenes(count, window.start, strange, left)
        name = f"{number}-{claim.revision}"
        profiled = self.tables.write(rows.select(PROFILES.names), "profiles", f"profiles-{name}.parquet")
        answers = [{**row, "session": row["image_id"]} for row in rows.to_pylist()]
        predictions = self.tables.write(
            pa.Table.from_pylist(answers, schema=PREDICTIONS), "predictions", f"predictions-{name}.parquet"
        )
        catalog = self.tables.write(CATALOG.empty_table(), "catalog", f"catalog-{name}.parquet")
        snapshot = Snapshot(
            claim=claim, catalog=catalog, predictions=predictions, listed=count, accepted=count, quarantined=0
        )
        used = reference or self.reference
        found = stage.check_outliers.fn(snapshot, profiled, used, RULES)
        causes = tuple(Cause(kind=CauseKind.CAMERA, summary="dark", cameras=(camera,)) for camera in blame)
        self.ledger.windows.commit(
            claim,
            Verdict(
                outcome=found.report.outcome, action=Action.NONE, sentence="s", causes=causes, reports=(found.report,)
            ),
            WindowFacts(listed=count, accepted=count, reference_id=used.id, artifacts=found.artifacts),
        )
        return found


@pytest.fixture
def world(tmp_path, monkeypatch):
    found = World(tmp_path)
    monkeypatch.setattr(stage, "tables", lambda: found.tables)
    monkeypatch.setattr(stage, "ledger", lambda: found.ledger)
    yield found
    found.ledger.close()


def rate(found, where=ALL):
    [finding] = [f for f in found.report.findings if f.check == "outliers" and f.slice == where]
    return finding


def test_quiet_days_are_quiet_and_a_few_more_strange_images_a_day_are_found(world):
    assert all(world.judge(day).report.outcome is Outcome.OK for day in range(3))
    days = [rate(world.judge(day, strange=range(0, 120, 17))) for day in range(3, 6)]
    assert Outcome.BREACH in [finding.outcome for finding in days]
    assert days[-1].note.startswith("rose from 1.")


def test_a_day_that_is_judged_again_counts_once(world):
    first = rate(world.judge(0, strange=range(0, 8, 2)))
    for _ in range(3):
        again = rate(world.judge(0, strange=range(0, 8, 2), rescore=True))
    assert again.value == first.value
    assert rate(world.judge(1, strange=range(0, 8, 2))).value == pytest.approx(2 * first.value, abs=3)


def test_sums_start_anew_with_another_reference(world):
    world.judge(0, strange=range(0, 60, 10))
    other = world.pin(500)
    assert rate(world.judge(1, reference=other)).value < 1


def test_what_a_faulty_camera_saw_is_not_held_against_the_days_after(world):
    assert rate(world.judge(0, strange=range(0, 120, 2), blame=("cam-1",))).outcome is Outcome.BREACH
    after = world.judge(1)
    assert rate(after).outcome is Outcome.OK
    assert rate(after, "camera=cam-1").outcome is Outcome.OK


def test_objects_that_moved_on_a_camera_are_a_finding_with_two_maps(world):
    found = world.judge(0, left=True)
    breached = {f.slice: f.note for f in found.report.findings if f.subject == "object_position"}
    assert set(breached) == {"camera=cam-1", "camera=cam-2"}
    assert all(note.startswith("moved to the left (by ") for note in breached.values())
    maps = world.tables.read(table_of(found.artifacts["places"])).to_pylist()
    assert [(row["camera"], row["side"]) for row in maps] == [
        (camera, side) for side in ("reference", "window") for camera in CAMERAS
    ]
    assert all(sum(row["grid"]) == pytest.approx(1, abs=1e-3) for row in maps)


def test_the_strangest_images_are_kept_for_the_page(world):
    kept = world.tables.read(table_of(world.judge(0, strange=(7, 40)).artifacts["strange"])).to_pylist()
    window = [row for row in kept if row["side"] == "window"]
    worst = sorted(window, key=lambda row: -row["strangeness"])[:2]
    assert {row["image_id"][-2:] for row in worst} == {"07", "40"}
    assert worst[0]["session"] and worst[0]["detections"]
    assert all(row["strangeness"] is None for row in kept if row["side"] == "reference")
    assert np.isfinite([[row["x"], row["y"]] for row in kept]).all()


def test_counts_are_findings_in_the_ledger(world):
    world.judge(0, strange=(0, 2))
    rows = world.ledger.findings.against("parts", world.reference.id, COUNT, Window(START + DAY, START + 2 * DAY))
    assert [(row.window.start, [(f.subject, f.n) for f in row.findings]) for row in rows] == [
        (START, [("strange_images", 60), ("far_images", 60)] * 2)
    ]
    assert world.ledger.findings.against("parts", 99, COUNT, Window(START + DAY, START + 2 * DAY)) == []


@pytest.mark.parametrize("count", [0, 1, 3])
def test_next_to_nothing_is_inconclusive_and_says_what_is_missing(world, count):
    report = world.judge(0, count=count).report
    assert report.outcome is Outcome.INCONCLUSIVE
    assert rate(world.judge(1, count=count)).note != ""


def test_without_a_champion_or_a_reference_nothing_is_said_to_be_usual(world):
    claim = world.ledger.windows.claim("parts", Window(START, START + DAY), "t")
    empty = world.tables.write(PREDICTIONS.empty_table(), "predictions", "none.parquet")
    snapshot = Snapshot(claim=claim, catalog=empty, predictions=empty, listed=0, accepted=0, quarantined=0)
    for reference in (None, world.reference):
        found = stage.check_outliers.fn(snapshot, None, reference, RULES)
        assert (found.report.outcome, found.artifacts) == (Outcome.INCONCLUSIVE, {})


def test_a_reference_that_is_too_small_is_said_to_be(world):
    tiny = world.pin(20)
    assert "in the reference" in rate(world.judge(0, reference=tiny)).note
