"""The schedule alarm with a bucket in memory and a real ledger: windows come, are judged again, are acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.alert import task as alerting
from tasks.alert.delivery import deliver
from tasks.alert.rules import AlertRules
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.snapshot import Snapshot
from tasks.domain.tables import PROFILES, PROPERTIES, REFERENCES
from tasks.domain.verdict import Action
from tasks.domain.window import Window
from tasks.drift import task as drift
from tasks.drift.rules import DriftRules
from tasks.watch import task as stage
from tasks.watch.kept import ARTIFACT
from tasks.watch.rules import WatchRules
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, SetClock, bootstrap, content_hash, facts, table

START = datetime(2026, 9, 1, tzinfo=UTC)
STEP = timedelta(hours=6)
RULES = WatchRules(healthy_days=7, context_hours=6)
HEALTHY = 7 * 4
QUIET = Report(stage=Stage.DRIFT, findings=(Finding(check="ks", subject="noise", outcome=Outcome.OK, n=24),))


class Plant:
    """Two cameras with twelve scenes every six hours, and everything that monitor would do with them."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.clock = SetClock(START)
        self.book = Ledger.open(url, self.clock)
        self.tables = TableStore(MemoryStore(), folder / "tables")  # type: ignore[arg-type]
        self.number = 0
        bootstrap(self.book)
        self.pin("healthy")

    def pin(self, reason: str) -> None:
        shots = self.shots(START - timedelta(days=10), 100)
        columns = {name: pa.nulls(len(shots), REFERENCES.field(name).type) for name in set(REFERENCES.names)}
        for name in PROFILES.names:
            columns[name] = shots[name]
        ref = self.tables.write(pa.table(columns), "references", f"reference-{reason}.parquet")
        number = self.book.references.pin(MODEL, content_hash("A"), ref, "ada", reason)
        self.reference = self.book.references.get(number)

    def shots(self, start: datetime, count: int, shift: float = 0.0) -> pa.Table:
        rows = []
        for camera in ("a", "b"):
            for place in range(count):
                self.number += 1
                rng = np.random.default_rng(self.number)
                numbers = dict(zip(PROPERTIES, rng.normal(100, 10, len(PROPERTIES)).tolist(), strict=True))
                numbers["sharpness"] += shift * 10 if camera == "b" else 0.0
                rows.append(
                    {
                        "sha256": f"{self.number:064x}", "image_id": f"i{self.number}", "key": f"k{self.number}",
                        "camera": camera, "captured_at": start + place * timedelta(minutes=1),
                        "dark_fraction": 0.0, "bright_fraction": 0.0, "embedding": [0.0],
                        "dhash": f"{int(rng.integers(0, 2**63)):016x}", **numbers,
                    }
                )  # fmt: skip
        return pa.Table.from_pylist(rows, schema=PROFILES)

    def judge(self, number: int, shift: float = 0.0, shots: pa.Table | None = None, rescore: bool = False):
        """What `flows.monitor.judge_window` and `flows.steps.conclude` do, without pages."""
        window = Window(START + number * STEP, START + (number + 1) * STEP)
        self.clock.moment = max(self.clock.moment, window.end)
        claim = self.book.windows.claim(MODEL, window, "t", rescore=rescore)
        assert claim is not None
        profiled = self.tables.write(
            self.shots(window.start, 12, shift) if shots is None else shots, "profiles", f"{number}-{self.number}.p"
        )
        snapshot = Snapshot(
            claim=claim, catalog=table(), predictions=table(), listed=10, accepted=10, quarantined=0
        )  # fmt: skip
        watched = stage.check_schedule.fn(snapshot, profiled, self.reference, RULES)
        base = facts()
        known = watched.beside(type(base)(listed=10, accepted=10, reference_id=self.reference.id))
        reports = (QUIET, watched.report)
        verdict = judge(reports, drift.find_causes.fn(claim, reports, DriftRules(), stage.onsets(known)), None)
        intents = alerting.intents_for(MODEL, window, verdict, AlertRules(), ())
        self.book.windows.commit(claim, verdict, known, intents)
        deliver(self.book, (), 10)
        return verdict

    def value(self, number: int, subject: str = "sharpness") -> float | None:
        window = Window(START + number * STEP, START + (number + 1) * STEP)
        found = self.book.findings.of(MODEL, window)
        return next(f.value for _, f in found if (f.check, f.subject, f.slice) == ("cusum", subject, "camera=b"))


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    for module in (stage, drift, alerting):
        monkeypatch.setattr(module, "ledger", lambda: plant.book)
    monkeypatch.setattr(stage, "tables", lambda: plant.tables)
    yield plant
    plant.book.close()


