"""Every metric that Evergreen exposes: dashboards and alert rules are tested against this list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric's name (as it is scraped), what its value means, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    counter: bool = False


_FINDING = ("model", "stage", "check", "subject", "slice")
_VERSION = ("model", "version", "dataset", "metric")

_ALL = (
    Metric(name="evergreen_ledger_up", help="1 when the ledger answered this scrape, else 0"),
    Metric(
        name="evergreen_window_outcome",
        help="Verdict on the newest judged window: 0 ok, 1 inconclusive, 2 breach",
        labels=("model", "action"),
    ),
    Metric(name="evergreen_window_end_timestamp_seconds", help="End of the newest judged window", labels=("model",)),
    Metric(name="evergreen_window_length_seconds", help="Length of the newest judged window", labels=("model",)),
    Metric(name="evergreen_windows_failed", help="Windows that were given up, of the newest 50", labels=("model",)),
    Metric(name="evergreen_finding_value", help="Measured value, in the finding's unit", labels=_FINDING),
    Metric(name="evergreen_finding_limit", help="Limit that the value is held against", labels=_FINDING),
    Metric(name="evergreen_finding_outcome", help="0 ok, 1 inconclusive, 2 breach", labels=_FINDING),
    Metric(name="evergreen_performance", help="Newest performance on labelled images", labels=_VERSION),
    Metric(name="evergreen_performance_low", help="Lower end of the 95 % interval", labels=_VERSION),
    Metric(name="evergreen_performance_high", help="Upper end of the 95 % interval", labels=_VERSION),
    Metric(
        name="evergreen_performance_images", help="Labelled images behind it", labels=("model", "version", "dataset")
    ),
    Metric(name="evergreen_label_lag_seconds", help="Median time from capture to label, recent set", labels=("model",)),
    Metric(
        name="evergreen_label_lag_p90_seconds",
        help="90th percentile of the time from capture to label, recent set",
        labels=("model",),
    ),
    Metric(name="evergreen_labelled_fraction", help="Share of recent images with a label, 0..1", labels=("model",)),
    Metric(
        name="evergreen_images_total",
        help="Objects of judged windows by verdict (accepted, quarantined) and reason",
        labels=("model", "verdict", "reason"),
        counter=True,
    ),
    Metric(
        name="evergreen_serving_latency_seconds",
        help="Latency of the newest judged window by step; at most 50 groups (all, runtimes, cameras)",
        labels=("model", "slice", "step", "quantile"),
    ),
    Metric(
        name="evergreen_serving_images_per_second",
        help="Images a second over the newest judged window",
        labels=("model", "slice"),
    ),
    Metric(
        name="evergreen_serving_error_ratio",
        help="Share of requests of the newest judged window that failed, 0..1",
        labels=("model", "slice"),
    ),
    Metric(
        name="evergreen_kpi",
        help="What the business counts in the newest judged window, in the number's own unit",
        labels=("model", "name", "slice", "unit", "better"),
    ),
    Metric(name="evergreen_champion_info", help="1 for the present champion", labels=("model", "version", "sha256")),
    Metric(
        name="evergreen_last_success_timestamp_seconds",
        help="When the flow last left a result in the ledger",
        labels=("model", "flow"),
    ),
    Metric(name="evergreen_pending_approvals", help="Promotions that wait for a person", labels=("model",)),
    Metric(
        name="evergreen_oldest_pending_approval_timestamp_seconds",
        help="When the promotion that waits longest was asked for",
        labels=("model",),
    ),
    Metric(name="evergreen_outbox_pending", help="Side effects that are still to be carried out"),
    Metric(name="evergreen_outbox_dead", help="Side effects that failed for a day and were given up"),
)

CATALOGUE = {metric.name: metric for metric in _ALL}
