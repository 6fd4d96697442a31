"""One outcome, one action, one sentence."""

from __future__ import annotations

import pytest

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.verdict import Action, Cause, CauseKind
from tasks.domain.wording import breaches_by_weight

OK, BREACH, OPEN = Outcome.OK, Outcome.BREACH, Outcome.INCONCLUSIVE
CAMERA = Cause(kind=CauseKind.CAMERA, summary="camera b: brightness fell 61 %", cameras=("b",), share=0.7)
PRODUCT = Cause(
    kind=CauseKind.PRODUCT, summary="what is photographed changed on 3 of 4 cameras", cameras=("a", "c", "d"), share=0.3
)
DATA = Cause(kind=CauseKind.DATA, summary="the data breaks its rules")


def report(stage, *outcomes, subject="brightness", note=""):
    return Report(
        stage=stage, findings=tuple(Finding(check="x", subject=subject, outcome=o, note=note) for o in outcomes)
    )


def drift(*outcomes, subject="brightness", note=""):
    return report(Stage.DRIFT, *outcomes, subject=subject, note=note)


SOUND = report(Stage.QUALITY, OK)
HARM, NO_HARM, NO_LABELS = (report(Stage.EVALUATE, outcome) for outcome in (BREACH, OK, OPEN))


def test_nothing_changed_is_healthy():
    verdict = judge((SOUND, drift(OK)), (), None)
    assert (verdict.outcome, verdict.action) == (OK, Action.NONE)
    assert "Healthy" in verdict.sentence


def test_labels_that_have_not_come_yet_do_not_make_a_stable_window_inconclusive():
    assert judge((SOUND, drift(OK)), (), NO_LABELS).outcome is OK


def test_too_little_is_inconclusive_and_says_what_is_missing():
    verdict = judge((SOUND, drift(OPEN, note="the window has 12 distinct scenes, 38 more are needed")), (), None)
    assert (verdict.outcome, verdict.action) == (OPEN, Action.WAIT)
    assert "38 more are needed" in verdict.sentence


@pytest.mark.parametrize("performance", [None, HARM, NO_LABELS])
def test_a_camera_fault_that_no_comparison_shows_goes_to_the_site_and_starts_no_training(performance):
    verdict = judge((SOUND, report(Stage.CAMERA, BREACH, subject="offline"), drift(OK)), (CAMERA,), performance)
    assert (verdict.outcome, verdict.action) == (BREACH, Action.FIX_CAMERA)
    assert "look as before" not in verdict.sentence
    assert verdict.blocked_cameras() == {"b"}


def concept(outcome, moved=None, audit=None, sign=""):
    found = [Finding(check="concept", subject="error", outcome=outcome)]
    found += [] if moved is None else [Finding(check="concept", subject="inputs", outcome=OK, value=moved)]
    found += [] if audit is None else [Finding(check="label_audit", subject="labels", outcome=audit)]
    found += [Finding(check="label_policy", subject="boxes", outcome=BREACH, note=sign)] if sign else []
    return Report(stage=Stage.CONCEPT, findings=tuple(found))


@pytest.mark.parametrize(
    ("told", "moved", "causes", "performance", "action"),
    [
        (concept(BREACH, 0.0, OPEN), OK, (), NO_LABELS, Action.AUDIT_LABELS),
        (concept(BREACH, 0.0, OPEN), OK, (), HARM, Action.AUDIT_LABELS),
        (concept(OPEN, 0.0, OPEN), OK, (), HARM, Action.AUDIT_LABELS),
        (concept(BREACH, 0.0, OK), OK, (), NO_LABELS, Action.RETRAIN),
        (concept(BREACH, 0.9), OK, (), NO_LABELS, Action.RETRAIN),
        (concept(BREACH, 0.0, OPEN), BREACH, (PRODUCT,), HARM, Action.RETRAIN),
        (concept(BREACH, 0.0, OPEN), BREACH, (CAMERA,), HARM, Action.FIX_CAMERA),
        (concept(OK), BREACH, (PRODUCT,), NO_HARM, Action.WAIT),
        (concept(OPEN), OK, (), NO_LABELS, Action.NONE),
        (concept(OK), OK, (), NO_HARM, Action.NONE),
    ],
)
def test_errors_that_rise_are_judged_beside_the_inputs(told, moved, causes, performance, action):
    assert judge((SOUND, drift(moved), told), causes, performance).action is action


def test_the_sign_of_another_way_of_labelling_is_the_cause():
    verdict = judge((SOUND, drift(OK), concept(BREACH, 0.0, OPEN, "labelled boxes are larger")), (), HARM)
    assert "the labels did: labelled boxes are larger" in verdict.causes[0].summary
    assert verdict.sentence.endswith("Audit the labels first: let a second person label some of these images again.")


def test_no_report_at_all_is_inconclusive():
    assert judge((), (), None).outcome is OPEN


