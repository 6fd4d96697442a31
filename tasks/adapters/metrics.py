"""Prometheus metrics made from the ledger at every scrape.

Nothing is kept in memory and no flow needs to run: values survive restarts, nothing goes stale without saying so
(timestamps are exported too), and two exporters beside each other agree.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from tasks.adapters.ledger.records import OutboxState, WindowRecord, WindowState
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.metrics_catalogue import CATALOGUE
from tasks.domain.errors import EvergreenError
from tasks.domain.evaluation import Evaluation
from tasks.domain.finding import Finding, Outcome, Stage
from tasks.domain.kpi import kpis_kept
from tasks.domain.model import ModelRef
from tasks.domain.serving import LEVELS, figures_kept
from tasks.domain.subjects import TOLD_ONLY

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

FINDINGS_LIMIT = 2_000
"""Findings exported per model, breaches first: labels are user input and must not flood Prometheus."""

VERSIONS_LIMIT = 5
"""Newest versions whose performance is exported, beside the champion's."""

KPIS_LIMIT = 100
SERVED_LIMIT = 50
"""Groups with serving figures of their own: runtimes first, then cameras."""

WINDOWS_LIMIT = 50
LABEL_LIMIT = 200
DATASETS = ("golden", "recent")
_LEVEL = {Outcome.OK: 0, Outcome.INCONCLUSIVE: 1, Outcome.BREACH: 2}
_log = logging.getLogger(__name__)

Sample = tuple[str, tuple[str, ...], float]
"""Metric name, label values in the catalogue's order, value."""


class LedgerCollector(Collector):
    """Asks the ledger once per scrape; when it does not answer, the only sample is `evergreen_ledger_up 0`."""

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """One family per metric that has a sample."""
        try:
            samples = [("evergreen_ledger_up", (), 1.0), *_samples(self._ledger())]
        except EvergreenError as error:
            _log.warning("no metrics but evergreen_ledger_up: %s", error)
            samples = [("evergreen_ledger_up", (), 0.0)]
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        seen: set[tuple[str, tuple[str, ...]]] = set()
        for name, labels, value in samples:
            short = tuple(label[:LABEL_LIMIT] for label in labels)
            if math.isnan(value) or (name, short) in seen:
                continue
            seen.add((name, short))
            families.setdefault(name, _family(name)).add_metric(short, value)
        yield from families.values()


