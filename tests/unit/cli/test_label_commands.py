"""Commands about labels answer with what the ledger and the bucket hold, for people and for programs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tasks import connections
from tasks.adapters.ledger.records import DecisionKind
from tasks.cli import golden_commands, label_commands
from tasks.cli.output import CHECK_FAILED, OK
from tasks.domain.errors import ConfigError, NotFound, Stale
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Protocol
from tasks.domain.scoring.scored import evaluation, score
from tasks.domain.scoring.stored import to_table
from tasks.domain.scoring.truth import Truth
from tests.fakes.labelled_line import LabelledLine, found, labelled_line, thing
from tests.unit.ledger.ledger_cases import MODEL

__all__ = ["labelled_line"]

THEN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=40)


@pytest.fixture
def line(labelled_line: LabelledLine, monkeypatch: pytest.MonkeyPatch) -> LabelledLine:
    for name, thing_ in (
        ("ledger", labelled_line.book),
        ("store", labelled_line.bucket),
        ("tables", labelled_line.tables),
    ):
        monkeypatch.setattr(connections, name, lambda thing_=thing_: thing_)
    labelled_line.judge(1, {f"i{n}": [found()] for n in range(30)})
    labelled_line.judge(0, {f"j{n}": [found()] for n in range(30)})
    return labelled_line


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_history_of_an_image_shows_every_label_and_which_one_counts(
    line: LabelledLine, capsys: pytest.CaptureFixture[str]
) -> None:
    line.label("i0", [thing()], THEN)
    line.label("i0", [thing(1), thing(0)], THEN + timedelta(minutes=1), by="kim")
    line.label("i0", at=THEN + timedelta(minutes=2), verdict="wrong_box")
    assert label_commands.labels(MODEL, image="i0", json=True) == OK
    rows = answer(capsys)
    assert [(row["annotator"], row["objects"], row["place"]) for row in rows] == [
        ("ada", 1, "superseded"), ("kim", 2, "counts"), ("ada", 0, "partial"),
    ]  # fmt: skip
    assert label_commands.labels(MODEL, image="nobody", json=True) == CHECK_FAILED


def test_the_account_names_what_waits_for_a_full_label(line: LabelledLine, capsys: pytest.CaptureFixture[str]) -> None:
    line.label("i0", verdict="missed_object")
    line.label("i1", verdict="correct")
    assert label_commands.labels(MODEL, json=True) == OK
    told = answer(capsys)
    assert (told["rows"], told["places"], told["queue"]) == (2, {"counts": 1, "partial": 1}, ["i0"])
    assert label_commands.labels(MODEL) == OK
    assert "waiting for a full label: i0" in capsys.readouterr().out


def test_the_trend_shows_windows_with_how_mature_they_are(
    line: LabelledLine, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(30):
        line.label(f"i{n}", [thing()])
    line.label("j0", [])
    line.evaluate()
    assert label_commands.trend(MODEL, dataset="window", json=True) == OK
    first, second = answer(capsys)
    assert (first["value"], first["compared"], first["returned"]) == (1.0, True, 1.0)
    assert (second["value"], second["compared"]) == (0.0, False) and "immature" in second["why"]


def test_power_answers_both_ways_round(line: LabelledLine, capsys: pytest.CaptureFixture[str]) -> None:
    assert label_commands.power(detect=0.03, json=True) == OK
    told = answer(capsys)
    needed = {row["question"]: row["labels"] for row in told["answers"]}
    assert told["least"] == {"trend": 100, "gate": 200, "instances_of_a_class": 30}
    assert 170 <= needed["two versions on the same images"] <= 200
    assert needed["two sets of different images"] > 1.8 * needed["one set against a limit"]
    assert label_commands.power(labels=200, json=True) == OK
    falls = {row["question"]: row["fall"] for row in answer(capsys)["answers"]}
    assert falls["two versions on the same images"] == pytest.approx(0.029, abs=0.002)
    assert label_commands.power(detect=0.05, model=MODEL, json=True) == OK
    assert answer(capsys)["answers"][0]["from"] == "usual spread", "no image of it was scored yet"


@pytest.mark.parametrize("given", [{}, {"detect": 0.1, "labels": 5}, {"detect": 3.0}, {"labels": 0}])
def test_power_refuses_what_it_cannot_answer(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--detect"):
        label_commands.power(**given)


def test_power_of_a_model_that_has_no_champion_is_refused(line: LabelledLine) -> None:
    with pytest.raises(NotFound, match="no champion"):
        label_commands.power(detect=0.03, model="nobody")


def test_the_golden_set_is_frozen_once_and_accepted_by_name(
    line: LabelledLine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert golden_commands.golden_freeze(MODEL, by="eve") == CHECK_FAILED
    line.label("i0", [thing()], golden=True)
    capsys.readouterr()
    assert golden_commands.golden_freeze(MODEL, by="eve", json=True) == OK
    assert [(row["version"], row["images"], row["by"]) for row in answer(capsys)] == [(1, 1, "eve")]
    with pytest.raises(Stale, match="accept"):
        golden_commands.golden_freeze(MODEL, by="eve")
    with pytest.raises(ConfigError, match="--reason"):
        golden_commands.golden_accept(MODEL, by="kim", reason=" ")
    line.label("i1", [thing()], golden=True)
    assert golden_commands.golden_accept(MODEL, by="kim", reason="one more", json=True) == OK
    assert [row["images"] for row in answer(capsys)] == [1, 2]


def test_an_audit_is_written_into_the_chain_of_decisions(line: LabelledLine) -> None:
    assert label_commands.label_audit(MODEL, by="eve", reason="all right") == OK
    champion = line.book.promotions.champion(MODEL)
    assert champion is not None
    noted = line.book.decisions.latest(MODEL, DecisionKind.LABELS_AUDITED, champion.sha256)
    assert noted is not None and (noted.actor, noted.payload) == ("eve", {"reason": "all right"})
    line.book.decisions.verify()


@pytest.mark.parametrize(
    ("model", "by", "reason", "error"),
    [(MODEL, "", "", ConfigError), (MODEL, "eve", " ", ConfigError), (MODEL, " ", "looked", ConfigError),
     ("nosuch", "eve", "looked", NotFound)],
)  # fmt: skip
def test_an_audit_by_nobody_without_a_reason_or_of_no_champion_is_not_written_down(
    line: LabelledLine, model: str, by: str, reason: str, error: type[Exception]
) -> None:
    before = len(line.book.decisions.list())
    with pytest.raises(error):
        label_commands.label_audit(model, by=by, reason=reason)
    assert len(line.book.decisions.list()) == before


def scored(line: LabelledLine, frames: int, sessions: int = 60) -> None:
    """An evaluation of the champion as the flow keeps it: sessions in which all or nothing is found."""
    champion = line.book.promotions.champion(MODEL)
    assert champion is not None
    truths, answers = [], []
    for n in range(sessions * frames):
        right = (n // frames) % 4 > 0
        box = np.array([[5, 5, 25, 25]], np.float32)
        label = np.zeros(1, np.int64)
        truths.append(Truth(image_id=f"i{n}", session=f"s{n // frames}", classes=label, boxes=box))
        answers.append(Prediction(boxes=box if right else box + 90, classes=label, confidences=np.ones(1, np.float32)))
    scores = score(champion, truths, answers)
    used = Protocol(imgsz=64, conf=0.1, iou=0.7, batch=1, rect=False, half=False, device="cpu", versions=("torch==1",))
    found = evaluation(champion, scores, "recent", "d" * 64, used)
    table = line.tables.write(to_table(scores), "scores", f"scores-{frames}.parquet")
    line.book.evaluations.save(MODEL, replace(found, scores_table=table))


def test_power_reads_spread_and_sessions_from_the_scores_of_the_last_evaluation(
    line: LabelledLine, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = []
    for frames in (2, 6):
        scored(line, frames)
        assert label_commands.power(detect=0.1, model=MODEL, json=True) == OK
        told = {row["question"]: row for row in answer(capsys)["answers"]}
        row = told["one set against a limit"]
        assert row["from"] == f"{60 * frames} scores"
        assert row["design_effect"] == pytest.approx(frames, rel=0.01), "frames of a session are one observation"
        assert told["map50_95 of one set against a limit"]["from"] == "its last interval"
        needed.append(row["labels"])
    assert 2 < needed[1] / needed[0] < 4


def test_power_does_without_scores_that_somebody_tidied_up(
    line: LabelledLine, capsys: pytest.CaptureFixture[str]
) -> None:
    scored(line, 2)
    del line.bucket.objects["scores-2.parquet"]
    shutil.rmtree(line.tables._cache)
    assert label_commands.power(detect=0.1, model=MODEL, json=True) == OK
    assert answer(capsys)["answers"][0]["from"] == "120 scores", "the ledger has the scores, if not their sessions"
