"""One alert per new verdict, with everything a person needs to act on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.alert.history import History
from tasks.alert.message import alert_for
from tasks.alert.rules import AlertRules
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.intent import Intent
from tasks.domain.notice import Link, Notice, Severity, notice_from_json, notice_json
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict, verdict_json
from tasks.domain.window import Window

DAY = Window.parse("2026-11-20T00:00:00Z/2026-11-21T00:00:00Z")
LOUD = AlertRules()


def sick(*cameras: str, action: Action = Action.FIX_CAMERA, sentence: str = "line-1 went dark.") -> Verdict:
    finding = Finding(
        check="shift", subject="brightness", outcome=Outcome.BREACH, slice=f"camera={cameras[0] if cameras else 'x'}",
        value=1.4, limit=0.5, unit="sd", n=48,
    )  # fmt: skip
    cause = Cause(
        kind=CauseKind.CAMERA, summary="brightness fell", cameras=cameras, since=datetime(2026, 11, 20, 6, tzinfo=UTC)
    )
    return Verdict(
        outcome=Outcome.BREACH, action=action, sentence=sentence, causes=(cause,),
        reports=(Report(stage=Stage.DRIFT, findings=(finding,)),),
    )  # fmt: skip


HEALTHY = Verdict(outcome=Outcome.OK, action=Action.NONE, sentence="All is well.")
UNDECIDED = Verdict(outcome=Outcome.INCONCLUSIVE, action=Action.WAIT, sentence="Eight images are too few.")


def told(verdicts: list[Verdict], rules: AlertRules = LOUD) -> list[str | None]:
    """Severity of what people are told after each verdict, in the order of time."""
    heard: list[str | None] = []
    for at, verdict in enumerate(verdicts):
        window = Window(DAY.start + at * DAY.length, DAY.end + at * DAY.length)
        intent = alert_for("solar", window, verdict, History(earlier=[verdict_json(v) for v in verdicts[:at]]), rules)
        heard.append(intent.payload["notice"]["severity"] if intent else None)
    return heard


def test_a_sick_window_is_told_once_however_long_it_lasts() -> None:
    assert told([sick("line-1")] * 4) == ["critical", None, None, None]


def test_the_same_breach_in_other_words_is_not_news() -> None:
    assert told([sick("line-1"), sick("line-1", sentence="even darker")]) == ["critical", None]


def test_another_camera_or_another_action_is_news() -> None:
    assert (
        told([sick("line-1"), sick("line-1", "line-2"), sick("line-1", "line-2", action=Action.RETRAIN)])
        == ["critical"] * 3
    )


def test_a_healthy_window_resolves_and_only_once() -> None:
    assert told([sick("line-1"), HEALTHY, HEALTHY]) == ["critical", "resolved", None]


def test_health_from_the_start_is_no_news() -> None:
    assert told([HEALTHY, HEALTHY]) == [None, None]


def test_an_undecided_window_neither_repeats_nor_ends_an_alert() -> None:
    assert told([sick("line-1"), UNDECIDED, sick("line-1"), UNDECIDED, HEALTHY]) == [
        "critical", None, None, None, "resolved",
    ]  # fmt: skip


def test_undecided_windows_are_told_where_asked_for() -> None:
    assert told([HEALTHY, UNDECIDED, UNDECIDED, sick("a")], AlertRules(inconclusive=True)) == [
        None, "warning", None, "critical",
    ]  # fmt: skip


def test_two_of_three_windows_must_be_sick_where_asked_for() -> None:
    rules = AlertRules(fire_breaches=2, fire_windows=3)
    assert told([sick("a"), HEALTHY, sick("a"), HEALTHY], rules) == [None, None, "critical", "resolved"]


def test_resolving_waits_for_as_many_healthy_windows_as_asked_for() -> None:
    rules = AlertRules(resolve_windows=2)
    assert told([sick("a"), HEALTHY, sick("a"), HEALTHY, UNDECIDED, HEALTHY], rules) == [
        "critical", None, None, None, None, "resolved",
    ]  # fmt: skip


def test_good_news_can_be_kept_quiet() -> None:
    assert told([sick("a"), HEALTHY, sick("a")], AlertRules(resolved=False)) == ["critical", None, "critical"]


def test_more_breaches_than_windows_is_refused() -> None:
    with pytest.raises(ValidationError, match="never happen"):
        AlertRules(fire_breaches=3, fire_windows=2)


def intent_for(verdict: Verdict, previous: dict[str, Any] | None = None, **more: Any) -> Intent:
    intent = alert_for("solar", DAY, verdict, History(previous=previous), AlertRules(), **more)
    assert intent is not None
    return intent


def test_judging_the_same_window_again_makes_the_same_key() -> None:
    assert intent_for(sick("line-1")).key == intent_for(sick("line-1", sentence="said otherwise")).key


def test_a_rescored_window_that_turns_healthy_resolves_under_another_key() -> None:
    first = intent_for(sick("line-1"))
    second = intent_for(HEALTHY, verdict_json(sick("line-1")))
    assert second.key != first.key
    assert second.payload["signature"] == first.payload["signature"]


def test_the_message_tells_what_observed_expected_window_camera_n_since_where_and_what_to_do() -> None:
    link = Link(label="report", url="http://127.0.0.1:9464/pages/solar/evergreen/windows/1/report.html")
    notice = notice_from_json(intent_for(sick("line-1"), links=(link,)).payload["notice"])
    assert notice.title == "solar: Degraded, fix camera (line-1)"
    assert notice.severity is Severity.CRITICAL
    for words in (
        "line-1 went dark.",
        "Window: 2026-11-20 00:00 UTC to 2026-11-21 00:00 UTC",
        "Camera: line-1",
        "Observed: brightness (shift) 1.4 sd at camera line-1, n = 48",
        "Expected: at most 0.5 sd",
        "Since: 2026-11-20 06:00 UTC",
        "Because: brightness fell",
        "What to do: Look at the camera",
        f"report: {link.url}",
    ):
        assert words in notice.text()


def test_a_value_below_its_floor_is_expected_to_be_at_least_that() -> None:
    low = Finding(check="map", subject="map50_95", outcome=Outcome.BREACH, value=0.3, limit=0.5, n=90)
    verdict = Verdict(
        outcome=Outcome.BREACH, action=Action.RETRAIN, sentence="mAP fell.",
        reports=(Report(stage=Stage.EVALUATE, findings=(low,)),),
    )  # fmt: skip
    assert "Expected: at least 0.5" in notice_from_json(intent_for(verdict).payload["notice"]).text()


@given(text=st.text(max_size=3000))
def test_whatever_a_verdict_says_stays_one_bounded_line(text: str) -> None:
    notice = notice_from_json(intent_for(sick("line-1", sentence=text)).payload["notice"])
    assert len(notice.sentence) <= 600
    assert notice.sentence.isprintable() or not notice.sentence
    assert len(notice.title) <= 150


@given(
    notice=st.builds(
        Notice, key=st.text(), model=st.text(), severity=st.sampled_from(Severity), title=st.text(),
        sentence=st.text(), todo=st.text(), links=st.lists(st.builds(Link, label=st.text(), url=st.text())).map(tuple),
    )
)  # fmt: skip
def test_a_notice_survives_the_outbox(notice: Notice) -> None:
    assert notice_from_json(notice_json(notice)) == notice


@given(outcomes=st.lists(st.sampled_from([sick("a"), sick("b"), HEALTHY, UNDECIDED]), max_size=12))
def test_nothing_is_resolved_that_was_not_told_before(outcomes: list[Verdict]) -> None:
    open_alert = False
    for heard in told(outcomes):
        assert heard != "resolved" or open_alert
        open_alert = heard == "critical" or (open_alert and heard != "resolved")


def test_since_is_the_window_itself_when_no_onset_is_known() -> None:
    verdict = Verdict(outcome=Outcome.BREACH, action=Action.FIX_DATA, sentence="no width")
    assert "Since: this window" in notice_from_json(intent_for(verdict).payload["notice"]).text()


def test_one_day_later_is_another_key() -> None:
    later = Window(DAY.start + timedelta(days=1), DAY.end + timedelta(days=1))
    other = alert_for("solar", later, sick("line-1"), History(), AlertRules())
    assert other is not None
    assert other.key != intent_for(sick("line-1")).key


def heard_again(
    present: Verdict,
    previous: Verdict,
    earlier: tuple[Verdict, ...] = (),
    later: tuple[Verdict, ...] = (),
    rules: AlertRules = LOUD,
) -> str | None:
    """Severity of what people are told when a window is judged again."""
    history = History(
        earlier=[verdict_json(each) for each in earlier],
        previous=verdict_json(previous),
        later=[verdict_json(each) for each in later],
    )
    intent = alert_for("solar", DAY, present, history, rules)
    return intent.payload["notice"]["severity"] if intent else None


@pytest.mark.parametrize("verdict", [sick("line-1"), HEALTHY, UNDECIDED])
@pytest.mark.parametrize("earlier", [(), (sick("line-1"),), (sick("line-2"), HEALTHY)])
def test_judging_again_with_the_same_answer_is_never_news(verdict: Verdict, earlier: tuple[Verdict, ...]) -> None:
    for fire, resolve in ((1, 1), (2, 2), (1, 2)):
        rules = AlertRules(fire_breaches=fire, fire_windows=fire, resolve_windows=resolve)
        assert heard_again(verdict, verdict, earlier, rules=rules) is None


def test_one_window_that_is_judged_twice_is_one_sick_window() -> None:
    two = AlertRules(fire_breaches=2, fire_windows=2)
    assert heard_again(sick("line-1"), sick("line-1"), (HEALTHY,), rules=two) is None
    assert heard_again(sick("line-1"), HEALTHY, (sick("line-1"),), rules=two) == "critical"


def test_a_window_that_falls_sick_when_it_is_judged_again_is_told() -> None:
    assert heard_again(sick("line-1"), HEALTHY) == "critical"
    assert heard_again(sick("line-1"), UNDECIDED, (HEALTHY,), (UNDECIDED,)) == "critical"


def test_late_news_that_later_windows_have_overtaken_is_kept_quiet() -> None:
    assert heard_again(sick("line-1"), HEALTHY, later=(HEALTHY,)) is None
    assert heard_again(HEALTHY, sick("line-1"), later=(sick("line-1"),)) is None


def test_what_stands_since_a_later_window_is_not_told_again_for_an_earlier_one() -> None:
    assert heard_again(sick("line-1"), HEALTHY, later=(sick("line-1"),)) is None


def test_an_undecided_second_look_ends_nothing() -> None:
    assert heard_again(UNDECIDED, sick("line-1")) is None
