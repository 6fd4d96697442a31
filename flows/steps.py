"""What monitor and evaluate have in common: from reports to a verdict that is written down and told."""

from __future__ import annotations

from collections.abc import Sequence

from flows.events import WINDOW_JUDGED, announce
from tasks.adapters.ledger.records import WindowFacts
from tasks.alert.rules import AlertRules
from tasks.alert.task import intents_for
from tasks.domain.finding import Report
from tasks.domain.judge import judge
from tasks.domain.snapshot import Claim
from tasks.drift.rules import DriftRules
from tasks.drift.task import find_causes
from tasks.report.judged import Judged
from tasks.report.records import beside_performance, links_of
from tasks.report.task import commit_window, publish_window
from tasks.watch.task import onsets


def conclude(
    claim: Claim,
    facts: WindowFacts,
    reports: Sequence[Report],
    performance: Report | None,
    drift: DriftRules,
    alerts: AlertRules,
) -> Judged:
    """Causes, verdict, page, commit; the alert is part of the commit, so it is neither lost nor sent twice."""
    facts = beside_performance(facts, claim.model, performance)
    verdict = judge(reports, find_causes(claim, reports, drift, onsets(facts)), performance)
    published = publish_window(claim, verdict, facts)
    intents = intents_for(claim.model, claim.window, verdict, alerts, links_of(published))
    judged = commit_window(claim, verdict, published, intents)
    announce(WINDOW_JUDGED, claim.model, judged.summary())
    return judged
