"""A deployed file that answers otherwise degrades the window and is exported again; it starts no training."""

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.subjects import PARITY
from tasks.domain.verdict import Action


def performance(labelled, *exported):
    findings = [Finding(check="performance", subject="map50_95", outcome=labelled)]
    findings += [Finding(check=PARITY, subject="onnx answers", outcome=each) for each in exported]
    return Report(stage=Stage.EVALUATE, findings=tuple(findings))


SOUND = (Report(stage=Stage.DRIFT, findings=(Finding(check="ks", subject="brightness", outcome=Outcome.OK),)),)


def test_a_broken_export_is_exported_again_whether_or_not_labels_speak():
    for labelled in (Outcome.OK, Outcome.INCONCLUSIVE):
        verdict = judge(SOUND, (), performance(labelled, Outcome.BREACH))
        assert (verdict.outcome, verdict.action) == (Outcome.BREACH, Action.EXPORT)
        assert "exported from" in verdict.sentence and "Export the version again" in verdict.sentence


def test_a_model_that_fell_is_retrained_whatever_its_export():
    verdict = judge(SOUND, (), performance(Outcome.BREACH, Outcome.BREACH))
    assert verdict.action is Action.RETRAIN


def test_an_export_that_nothing_is_known_of_changes_no_verdict():
    assert judge(SOUND, (), performance(Outcome.OK, Outcome.INCONCLUSIVE)).outcome is Outcome.OK
    assert judge(SOUND, (), performance(Outcome.OK, Outcome.OK)).action is Action.NONE
