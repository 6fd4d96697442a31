"""When a promise about serving is broken, kept, or cannot be judged yet; and what a verdict makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from scipy.stats import binom

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.served import only_serving
from tasks.domain.serving import Figures, Latency, Served, Tallies
from tasks.domain.verdict import Action, CauseKind, verdict_json
from tasks.domain.window import Window
from tasks.serving.promises import Past, burn_findings, promise_findings
from tasks.serving.rules import Burn, Objective, ServingRules

RULES = ServingRules()
KEY = RULES.objectives[0].key
END = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = Window(END - HOUR, END)


def figures(answers: int, slow: int = 0, failed: int = 0, window: Window = NOW, slots: int = 12) -> Figures:
    """Answers spread evenly over the window's five-minute slices, and the bad ones with them."""
    rows = tuple((at, answers / slots, slow / slots) for at in range(slots))
    errors = tuple((at, answers / slots, failed / slots) for at in range(slots))
    latency = {"total": Latency(n=answers, quantiles=(10, 20, 30), largest=40)} if answers else {}
    whole = Served(where="all", requests=answers, failed=failed, error_rate=0, per_second=1, latency=latency)
    tallies = Tallies(start=window.start, seconds=300, counts={KEY: rows, "errors": errors})
    return Figures(groups=(whole,), per_hour=(), busiest=1, reasons={}, tallies=tallies)


def latency(found: Figures, rules: ServingRules = RULES) -> Finding:
    return promise_findings(found, rules)[0]


def history(hours: int, answers: int = 1_000, slow: int = 0, since: int = 1) -> list[Past]:
    windows = [Window(END - (back + 1) * HOUR, END - back * HOUR) for back in range(since, since + hours)]
    return [Past(window=each, tallies=figures(answers, slow, window=each).tallies) for each in windows]


@pytest.mark.parametrize(
    ("answers", "slow", "outcome"),
    [(1_000, 5, Outcome.OK), (1_000, 60, Outcome.BREACH), (1_000, 13, Outcome.INCONCLUSIVE),
     (99, 50, Outcome.INCONCLUSIVE),
     (100_000, 1_200, Outcome.BREACH), (0, 0, Outcome.INCONCLUSIVE), (100, 0, Outcome.OK)],
)  # fmt: skip
def test_a_promise_is_broken_only_where_chance_does_not_explain_it(answers: int, slow: int, outcome: Outcome) -> None:
    found = latency(figures(answers, slow))
    assert found.outcome is outcome
    assert found.n == answers and found.limit == pytest.approx(0.01)


def test_too_few_answers_say_how_many_are_missing() -> None:
    assert "30 answers say how long they took, 70 more are needed" in latency(figures(30)).note
    strict = ServingRules(objectives=(Objective(name="fast", target=0.9999, latency_ms=500),))
    assert "9970 more" in promise_findings(figures(30), strict)[0].note


def test_a_share_that_may_be_chance_says_how_many_answers_decide() -> None:
    note = latency(figures(1_000, 13)).note
    more = int(note.split("about ")[1].split()[0])
    assert binom.sf(0.013 * (1_000 + more) - 1, 1_000 + more, 0.01) <= RULES.alpha


def test_serving_exactly_as_promised_hardly_ever_breaks_the_promise() -> None:
    n = 2_000
    alarms = sum(binom.pmf(k, n, 0.01) for k in range(200) if latency(figures(n, k)).outcome is Outcome.BREACH)
    assert alarms <= RULES.alpha


def test_an_outage_burns_over_the_hour_and_over_its_last_minutes() -> None:
    found = {f.check: f for f in burn_findings(figures(1_000, 300), NOW, history(80), RULES) if f.subject == "latency"}
    assert found["burn_rate_1h"].outcome is Outcome.BREACH
    assert found["burn_rate_1h"].value == pytest.approx(30)
    assert found["burn_rate_3d"].outcome is Outcome.OK


def test_what_is_over_is_not_told_any_more() -> None:
    past = [*history(1, slow=300), *history(80, since=2)]
    quiet = {f.check: f.outcome for f in burn_findings(figures(1_000), NOW, past, RULES) if f.subject == "latency"}
    assert quiet == {"burn_rate_1h": Outcome.OK, "burn_rate_6h": Outcome.OK, "burn_rate_3d": Outcome.OK}


