"""One alert per new verdict: what happened, what was expected, where, since when, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.alert.history import History, before_and_after, cameras, signature
from tasks.alert.rules import AlertRules
from tasks.domain.finding import Outcome
from tasks.domain.intent import Intent, IntentKind
from tasks.domain.notice import Fact, Link, Notice, Severity, notice_json
from tasks.domain.verdict import Verdict, verdict_json
from tasks.domain.window import Window
from tasks.domain.wording import ADVICE, breaches_by_weight, expected, moment, observed, one_line

SHOWN_FINDINGS = 3
"""Findings told in a message; the report has them all."""

_SEVERITY = {
    Outcome.BREACH: Severity.CRITICAL,
    Outcome.INCONCLUSIVE: Severity.WARNING,
    Outcome.OK: Severity.RESOLVED,
}


def alert_for(
    model: str,
    window: Window,
    verdict: Verdict,
    history: History,
    rules: AlertRules,
    links: Sequence[Link] = (),
) -> Intent | None:
    """The alert that this verdict is news enough for, or None.

    News is what changes what stands today: a window that is judged again with the same answer is none, nor is one
    whose change later windows have overtaken. The key of the intent holds model, signature, window and severity, so
    the same news about the same window is kept once.
    """
    present = verdict_json(verdict)
    before, after = before_and_after(model, history, present, rules)
    marks = [None if each is None else signature(model, each) for each in (before, after)]
    own = signature(model, present)
    over = marks[1] is None and rules.resolved and verdict.outcome is Outcome.OK
    if marks[0] == marks[1] or not (over or marks[1] == own):
        return None
    mark = marks[1] or marks[0]
    when = f"{window.start:%Y%m%dT%H%M%SZ}-{window.end:%Y%m%dT%H%M%SZ}"
    key = f"{IntentKind.ALERT}/{model}/{mark}/{when}/{_SEVERITY[verdict.outcome].value}"
    notice = notice_of(key, model, window, verdict, links)
    payload = {"notice": notice_json(notice), "signature": mark, "silent_because": rules.silent_because}
    return Intent(key=key, kind=IntentKind.ALERT, payload=payload)


def notice_of(key: str, model: str, window: Window, verdict: Verdict, links: Sequence[Link] = ()) -> Notice:
    """The words of an alert, whatever its history."""
    where = ", ".join(cameras(verdict_json(verdict)))
    action = "" if verdict.outcome is Outcome.OK else f", {verdict.action.value.replace('_', ' ')}"
    return Notice(
        key=key,
        model=model,
        severity=_SEVERITY[verdict.outcome],
        title=one_line(f"{model}: {verdict.state_name}{action}{f' ({where})' if where else ''}", 150),
        sentence=one_line(verdict.sentence),
        facts=_facts(window, verdict, where),
        todo="" if verdict.outcome is Outcome.OK else ADVICE[verdict.action],
        links=tuple(links),
    )


def _facts(window: Window, verdict: Verdict, where: str) -> tuple[Fact, ...]:
    facts = [Fact(label="Window", value=f"{moment(window.start)} to {moment(window.end)}")]
    if where:
        facts.append(Fact(label="Camera", value=one_line(where)))
    for finding in breaches_by_weight(verdict)[:SHOWN_FINDINGS]:
        facts.append(Fact(label="Observed", value=one_line(observed(finding))))
        facts.append(Fact(label="Expected", value=one_line(expected(finding))))
    if verdict.outcome is not Outcome.OK:
        onsets = [cause.since for cause in verdict.causes if cause.since]
        since = moment(min(onsets)) if onsets else "this window"
        facts.append(Fact(label="Since", value=since))
        facts += [Fact(label="Because", value=one_line(cause.summary)) for cause in verdict.causes[:SHOWN_FINDINGS]]
    return tuple(facts)
