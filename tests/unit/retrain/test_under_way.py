"""While a challenger is on its way, no second one is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tasks.adapters.ledger.store import Ledger
from tasks.adapters.orchestrator import Run
from tasks.domain.errors import OrchestratorUnavailable
from tasks.domain.promotion import ApprovalState
from tasks.domain.snapshot import TableRef
from tasks.retrain import task as retrain
from tasks.retrain import underway
from tasks.retrain.rules import RetrainRules
from tests.unit.ledger.ledger_cases import MODEL, ask, bootstrap, promote, reference, roll_back


class Runs:
    """A Prefect server that knows the runs it was given."""

    def __init__(self) -> None:
        self.known: list[Run] = []

    def add(self, flow: str, model: str) -> None:
        run = Run(
            id="1", name="calm-fox", flow=flow, state_type="RUNNING", state_name="Running", message="", url="",
            parameters={"model": model},
        )  # fmt: skip
        self.known.append(run)

    def unfinished(self, flow: str, within: timedelta) -> list[Run]:
        return [run for run in self.known if run.flow == flow]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    runs = Runs()
    monkeypatch.setattr(underway, "orchestrator", lambda: runs)
    return runs


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.upgrade(url)
    with Ledger.open(url) as opened:
        monkeypatch.setattr(underway, "ledger", lambda: opened)
        monkeypatch.setattr(retrain, "ledger", lambda: opened)
        bootstrap(opened)
        yield opened


def test_nothing_is_under_way_at_first(book: Ledger, runs: Runs) -> None:
    assert underway.under_way(MODEL) == ""


@pytest.mark.parametrize("flow", ["retrain", "shadow", "promote"])
def test_a_run_of_the_chain_is_enough_but_only_for_its_model(book: Ledger, runs: Runs, flow: str) -> None:
    runs.add(flow, "another")
    assert underway.under_way(MODEL) == ""
    runs.add(flow, MODEL)
    assert underway.under_way(MODEL) == f"{flow} calm-fox is Running"


def test_prefect_that_does_not_answer_stops_no_challenger(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def unfinished(self, flow: str, within: timedelta) -> list[Run]:
            raise OrchestratorUnavailable("no answer")

    monkeypatch.setattr(underway, "orchestrator", Away)
    assert underway.under_way(MODEL) == ""
    ask(book, "B")
    assert "waits for an answer" in underway.under_way(MODEL)


def test_a_question_blocks_until_it_is_answered(book: Ledger, runs: Runs) -> None:
    request = ask(book, "B")
    assert "waits for an answer" in underway.under_way(MODEL)
    assert underway.under_way("another") == ""
    book.approvals.decide(request.id, ApprovalState.REJECTED, "ada", "no")
    assert underway.under_way(MODEL) == ""


def test_a_question_about_another_champion_blocks_nothing(book: Ledger, runs: Runs) -> None:
    promote(book, "C")
    ask(book, "B", base="C")
    assert "waits for an answer" in underway.under_way(MODEL)
    roll_back(book, "C", "A")
    assert underway.under_way(MODEL) == ""


def test_a_retrain_that_was_queued_meanwhile_is_refused_while_the_question_stands(book: Ledger, runs: Runs) -> None:
    ask(book, "B")
    dataset = TableRef(uri="s3://b/none.parquet", schema="datasets", rows=500, digest="d")
    refusal = retrain.check_retrain.fn(MODEL, reference("A"), dataset, RetrainRules(cooldown_hours=0))
    assert "waits for an answer" in refusal