def test_a_slow_leak_is_seen_over_days_and_by_no_single_window() -> None:
    past = history(80, slow=12)
    assert latency(figures(1_000, 12)).outcome is Outcome.INCONCLUSIVE
    found = {f.check: f.outcome for f in burn_findings(figures(1_000, 12), NOW, past, RULES) if f.subject == "latency"}
    assert found["burn_rate_3d"] is Outcome.BREACH and found["burn_rate_1h"] is Outcome.OK


def test_a_span_that_was_not_judged_is_open_and_says_how_much_is_missing() -> None:
    found = {f.check: f for f in burn_findings(figures(1_000, 500), NOW, history(1), RULES) if f.subject == "latency"}
    assert found["burn_rate_6h"].outcome is Outcome.INCONCLUSIVE
    assert "4 h more must be judged" in found["burn_rate_6h"].note


def test_windows_judged_by_an_older_version_count_as_not_judged() -> None:
    old = [Past(window=each.window, tallies=None) for each in history(10)]
    found = burn_findings(figures(1_000, 500), NOW, old, RULES)
    assert {f.outcome for f in found if f.check == "burn_rate_6h"} == {Outcome.INCONCLUSIVE}


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be below"):
        Burn(long_hours=1, short_hours=1, rate=2)
    with pytest.raises(ValidationError, match="one name"):
        ServingRules(objectives=(Objective(name="a", target=0.9), Objective(name="a", target=0.8)))
    with pytest.raises(ValidationError):
        Objective(name="a", target=1.0)


def serving(outcome: Outcome) -> Report:
    finding = Finding(
        check="promise", subject="latency", outcome=outcome, value=0.3, limit=0.01, note="30 % took longer than 500 ms"
    )
    return Report(stage=Stage.SERVING, findings=(finding,))


def report(stage: Stage, outcome: Outcome, subject: str = "brightness") -> Report:
    return Report(stage=stage, findings=(Finding(check="x", subject=subject, outcome=outcome),))


SOUND = (report(Stage.QUALITY, Outcome.OK), report(Stage.DRIFT, Outcome.OK))


def test_a_broken_promise_is_a_breach_of_the_serving_machine() -> None:
    verdict = judge((*SOUND, serving(Outcome.BREACH)), (), None)
    assert (verdict.outcome, verdict.action) == (Outcome.BREACH, Action.FIX_SERVING)
    assert [cause.kind for cause in verdict.causes] == [CauseKind.SERVING]
    assert "30 % took longer" in verdict.sentence and "retraining does not help" in verdict.sentence
    assert only_serving(verdict_json(verdict)["causes"])


@pytest.mark.parametrize("drift", [Outcome.OK, Outcome.BREACH, Outcome.INCONCLUSIVE])
@pytest.mark.parametrize("labels", [None, Outcome.OK, Outcome.INCONCLUSIVE])
def test_no_broken_promise_ever_leads_to_a_retraining(drift: Outcome, labels: Outcome | None) -> None:
    told = None if labels is None else report(Stage.EVALUATE, labels)
    reports = (SOUND[0], report(Stage.DRIFT, drift), serving(Outcome.BREACH))
    assert judge(reports, (), told).action is Action.FIX_SERVING


def test_harm_that_labels_show_is_not_hidden_by_slow_answers() -> None:
    verdict = judge((*SOUND, serving(Outcome.BREACH)), (), report(Stage.EVALUATE, Outcome.BREACH, "map50_95"))
    assert verdict.action is Action.RETRAIN
    assert CauseKind.SERVING in {cause.kind for cause in verdict.causes}
    broken = (report(Stage.QUALITY, Outcome.BREACH), serving(Outcome.BREACH))
    assert judge(broken, (), None).action is Action.FIX_DATA


def test_too_few_answers_to_judge_serving_take_nothing_from_a_healthy_window() -> None:
    assert judge((*SOUND, serving(Outcome.INCONCLUSIVE)), (), None).outcome is Outcome.OK


def test_what_moved_is_still_told_beside_slow_answers() -> None:
    reports = (SOUND[0], report(Stage.DRIFT, Outcome.BREACH), serving(Outcome.BREACH))
    assert "Label" in judge(reports, (), None).sentence
