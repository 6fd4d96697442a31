"""What fails for one model is told, and stops no other."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.logging import disable_run_logger
from prefect.states import Completed

from flows import evaluate as evaluating
from flows import monitor as monitoring
from flows import reconcile as reconciling
from tasks.domain.errors import EvergreenError, LedgerUnavailable, NotFound, StoreUnavailable, UnsafeModel

GONE = NotFound("the weights of a are gone from the bucket")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each flow over the models a, b, c, of which some fail; the state, and who had a turn."""

    def start(flow: str, faults: dict[str, EvergreenError]) -> tuple[Any, list[str]]:
        turns: list[str] = []

        def work(name: str, *_: Any) -> Any:
            turns.append(name)
            if name in faults:
                raise faults[name]
            return Completed(name="Healthy") if flow == "evaluate" else []

        module = {"evaluate": evaluating, "monitor": monitoring, "reconcile": reconciling}[flow]
        monkeypatch.setattr(module, "models", lambda: ["a", "b", "c"])
        monkeypatch.setattr(module, "flush_alerts", lambda: turns.append("alerts"))
        monkeypatch.setattr(
            module, {"evaluate": "evaluate_model", "monitor": "agenda", "reconcile": "project"}[flow], work
        )
        monkeypatch.setattr(monitoring, "tell_of_labels", lambda *_: None)
        with disable_run_logger():
            try:
                return getattr(module, flow).fn(), turns
            except EvergreenError as error:
                return error, turns

    return start


@pytest.mark.parametrize(
    ("flow", "name"), [("evaluate", "NotEvaluated"), ("monitor", "NotJudged"), ("reconcile", "NotReconciled")]
)
def test_what_fails_for_one_model_stops_no_other_and_is_told_at_the_end(run: Any, flow: str, name: str) -> None:
    state, turns = run(flow, {"a": GONE})
    assert turns == ["a", "b", "c", "alerts"]
    assert state.is_failed() and state.name == name
    assert "a was not" in state.message and str(GONE) in state.message


def test_every_model_that_failed_is_named_and_refused_weights_name_the_state(run: Any) -> None:
    state, _ = run("evaluate", {"a": GONE, "c": UnsafeModel("other bytes")})
    assert state.name == "WeightsRefused"
    assert "a was not" in state.message and "c was not" in state.message and "other bytes" in state.message


@pytest.mark.parametrize("outage", [StoreUnavailable("no answer"), LedgerUnavailable("locked")])
def test_an_outage_of_one_model_lets_the_others_through_and_stays_an_outage(run: Any, outage: Any) -> None:
    found, turns = run("evaluate", {"a": GONE, "b": outage})
    assert found is outage
    assert turns == ["a", "b", "c", "alerts"]
