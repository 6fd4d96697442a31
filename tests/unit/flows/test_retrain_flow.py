"""Nothing is trained on labels that are written in a wrong way."""

from __future__ import annotations

import pytest
from prefect.logging import disable_run_logger

from flows import retrain as retraining
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.snapshot import TableRef

LABELS = TableRef(uri="s3://b/labels.parquet", schema="labels", rows=30, digest="d")
TWICE = Finding(
    check="box_once", subject="label_objects.twin", outcome=Outcome.BREACH, note="12 of 30 rows break it: i7"
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the flow went on to make."""
    made: list[str] = []
    monkeypatch.setattr(retraining, "champion_and_reference", lambda model: (None, None))
    monkeypatch.setattr(retraining, "labels", lambda model, rules: LABELS)
    monkeypatch.setattr(retraining, "training_dataset", lambda *_: made.append("manifest"))
    monkeypatch.setattr(retraining, "check_retrain", lambda *_: "12 images to learn from, 8 more labels needed")
    return made


@pytest.mark.parametrize(
    ("found", "message", "manifests"),
    [((TWICE,), "box_once of label_objects.twin: 12 of 30 rows break it: i7", 0), ((), "8 more labels needed", 1)],
)
def test_broken_labels_stop_a_retraining_before_anything_is_made_of_them(
    made: list[str], monkeypatch: pytest.MonkeyPatch, found: tuple[Finding, ...], message: str, manifests: int
) -> None:
    monkeypatch.setattr(retraining, "check_labels", lambda *_: Report(stage=Stage.LABELS, findings=found))
    with disable_run_logger():
        state = retraining.retrain.fn("welds")
    assert state.name == "NotRetrained" and message in (state.message or "")
    assert len(made) == manifests