def test_a_small_change_is_found_after_weeks_and_told_with_camera_property_and_onset(plant: Plant) -> None:
    for number in range(HEALTHY + 8):
        assert plant.judge(number).outcome is Outcome.OK
    verdicts = [plant.judge(number, shift=-1.0) for number in range(HEALTHY + 8, HEALTHY + 30)]
    assert verdicts[-1].action is Action.FIX_CAMERA
    (cause,) = verdicts[-1].causes
    assert cause.cameras == ("b",) and "sharpness" in cause.properties
    assert abs(cause.since - (START + (HEALTHY + 8) * STEP)) <= 5 * STEP
    first = next(place for place, verdict in enumerate(verdicts) if verdict.outcome is Outcome.BREACH)
    assert 3 <= first < 22
    (alert,) = plant.book.alerts.list(MODEL)
    assert "(b)" in alert.title

    plant.book.alerts.acknowledge(alert.id, "kim")
    assert plant.judge(HEALTHY + 30, shift=-1.0).outcome is Outcome.OK  # the sums begin anew
    later = [plant.judge(number, shift=-1.0).outcome for number in range(HEALTHY + 31, HEALTHY + 53)]
    assert later[-1] is Outcome.BREACH  # what was noted but not mended comes back


def test_a_window_that_is_judged_again_counts_once_in_every_later_sum(plant: Plant) -> None:
    last, tables = HEALTHY + 12, {}
    for number in range(last + 1):
        tables[number] = plant.shots(START + number * STEP, 12, -1.0 if number > HEALTHY + 2 else 0.0)
        plant.judge(number, shots=tables[number])
    before = plant.value(last)
    assert before is not None and before > 2
    for number in (last, last - 3, HEALTHY - 1, last):
        plant.judge(number, shots=tables[number], rescore=True)
    plant.judge(last, shots=tables[last], rescore=True)
    assert plant.value(last) == before
    plant.judge(last - 3, shots=plant.shots(START + (last - 3) * STEP, 12, 3.0), rescore=True)
    plant.judge(last, shots=tables[last], rescore=True)
    assert plant.value(last) != before


def test_a_new_reference_begins_with_no_history(plant: Plant) -> None:
    for number in range(HEALTHY + 3):
        plant.judge(number)
    assert plant.value(HEALTHY + 2) is not None
    plant.pin("new lamp")
    verdict = plant.judge(HEALTHY + 3)
    open_ones = [f for f in verdict.findings() if f.check == "cusum"]
    assert {f.outcome for f in open_ones} == {Outcome.INCONCLUSIVE}
    assert "1 healthy days since the reference, 6 more are needed" in open_ones[0].note
    assert verdict.outcome is Outcome.OK


def test_without_champion_or_reference_nothing_is_said_and_nothing_is_lost(plant: Plant) -> None:
    claim = plant.book.windows.claim(MODEL, Window(START, START + STEP), "t")
    assert claim is not None
    snapshot = Snapshot(claim=claim, catalog=table(), predictions=table(), listed=0, accepted=0, quarantined=0)
    watched = stage.check_schedule.fn(snapshot, None, None, RULES)
    assert watched.report.findings == ()
    assert ARTIFACT in watched.beside(facts()).artifacts and "drift_page" in watched.beside(facts()).artifacts
    assert stage.onsets(facts()) == {}
    older = replace(plant.reference, table=replace(plant.reference.table, uri="s3://b/references/2-abc.parquet"))
    assert older.outdated and not plant.reference.outdated
    assert stage.check_schedule.fn(snapshot, table(), older, RULES).report.findings == ()


def test_the_trail_stays_bounded_and_knows_only_its_own_reference(plant: Plant) -> None:
    for number in range(40):
        plant.judge(number)
    trail = plant.book.trails.against(MODEL, plant.reference.id, START + 40 * STEP, 2)
    assert [row.window.start for row in trail] == [START + n * STEP for n in [*range(8), *range(32, 40)]]
    assert plant.book.trails.against(MODEL, 99, START + 40 * STEP, 2) == []
    assert [row.window.end for row in plant.book.trails.against(MODEL, plant.reference.id, START + STEP, 60)] == [
        START + STEP
    ]