@pytest.mark.parametrize(
    ("reports", "causes", "performance", "action"),
    [
        ((SOUND, drift(BREACH)), (CAMERA,), None, Action.FIX_CAMERA),
        ((SOUND, drift(BREACH)), (CAMERA,), HARM, Action.FIX_CAMERA),
        ((SOUND, drift(BREACH)), (CAMERA, PRODUCT), None, Action.FIX_CAMERA),
        ((SOUND, drift(BREACH)), (CAMERA, PRODUCT), HARM, Action.RETRAIN),
        ((SOUND, drift(BREACH)), (PRODUCT,), None, Action.LABEL_MORE),
        ((SOUND, drift(BREACH)), (PRODUCT,), NO_LABELS, Action.LABEL_MORE),
        ((SOUND, drift(BREACH)), (PRODUCT,), NO_HARM, Action.WAIT),
        ((SOUND, drift(BREACH)), (PRODUCT,), HARM, Action.RETRAIN),
        ((SOUND, drift(OK)), (), HARM, Action.RETRAIN),
        ((report(Stage.QUALITY, BREACH), drift(BREACH)), (DATA, PRODUCT), HARM, Action.FIX_DATA),
        ((report(Stage.QUALITY, BREACH), drift(OK)), (), None, Action.FIX_DATA),
    ],
)
def test_each_cause_goes_to_whom_it_concerns(reports, causes, performance, action):
    verdict = judge(reports, causes, performance)
    assert verdict.action is action
    assert verdict.outcome is BREACH


def test_retraining_beside_a_broken_camera_leaves_its_images_out():
    verdict = judge((SOUND, drift(BREACH)), (CAMERA, PRODUCT), HARM)
    assert verdict.causes == (CAMERA, PRODUCT)
    assert verdict.blocked_cameras() == {"b"}
    assert "without the images of b" in verdict.sentence


def test_worse_answers_to_the_same_images_are_the_models_own_cause():
    verdict = judge((SOUND, drift(OK)), (), HARM)
    assert [cause.kind for cause in verdict.causes] == [CauseKind.MODEL]
    assert "what counts as right has changed" in verdict.sentence


@pytest.mark.parametrize(
    ("subjects", "words"),
    [
        (("brightness",), "have not changed so far"),
        (("brightness", "objects"), "answers changed with the images"),
        (("class[crack]",), "look as before, but the model's answers changed"),
    ],
)
def test_inputs_and_answers_are_read_as_four_quadrants(subjects, words):
    reports = (SOUND, *(drift(BREACH, subject=subject) for subject in subjects))
    assert words in judge(reports, (PRODUCT,), None).sentence


@pytest.mark.parametrize(
    ("inputs", "answers", "action", "words"),
    [
        (BREACH, BREACH, Action.LABEL_MORE, "Label a sample of the new images"),
        (BREACH, OK, Action.LABEL_MORE, "Label a few of the new images to be sure; while the answers hold"),
        (OK, BREACH, Action.LABEL_MORE, "Check what serves the model first"),
        (OK, OK, Action.NONE, "Healthy"),
    ],
)
def test_each_quadrant_has_its_own_next_step(inputs, answers, action, words):
    reports = (SOUND, drift(inputs), drift(answers, subject="confidence[crack]"))
    verdict = judge(reports, (PRODUCT,) if BREACH in (inputs, answers) else (), None)
    assert (verdict.action, words in verdict.sentence) == (action, True)


@pytest.mark.parametrize(("inputs", "answers"), [(BREACH, BREACH), (BREACH, OK), (OK, BREACH), (OK, OK)])
@pytest.mark.parametrize(("labels", "action"), [(HARM, Action.RETRAIN), (NO_HARM, None)])
def test_in_every_quadrant_labels_have_the_last_word(inputs, answers, labels, action):
    reports = (SOUND, drift(inputs), drift(answers, subject="objects"))
    moved = BREACH in (inputs, answers)
    verdict = judge(reports, (PRODUCT,) if moved else (), labels)
    assert verdict.action is (action or (Action.WAIT if moved else Action.NONE))


def test_what_a_version_has_been_like_since_it_was_made_is_told_and_decides_nothing():
    weak = Finding(check="weak_segment", subject="camera b", outcome=BREACH)
    told = Report(stage=Stage.EVALUATE, findings=(*NO_HARM.findings, weak))
    assert judge((SOUND, drift(OK)), (), told).action is Action.NONE
    assert "labels confirm it" in judge((SOUND, drift(OK)), (), told).sentence
    assert breaches_by_weight(judge((SOUND, drift(OK)), (), told)) == []
    alone = Report(stage=Stage.EVALUATE, findings=(weak,))
    assert "no new labels speak" in judge((SOUND, drift(OK)), (), alone).sentence


def test_the_performance_report_is_kept_once():
    assert judge((SOUND, HARM), (), HARM).reports == (SOUND, HARM)
    assert judge((SOUND,), (), HARM).reports == (SOUND, HARM)


def test_a_breach_comes_before_what_is_missing():
    verdict = judge((SOUND, drift(BREACH, OPEN)), (CAMERA,), None)
    assert (verdict.outcome, verdict.state_name) == (BREACH, "Degraded")
    assert verdict.sentence.startswith("Camera b: brightness fell 61 %.")
