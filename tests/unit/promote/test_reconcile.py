"""MLflow follows the ledger, whatever happened to either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.adapters.ledger.store import Ledger
from tasks.domain.card import VersionCard
from tasks.domain.errors import NotFound, RegistryUnavailable
from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.finding import Finding, Outcome, finding_json
from tasks.domain.intent import Intent, IntentKind
from tasks.domain.model import Kind, ModelRef
from tasks.domain.promotion import ApprovalState, Promotion, PromotionKind
from tasks.promote.page import VersionStory, version_page
from tasks.promote.reconcile import ReconcileReport, reconcile

MODEL = "cells"
A, B = "a" * 64, "b" * 64


@dataclass(frozen=True)
class Row:
    version: int
    sha256: str
    duplicate: bool = False


@dataclass
class FakeRegistry:
    """MLflow in memory, with a switch for an outage."""

    rows: list[Row] = field(default_factory=list)
    pointers: dict[str, int] = field(default_factory=dict)
    pages: dict[int, str] = field(default_factory=dict)
    card: str = ""
    evaluations: list[tuple[int, str]] = field(default_factory=list)
    logged: set[int] = field(default_factory=set)
    tags: dict[int, Mapping[str, str]] = field(default_factory=dict)
    down: bool = False
    writes: int = 0

    def _touch(self, wrote: bool = True) -> None:
        if self.down:
            raise RegistryUnavailable("MLflow did not answer")
        self.writes += wrote

    def versions(self, name: str) -> list[Row]:
        self._touch(False)
        return list(self.rows)

    def register(self, ref: ModelRef, weights: Path, card: VersionCard) -> int:
        self._touch()
        self.rows.append(Row(max([row.version for row in self.rows], default=0) + 1, ref.sha256))
        self.tags[self.rows[-1].version] = card.tags
        return self.rows[-1].version

    def aliases(self, name: str) -> dict[str, int]:
        self._touch(False)
        return dict(self.pointers)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        self._touch()
        if version not in {row.version for row in self.rows}:
            raise NotFound(f"no version {version}")
        self.pointers[alias] = version

    def delete_alias(self, name: str, alias: str) -> None:
        self._touch()
        self.pointers.pop(alias, None)

    def describe(self, name: str, version: int, markdown: str) -> None:
        self._touch()
        self.pages[version] = markdown

    def describe_model(self, name: str, markdown: str) -> None:
        self._touch()
        self.card = markdown

    def log_evaluation(self, name: str, version: int, evaluation: Evaluation) -> str:
        self._touch()
        self.evaluations.append((version, evaluation.dataset))
        return "run"

    def log_promotions(self, name: str, moves: Sequence[Promotion], numbers: Mapping[str, int]) -> None:
        self._touch()
        self.logged.update(move.seq for move in moves)

    def compare_url(self, name: str, versions: Sequence[int]) -> str:
        return f"http://mlflow/compare/{'-'.join(map(str, versions))}"


def ref(sha256: str) -> ModelRef:
    return ModelRef(
        name=MODEL, sha256=sha256, uri=f"s3://b/{sha256}.pt", kind=Kind.CLASSIFY, classes=("ok", "crack"), imgsz=64
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.upgrade(url)
    with Ledger.open(url) as book:
        book.versions.add(ref(A), "bootstrap")
        book.promotions.move(MODEL, PromotionKind.BOOTSTRAP, expected_from="", to=A, actor="ada", reason="first")
        yield book


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


def run(ledger: Ledger, registry: FakeRegistry) -> ReconcileReport:
    return reconcile(ledger, registry, MODEL, weights=lambda version: Path(f"/{version.sha256}.pt"))


def ask(ledger: Ledger) -> int:
    ledger.versions.add(ref(B), "retrain", parent_sha256=A, dataset_digest="d" * 64)
    gate = Finding(check="non_inferior", subject="golden", outcome=Outcome.OK, value=0.01, limit=-0.02, n=200)
    gates = ledger.gates.save(MODEL, B, A, Outcome.OK, {"gates": [finding_json(gate)]})
    expires = datetime.now(UTC) + timedelta(hours=1)
    return ledger.approvals.request(MODEL, B, A, gates, expires_at=expires, flow_run_id="run").id


def promote(ledger: Ledger) -> None:
    number = ask(ledger)
    ledger.approvals.decide(number, ApprovalState.APPROVED, approver="ada", reason="better | <b>much</b>")
    ledger.promotions.move(
        MODEL, PromotionKind.PROMOTE, expected_from=A, to=B, actor="ada", reason="", approval_id=number
    )


def test_the_first_champion_is_registered_numbered_and_shown(ledger: Ledger, registry: FakeRegistry) -> None:
    report = run(ledger, registry)
    assert registry.pointers == {"champion": 1}
    assert ledger.versions.get(MODEL, A).ref.version == 1
    assert [version.sha256 for version in report.registered] == [A]
    assert (report.failed, report.out_of_band) == ((), ())
    assert ledger.outbox.pending() == []
    assert "champion" in registry.pages[1]
    assert "models:/cells@champion" in registry.card


def test_a_second_time_changes_nothing(ledger: Ledger, registry: FakeRegistry) -> None:
    run(ledger, registry)
    writes = registry.writes
    assert run(ledger, registry) == ReconcileReport()
    assert registry.writes == writes


def test_a_waiting_request_shows_its_challenger_and_does_not_promote_it(ledger: Ledger, registry: FakeRegistry) -> None:
    ask(ledger)
    run(ledger, registry)
    assert registry.pointers == {"champion": 1, "challenger": 2}
    assert registry.tags[2]["evergreen.parent"] == A[:12]
    assert "http://mlflow/compare/1-2" in registry.pages[2]
    assert "non\\_inferior golden" in registry.pages[2]


def test_a_promotion_moves_champion_and_previous_and_takes_the_challenger_away(
    ledger: Ledger, registry: FakeRegistry
) -> None:
    run(ledger, registry)
    promote(ledger)
    report = run(ledger, registry)
    assert registry.pointers == {"previous": 1, "champion": 2}
    assert report.out_of_band == ()
    assert registry.logged == {1, 2}
    assert "better \\| &lt;b&gt;much&lt;/b&gt;" in registry.pages[2]


def test_an_outage_is_reported_keeps_the_intent_and_heals_without_a_false_alarm(
    ledger: Ledger, registry: FakeRegistry
) -> None:
    run(ledger, registry)
    promote(ledger)
    registry.down = True
    assert run(ledger, registry).failed
    registry.down = False
    report = run(ledger, registry)
    assert registry.pointers["champion"] == 2
    assert report.out_of_band == ()


@pytest.mark.parametrize("edit", [{"champion": 2}, {}], ids=["moved by hand", "deleted by hand"])
def test_an_edit_by_hand_is_set_back_and_reported(ledger: Ledger, registry: FakeRegistry, edit: dict[str, int]) -> None:
    ledger.versions.add(ref(B), "retrain", parent_sha256=A)
    run(ledger, registry)
    registry.pointers = dict(edit)
    report = run(ledger, registry)
    assert len(report.out_of_band) == 1
    assert registry.pointers == {"champion": 1}
    assert ledger.promotions.champion(MODEL) == replace(ref(A), version=1)


def test_a_champion_version_that_was_deleted_is_registered_again_and_reported(
    ledger: Ledger, registry: FakeRegistry
) -> None:
    ledger.versions.add(ref(B), "retrain", parent_sha256=A)
    run(ledger, registry)
    registry.rows, registry.pointers = [Row(2, B)], {}
    report = run(ledger, registry)
    assert registry.pointers == {"champion": 3}
    assert any("deleted" in edit for edit in report.out_of_band)


def test_an_evaluation_waits_until_its_version_is_registered_then_is_shown(
    ledger: Ledger, registry: FakeRegistry
) -> None:
    score = Interval(value=0.8, low=0.7, high=0.9)
    evaluation = Evaluation(
        model_sha256=A, dataset="golden", digest="d" * 64, protocol="p", metric="accuracy", headline=score, n=50
    )
    ledger.evaluations.save(MODEL, evaluation)
    ledger.outbox.add(
        Intent(key="e1", kind=IntentKind.LOG_EVALUATION, payload={"model": MODEL, "sha256": A, "dataset": "golden"})
    )
    ledger.outbox.add(
        Intent(key="e2", kind=IntentKind.LOG_EVALUATION, payload={"model": MODEL, "sha256": B, "dataset": "golden"})
    )
    report = run(ledger, registry)
    assert registry.evaluations == [(1, "golden")]
    assert "0.800 (0.700 to 0.900)" in registry.pages[1]
    assert len(report.failed) == 1
    assert ledger.outbox.get("e1").state == "done"  # type: ignore[union-attr]
    assert ledger.outbox.get("e2").state == "pending"  # type: ignore[union-attr]


def test_a_version_that_was_trained_during_an_outage_is_registered_after_it(
    ledger: Ledger, registry: FakeRegistry
) -> None:
    run(ledger, registry)
    ledger.versions.add(ref(B), "retrain", parent_sha256=A)
    ledger.outbox.add(Intent(key="r", kind=IntentKind.REGISTER_VERSION, payload={"model": MODEL, "sha256": B}))
    registry.down = True
    assert run(ledger, registry).failed
    waiting = ledger.outbox.get("r")
    assert waiting is not None and (waiting.state, waiting.attempts) == ("pending", 1)
    registry.down = False
    assert [version.sha256 for version in run(ledger, registry).registered] == [B]
    assert ledger.versions.get(MODEL, B).ref.version == 2


def test_another_models_intents_are_left_alone(ledger: Ledger, registry: FakeRegistry) -> None:
    ledger.outbox.add(Intent(key="x", kind=IntentKind.REGISTER_VERSION, payload={"model": "other", "sha256": B}))
    run(ledger, registry)
    assert [row.key for row in ledger.outbox.pending()] == ["x"]


def test_a_version_nobody_could_measure_says_so(ledger: Ledger) -> None:
    nothing = Interval(value=float("nan"), low=float("nan"), high=float("nan"))
    evaluation = Evaluation(
        model_sha256=A, dataset="recent", digest="", protocol="p", metric="accuracy", headline=nothing, n=0
    )
    record = ledger.versions.get(MODEL, A)
    page = version_page(VersionStory(record=record, version=1, role="champion", evaluations=[evaluation]))
    assert "no evidence" in page
    assert "nan" not in page.replace("AAA", "")