def exposition(ledger: Callable[[], Ledger]) -> bytes:
    """All metrics in Prometheus' text format. The callable is asked again at every scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LedgerCollector(ledger))
    return generate_latest(registry)


def _family(name: str) -> GaugeMetricFamily | CounterMetricFamily:
    metric = CATALOGUE[name]
    if metric.counter:
        return CounterMetricFamily(name.removesuffix("_total"), metric.help, labels=metric.labels)
    return GaugeMetricFamily(name, metric.help, labels=metric.labels)


def _samples(book: Ledger) -> Iterator[Sample]:
    counts = book.outbox.counts()
    yield "evergreen_outbox_pending", (), counts[OutboxState.PENDING]
    yield "evergreen_outbox_dead", (), counts[OutboxState.DEAD]
    for model in book.models.names():
        champion = book.promotions.champion(model)
        yield from _windows(book, model)
        yield from _champion(model, champion)
        yield from _performance(book, model, champion)
        yield from _images(book, model)
        yield from _approvals(book, model)
        yield from _successes(book, model)


def _windows(book: Ledger, model: str) -> Iterator[Sample]:
    rows = book.windows.latest(model, WINDOWS_LIMIT)
    yield "evergreen_windows_failed", (model,), sum(row.state is WindowState.FAILED for row in rows)
    judged = [row for row in rows if row.outcome is not None]
    if not judged:
        return
    newest = judged[0]
    yield from _window(model, newest)
    yield from _serving(model, newest)
    yield from _business(model, newest)
    for stage, finding in _bounded(book.findings.of(model, newest.window)):
        yield from _finding(model, stage, finding)


def _window(model: str, row: WindowRecord) -> Iterator[Sample]:
    if row.outcome is not None and row.action is not None:
        yield "evergreen_window_outcome", (model, row.action.value), _LEVEL[row.outcome]
    yield "evergreen_window_end_timestamp_seconds", (model,), row.window.end.timestamp()
    yield "evergreen_window_length_seconds", (model,), row.window.length.total_seconds()


def _serving(model: str, row: WindowRecord) -> Iterator[Sample]:
    figures = figures_kept(row.facts.artifacts) if row.facts is not None else None
    for group in figures.groups[:SERVED_LIMIT] if figures else ():
        yield "evergreen_serving_images_per_second", (model, group.where), group.per_second
        if group.requests:
            yield "evergreen_serving_error_ratio", (model, group.where), group.error_rate
        for step, latency in group.latency.items():
            for level, value in zip(LEVELS, latency.quantiles, strict=True):
                yield "evergreen_serving_latency_seconds", (model, group.where, step, f"{level:g}"), value / 1000


def _business(model: str, row: WindowRecord) -> Iterator[Sample]:
    for kpi in kpis_kept(row.facts.artifacts).kpis[:KPIS_LIMIT] if row.facts is not None else ():
        yield "evergreen_kpi", (model, kpi.name, kpi.slice, kpi.unit, kpi.better), kpi.value


def _bounded(findings: Sequence[tuple[Stage, Finding]]) -> list[tuple[Stage, Finding]]:
    kept = [pair for pair in findings if pair[1].check not in TOLD_ONLY]  # segments change their names from day to day
    return sorted(kept, key=lambda pair: -_LEVEL[pair[1].outcome])[:FINDINGS_LIMIT]


def _finding(model: str, stage: Stage, finding: Finding) -> Iterator[Sample]:
    labels = (model, stage.value, finding.check, finding.subject, finding.slice)
    yield "evergreen_finding_outcome", labels, _LEVEL[finding.outcome]
    if finding.value is not None:
        yield "evergreen_finding_value", labels, finding.value
    if finding.limit is not None:
        yield "evergreen_finding_limit", labels, finding.limit


def _champion(model: str, champion: ModelRef | None) -> Iterator[Sample]:
    if champion is not None:
        yield "evergreen_champion_info", (model, _number(champion), champion.sha256), 1


def _performance(book: Ledger, model: str, champion: ModelRef | None) -> Iterator[Sample]:
    refs = {record.ref.sha256: record.ref for record in book.versions.list(model)[:VERSIONS_LIMIT]}
    if champion is not None:
        refs[champion.sha256] = champion
    for ref in refs.values():
        for dataset in DATASETS:
            evaluation = book.evaluations.latest(model, ref.sha256, dataset)
            if evaluation is not None:
                yield from _evaluation(model, _number(ref), evaluation)
                if champion is not None and ref.sha256 == champion.sha256 and dataset == "recent":
                    yield from _labels(model, evaluation)


LABELS = ("label_lag_seconds", "label_lag_p90_seconds", "labelled_fraction")
"""Numbers of an evaluation that are about its labels, not about the model."""


def _evaluation(model: str, version: str, evaluation: Evaluation) -> Iterator[Sample]:
    labels = (model, version, evaluation.dataset, evaluation.metric)
    yield "evergreen_performance", labels, evaluation.headline.value
    yield "evergreen_performance_low", labels, evaluation.headline.low
    yield "evergreen_performance_high", labels, evaluation.headline.high
    yield "evergreen_performance_images", (model, version, evaluation.dataset), evaluation.n
    for metric, value in evaluation.metrics.items():
        if metric not in LABELS:
            yield "evergreen_performance", (model, version, evaluation.dataset, metric), value


def _labels(model: str, evaluation: Evaluation) -> Iterator[Sample]:
    for name in LABELS:
        if name in evaluation.metrics:
            yield f"evergreen_{name}", (model,), evaluation.metrics[name]


def _images(book: Ledger, model: str) -> Iterator[Sample]:
    for (verdict, reason), count in sorted(book.tallies.objects(model).items()):
        yield "evergreen_images_total", (model, verdict, reason), count


def _approvals(book: Ledger, model: str) -> Iterator[Sample]:
    waiting = book.approvals.pending(model)
    yield "evergreen_pending_approvals", (model,), len(waiting)
    if waiting:
        oldest = min(approval.requested_at for approval in waiting)
        yield "evergreen_oldest_pending_approval_timestamp_seconds", (model,), oldest.timestamp()


def _successes(book: Ledger, model: str) -> Iterator[Sample]:
    moments = {
        "monitor": [row.committed_at for row in book.windows.latest(model, WINDOWS_LIMIT) if row.committed_at],
        "evaluate": [record.created_at for record in book.evaluations.list(model, 1)],
        "retrain": [record.created_at for record in book.versions.list(model) if record.source == "retrain"],
        "promote": [move.at for move in book.promotions.history(model)[:1]],
    }
    for flow, found in moments.items():
        if found:
            yield "evergreen_last_success_timestamp_seconds", (model, flow), max(found).timestamp()


def _number(ref: ModelRef) -> str:
    """The registry's number, or the hash's first 12 digits before there is one."""
    return str(ref.version) if ref.version else ref.sha256[:12]
