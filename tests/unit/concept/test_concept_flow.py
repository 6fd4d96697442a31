"""Errors that rise: with the inputs it is damage, without them somebody looks at the labels first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tasks.concept import task as concept
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.verdict import Action
from tests.fakes.labelled_line import BOX, LabelledLine, found, labelled_line, thing

__all__ = ["labelled_line"]

LARGER = [4.0, 4.0, 36.0, 36.0]
PER = 60


def live(line: LabelledLine, back: int, moved: bool = False, wrong: float = 0.0, **how: object) -> None:
    """A window of 60 images of one object each; `wrong` of the answers miss it. Labelled an hour after it ended."""
    rng = np.random.default_rng(back)
    missed = rng.random(PER) < wrong
    names = [f"w{back}-{n}" for n in range(PER)]
    line.judge(
        back,
        {name: [] if miss else [found(n % 2)] for n, (name, miss) in enumerate(zip(names, missed, strict=True))},
        moved,
    )
    label(line, back, names, **how)


def label(line: LabelledLine, back: int, names: list[str], policy: str = "", careless: str = "") -> None:
    start = line.window(back).end + timedelta(minutes=1)
    for n, name in enumerate(names):
        by = "ada" if n % 2 else "kim"
        objects = [thing(n % 2, LARGER if policy == "boxes" else BOX)]
        if policy == "classes":
            objects = [one for one in objects if one["class_id"] == 0]
        if careless == by:
            objects = []
        line.label(name, objects, start + timedelta(seconds=n), by)


def steady(line: LabelledLine) -> None:
    """Two windows with three wrong answers in a hundred."""
    for back in (6, 5):
        live(line, back, wrong=0.03)


def verdict(line: LabelledLine) -> tuple[Action, str]:
    line.evaluate()
    told = line.told[-1].verdict
    return told.action, told.sentence


def test_a_steady_error_is_no_news(labelled_line: LabelledLine) -> None:
    steady(labelled_line)
    live(labelled_line, 0, wrong=0.03)
    assert verdict(labelled_line)[0] is Action.NONE
    told = labelled_line.finding("concept", "error")
    assert told is not None and told.outcome is Outcome.OK and told.limit is not None


def test_errors_that_rise_while_the_inputs_are_stable_ask_for_an_audit_before_any_training(
    labelled_line: LabelledLine,
) -> None:
    steady(labelled_line)
    live(labelled_line, 0, wrong=0.5)
    action, sentence = verdict(labelled_line)
    assert action is Action.AUDIT_LABELS
    assert "errors rose although its inputs did not change" in sentence and "Audit the labels first" in sentence
    told = labelled_line.finding("concept", "error")
    assert told is not None and told.outcome is Outcome.BREACH and "risen in what was taken since" in told.note


def test_once_somebody_audited_the_labels_the_same_errors_lead_to_retraining(labelled_line: LabelledLine) -> None:
    steady(labelled_line)
    live(labelled_line, 0, wrong=0.5)
    assert verdict(labelled_line)[0] is Action.AUDIT_LABELS
    concept.audit_labels("welds", "eve", "fifty looked at, all right")
    assert verdict(labelled_line)[0] is Action.RETRAIN
    told = labelled_line.finding("label_audit", "labels")
    assert told is not None and "eve" in told.note and "fifty looked at" in told.note


def test_errors_that_rise_with_the_inputs_are_damage(labelled_line: LabelledLine) -> None:
    steady(labelled_line)
    live(labelled_line, 0, moved=True, wrong=0.5)
    action, sentence = verdict(labelled_line)
    assert action is Action.RETRAIN
    assert "Labels show that the model got worse" in sentence


def test_inputs_that_moved_without_more_errors_are_no_reason_to_train(labelled_line: LabelledLine) -> None:
    steady(labelled_line)
    live(labelled_line, 0, moved=True, wrong=0.03)
    assert verdict(labelled_line)[0] in (Action.LABEL_MORE, Action.WAIT)
    told = labelled_line.finding("concept", "error")
    assert told is not None and told.outcome is Outcome.OK


def test_a_fall_that_evaluation_finds_asks_for_the_audit_too(labelled_line: LabelledLine) -> None:
    steady(labelled_line)
    live(labelled_line, 0, wrong=0.03)
    fall = Finding(check="performance", subject="map50_95", outcome=Outcome.BREACH, value=0.2, limit=0.5, n=200)
    labelled_line.performance = Report(stage=Stage.EVALUATE, findings=(fall,))
    assert verdict(labelled_line)[0] is Action.AUDIT_LABELS


def test_a_fall_of_which_no_window_knows_the_images_asks_for_the_audit_as_well(labelled_line: LabelledLine) -> None:
    labelled_line.judge(0, {"a": [found()]})
    fall = Finding(check="performance", subject="map50_95", outcome=Outcome.BREACH, value=0.2, limit=0.5, n=200)
    labelled_line.performance = Report(stage=Stage.EVALUATE, findings=(fall,))
    assert verdict(labelled_line)[0] is Action.AUDIT_LABELS


@pytest.mark.parametrize(
    ("how", "subject", "word"),
    [
        ({"policy": "boxes"}, "boxes", "labelled boxes are larger by 156%"),
        ({"policy": "classes"}, "classes", "answers of class 1 are not labelled any more"),
        ({"careless": "kim"}, "annotators", "error by annotator: kim"),
    ],
)
def test_another_way_of_labelling_is_recognised_and_named(
    labelled_line: LabelledLine, how: dict[str, str], subject: str, word: str
) -> None:
    steady(labelled_line)
    for back in (1, 0):
        live(labelled_line, back, wrong=0.03, **how)
    action, sentence = verdict(labelled_line)
    assert action is Action.AUDIT_LABELS
    assert word in sentence
    told = labelled_line.finding("label_policy", subject)
    assert told is not None and told.outcome is Outcome.BREACH


def test_a_model_that_errs_in_all_ways_shows_no_sign_of_another_way_of_labelling(labelled_line: LabelledLine) -> None:
    steady(labelled_line)
    for back in (1, 0):
        live(labelled_line, back, wrong=0.5)
    verdict(labelled_line)
    known = labelled_line.book.findings.of("welds", labelled_line.window(0))
    signs = {f.subject: f.outcome for _, f in known if f.check == "label_policy"}
    assert set(signs) == {"annotators", "labelling_time", "boxes", "classes"}
    assert Outcome.BREACH not in signs.values()


def test_old_images_that_are_labelled_in_a_new_way_follow_the_label_not_the_shutter(
    labelled_line: LabelledLine,
) -> None:
    for back in (6, 5, 4, 3):
        live(labelled_line, back, wrong=0.03)
    for back in (2, 1, 0):  # old and new pictures in turn, all labelled today
        names = [f"w{back}-{n}" for n in range(PER)]
        labelled_line.judge(back, {name: [found(n % 2)] for n, name in enumerate(names)})
    mixed = [f"w{back}-{n}" for n in range(PER) for back in (6, 2, 1, 0)]
    now = datetime.now(UTC) - timedelta(minutes=50)
    for n, name in enumerate(mixed):
        labelled_line.label(
            name, [thing(int(name.split("-")[1]) % 2)] if n % 3 == 0 else [], now + timedelta(seconds=n)
        )
    verdict(labelled_line)
    told = labelled_line.finding("label_policy", "labelling_time")
    assert told is not None and told.outcome is Outcome.BREACH and "whenever it was taken" in told.note


def rescored(line: LabelledLine) -> list[str]:
    """Windows that were scored in this run: those whose images were written down anew."""
    before = {key for key in line.bucket.objects if "/concept/" in key}
    line.evaluate()
    return sorted({key for key in line.bucket.objects if "/concept/" in key} - before)


def test_only_a_window_whose_labels_changed_is_scored_again_and_its_row_is_revised(
    labelled_line: LabelledLine,
) -> None:
    names = [f"w{back}-{n}" for back in (2, 1) for n in range(4)]
    for back in (2, 1):
        labelled_line.judge(back, {name: [found()] for name in names if name.startswith(f"w{back}")})
    labelled_line.judge(0, {"w0-0": [found()]})
    labelled_line.label("w2-0", [thing()])
    labelled_line.label("w1-0", [thing()])
    assert len(rescored(labelled_line)) == 2
    assert rescored(labelled_line) == []
    labelled_line.label("w1-1", [])
    assert len(rescored(labelled_line)) == 1
    rows = {record.window: record.evaluation for record in labelled_line.book.evaluations.by_window("welds", "window")}
    assert set(rows) == {labelled_line.window(2), labelled_line.window(1)}
    row = rows[labelled_line.window(1)]
    assert (row.n, row.headline.value) == (2, 0.5)
    assert (row.metrics["coverage"], row.metrics["returned"], row.metrics["coverage/cam-1"]) == (0.5, 0.5, 0.5)
    assert row.metrics["lag_p90"] >= row.metrics["lag_median"] > 0


def test_a_window_whose_labels_are_not_back_is_called_immature_and_not_compared(labelled_line: LabelledLine) -> None:
    for back in (1, 0):
        labelled_line.judge(back, {f"w{back}-{n}": [found()] for n in range(10)})
    for n in range(7):
        labelled_line.label(f"w1-{n}", [thing()])
    for n in range(6):
        labelled_line.label(f"w0-{n}", [])
    labelled_line.evaluate()
    told = labelled_line.finding("label_return", "windows")
    assert told is not None and (told.value, told.limit) == (0.6, 0.7)
    assert f"{labelled_line.window(1)}, scored 1.000 on 7 images" in told.note
    assert f"{labelled_line.window(0)} is immature (60%) and not compared" in told.note


def test_answers_of_another_version_are_not_held_against_the_champion(labelled_line: LabelledLine) -> None:
    champion = labelled_line.book.promotions.champion("welds")
    assert champion is not None
    labelled_line.book.versions.number("welds", champion.sha256, 2)  # what was recorded says version 1
    steady(labelled_line)
    live(labelled_line, 0, wrong=0.5)
    assert verdict(labelled_line)[0] is Action.NONE
    told = labelled_line.finding("concept", "error")
    assert told is not None and told.note.startswith("0 labelled images of this version")


def test_a_corrected_label_revises_the_row_of_its_window(labelled_line: LabelledLine) -> None:
    labelled_line.judge(0, {"a": [found()]})
    then = datetime.now(UTC) - timedelta(minutes=40)
    labelled_line.label("a", [thing(1)], then)
    labelled_line.evaluate()
    labelled_line.label("a", [thing(0)], then + timedelta(minutes=1))
    labelled_line.evaluate()
    (record,) = labelled_line.book.evaluations.by_window("welds", "window")
    assert (record.evaluation.headline.value, record.evaluation.metrics["revision"]) == (1.0, 2)


def test_a_window_whose_predictions_were_tidied_up_keeps_its_row(labelled_line: LabelledLine) -> None:
    for back in (1, 0):
        labelled_line.judge(back, {f"w{back}": [found()]})
        labelled_line.label(f"w{back}", [thing()])
    labelled_line.evaluate()
    for key in [
        key for key in labelled_line.bucket.objects if key.endswith(f"{labelled_line.window(1).start:%H}-p.parquet")
    ]:
        labelled_line.bucket.delete(key)
    for path in labelled_line.tables._cache.glob("*.parquet"):
        path.unlink()
    labelled_line.label("w0", [], datetime.now(UTC) - timedelta(minutes=5))
    labelled_line.evaluate()
    rows = {
        each.window: each.evaluation.headline.value
        for each in labelled_line.book.evaluations.by_window("welds", "window")
    }
    assert rows == {labelled_line.window(1): 1.0, labelled_line.window(0): 0.0}


def test_a_label_that_was_taken_back_leaves_the_row_as_it_was_before(labelled_line: LabelledLine) -> None:
    labelled_line.judge(0, {"a": [found()]})
    then = datetime.now(UTC) - timedelta(minutes=40)
    labelled_line.label("a", [thing(0)], then)
    labelled_line.evaluate()
    labelled_line.label("a", [thing(1)], then + timedelta(minutes=1))
    labelled_line.evaluate()
    labelled_line.bucket.delete(max(key for key in labelled_line.bucket.objects if "/labels/0" in key))
    labelled_line.evaluate()
    (record,) = labelled_line.book.evaluations.by_window("welds", "window")
    assert (record.evaluation.headline.value, record.evaluation.metrics["revision"]) == (1.0, 3)
