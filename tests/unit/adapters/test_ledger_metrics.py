"""Metrics say what the ledger says, and only that."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.metrics import FINDINGS_LIMIT, SERVED_LIMIT, exposition
from tasks.adapters.metrics_catalogue import CATALOGUE
from tasks.domain.errors import LedgerUnavailable
from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.intent import Intent, IntentKind
from tasks.domain.kpi import KPIS, Business, Kpi, kpis_text
from tasks.domain.model import Kind, ModelRef
from tasks.domain.promotion import PromotionKind
from tasks.domain.serving import SERVING, Figures, Latency, Served, Tallies, figures_json
from tasks.domain.verdict import Action, Verdict
from tasks.domain.window import Window

NOW = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
FIRST, SECOND = "a" * 64, "b" * 64
HOSTILE = 'line "1"\\\n{x="y"} 1e9'

Scrape = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(book: Ledger) -> Scrape:
    families = text_string_to_metric_families(exposition(lambda: book).decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def at(found: Scrape, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    Ledger.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def book(empty_file: Path, tmp_path: Path) -> Ledger:
    (tmp_path / "ledger.db").write_bytes(empty_file.read_bytes())
    return Ledger.open(f"sqlite:///{tmp_path}/ledger.db", lambda: NOW)


def version(sha256: str, number: int) -> ModelRef:
    return ModelRef(
        name="solar", sha256=sha256, uri="s3://b/k", kind=Kind.DETECT, classes=("crack",), imgsz=640, version=number
    )


def served() -> Figures:
    total = Latency(n=90, quantiles=(10.0, 20.0, 500.0), largest=600.0)
    whole = Served(where="all", requests=100, failed=10, error_rate=0.1, per_second=2.5, latency={"total": total})
    many = [Served(where=f"camera={HOSTILE}{i}", requests=1, failed=0, error_rate=0, per_second=0.1) for i in range(90)]
    return Figures(
        groups=(whole, *many), per_hour=(), busiest=3, reasons={}, tallies=Tallies(start=DAY.start, seconds=300)
    )


def escapes() -> Kpi:
    return Kpi(name=HOSTILE, value=120, unit="ppm", better="lower", start=DAY.start, end=DAY.end)


def commit(book: Ledger, findings: tuple[Finding, ...], window: Window = DAY, rescore: bool = False) -> None:
    claim = book.windows.claim("solar", window, "worker", rescore=rescore)
    assert claim is not None
    verdict = Verdict(
        outcome=Outcome.BREACH, action=Action.FIX_CAMERA, sentence="dark",
        reports=(Report(stage=Stage.DRIFT, findings=findings),),
    )  # fmt: skip
    artifacts = {SERVING: json.dumps(figures_json(served())), KPIS: kpis_text(Business(kpis=(escapes(),)))}
    quarantined = {"truncated_image": 2, HOSTILE: 1}
    facts = WindowFacts(listed=10, accepted=7, quarantined=quarantined, artifacts=artifacts)
    book.windows.commit(claim, verdict, facts, (Intent(key=f"k{window}", kind=IntentKind.ALERT),))


@pytest.fixture
def full(book: Ledger) -> Ledger:
    book.versions.add(version(FIRST, 3), "bootstrap")
    book.versions.add(version(SECOND, 0), "retrain")
    book.promotions.move("solar", PromotionKind.BOOTSTRAP, "", FIRST, "Ana", "first")
    commit(
        book,
        (
            Finding(check="shift", subject="brightness", outcome=Outcome.BREACH, slice="camera=line-1", value=1.4,
                    limit=0.5, n=48),
            Finding(check="shift", subject="brightness", outcome=Outcome.OK, slice="camera=line-1", value=9.0),
            Finding(check="shift", subject=HOSTILE, outcome=Outcome.INCONCLUSIVE),
        ),
    )  # fmt: skip
    metrics = {
        "f1/crack": 0.7,
        "recall": math.nan,
        "label_lag_seconds": 86400.0,
        "label_lag_p90_seconds": 7200.0,
        "labelled_fraction": 0.2,
    }
    evaluation = Evaluation(
        model_sha256=FIRST, dataset="recent", digest="d", protocol="p", metric="map50_95",
        headline=Interval(value=0.5, low=0.4, high=math.nan), n=180, metrics=metrics,
    )  # fmt: skip
    book.evaluations.save("solar", evaluation, DAY)
    gate = book.gates.save("solar", SECOND, FIRST, Outcome.OK, {})
    book.approvals.request("solar", SECOND, FIRST, gate, NOW + timedelta(days=3), "run-1")
    return book


def test_a_judged_window_can_be_read_from_the_metrics(full: Ledger) -> None:
    found = scrape(full)
    assert at(found, "evergreen_ledger_up") == 1
    assert at(found, "evergreen_window_outcome", model="solar", action="fix_camera") == 2
    assert at(found, "evergreen_window_end_timestamp_seconds", model="solar") == DAY.end.timestamp()
    assert at(found, "evergreen_window_length_seconds", model="solar") == 86400
    labels = {"model": "solar", "stage": "drift", "check": "shift", "subject": "brightness", "slice": "camera=line-1"}
    assert at(found, "evergreen_finding_value", **labels) == 1.4
    assert at(found, "evergreen_finding_limit", **labels) == 0.5
    assert at(found, "evergreen_finding_outcome", **labels) == 2


def test_champion_performance_approvals_and_outbox_can_be_read_too(full: Ledger) -> None:
    found = scrape(full)
    assert at(found, "evergreen_champion_info", model="solar", version="3", sha256=FIRST) == 1
    labels = {"model": "solar", "version": "3", "dataset": "recent"}
    assert at(found, "evergreen_performance", metric="map50_95", **labels) == 0.5
    assert at(found, "evergreen_performance_low", metric="map50_95", **labels) == 0.4
    assert at(found, "evergreen_performance", metric="f1/crack", **labels) == 0.7
    assert at(found, "evergreen_performance_images", **labels) == 180
    assert at(found, "evergreen_label_lag_seconds", model="solar") == 86400
    assert at(found, "evergreen_labelled_fraction", model="solar") == 0.2
    assert at(found, "evergreen_pending_approvals", model="solar") == 1
    assert at(found, "evergreen_oldest_pending_approval_timestamp_seconds", model="solar") == NOW.timestamp()
    assert at(found, "evergreen_outbox_pending") >= 1
    assert at(found, "evergreen_outbox_dead") == 0
    for flow in ("monitor", "evaluate", "retrain", "promote"):
        assert at(found, "evergreen_last_success_timestamp_seconds", model="solar", flow=flow) == NOW.timestamp()


def test_what_was_not_measured_is_left_out_instead_of_being_nan(full: Ledger) -> None:
    assert not any(math.isnan(value) for value in scrape(full).values())
    assert not any(name == "evergreen_performance_high" for name, _ in scrape(full))


def test_images_are_added_up_over_windows_and_a_rescored_window_counts_once(full: Ledger) -> None:
    commit(full, (), Window(DAY.end, DAY.end + timedelta(days=1)))
    commit(full, (), rescore=True)
    found = scrape(full)
    assert at(found, "evergreen_images_total", model="solar", verdict="accepted", reason="") == 14
    assert at(found, "evergreen_images_total", model="solar", verdict="quarantined", reason="truncated_image") == 4


def test_hostile_names_stay_inside_their_label(full: Ledger) -> None:
    subjects = {dict(labels).get("subject") for _, labels in scrape(full)}
    assert any(subject and "1e9" in subject for subject in subjects)
    assert all(line.startswith(("#", "evergreen_")) for line in exposition(lambda: full).decode().splitlines())


def test_how_it_was_served_is_exposed_in_seconds_and_bounded(full: Ledger) -> None:
    found = scrape(full)
    wanted = {"model": "solar", "slice": "all", "step": "total", "quantile": "0.99"}
    assert at(found, "evergreen_serving_latency_seconds", **wanted) == 0.5
    assert at(found, "evergreen_serving_error_ratio", model="solar", slice="all") == pytest.approx(0.1)
    assert sum(name == "evergreen_serving_images_per_second" for name, _ in found) == SERVED_LIMIT


def test_a_flood_of_findings_is_bounded_and_keeps_the_breaches(full: Ledger) -> None:
    calm = tuple(
        Finding(check="shift", subject=f"calm {i}", outcome=Outcome.OK, value=0.1) for i in range(FINDINGS_LIMIT + 50)
    )
    late = Finding(check="shift", subject="late", outcome=Outcome.BREACH, value=9.0)
    commit(full, (*calm, late), rescore=True)
    shown = {dict(labels)["subject"] for name, labels in scrape(full) if name == "evergreen_finding_outcome"}
    assert len(shown) == FINDINGS_LIMIT
    assert "late" in shown


def test_everything_that_is_exposed_is_in_the_catalogue_and_the_other_way_round(full: Ledger, book: Ledger) -> None:
    names = {name for name, _ in scrape(full)}
    assert names <= set(CATALOGUE)
    assert set(CATALOGUE) - names <= {"evergreen_performance_high"}  # nan in this ledger
    for name, labels in scrape(full):
        assert {key for key, _ in labels} == set(CATALOGUE[name].labels)


def test_an_empty_ledger_is_up_and_has_nothing_to_say(book: Ledger) -> None:
    assert {name for name, _ in scrape(book)} == {
        "evergreen_ledger_up", "evergreen_outbox_pending", "evergreen_outbox_dead",
    }  # fmt: skip


def test_a_ledger_that_does_not_answer_is_said_by_one_sample() -> None:
    def gone() -> Ledger:
        raise LedgerUnavailable("no answer")

    samples = [line for line in exposition(gone).decode().splitlines() if not line.startswith("#")]
    assert samples == ["evergreen_ledger_up 0.0"]
