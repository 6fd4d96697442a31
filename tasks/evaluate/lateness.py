"""How late labels come, and how much of production has one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from tasks.domain.window import Window

LAG = "label_lag_seconds"
LAG_90 = "label_lag_p90_seconds"
FRACTION = "labelled_fraction"


def label_facts(
    labels: Sequence[tuple[datetime, datetime]], windows: Sequence[Window], accepted: int
) -> dict[str, float]:
    """Median and 90th percentile of seconds from shutter to label, and the share of these windows' images with one.

    `labels` are pairs (captured_at, labelled_at). Without a label in the windows there is no lag, and without an
    image no share: what cannot be known is left out, not set to 0.

    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> day = Window.parse("2026-01-01T00:00:00Z/2026-01-02T00:00:00Z")
    >>> label_facts([(noon, noon + timedelta(hours=2)), (noon, noon + timedelta(hours=4))], [day], 8)
    {'label_lag_seconds': 10800.0, 'label_lag_p90_seconds': 13680.0, 'labelled_fraction': 0.25}
    """
    within = [(taken, told) for taken, told in labels if any(window.contains(taken) for window in windows)]
    facts: dict[str, float] = {}
    if within:
        lags = [(told - taken).total_seconds() for taken, told in within]
        facts[LAG] = statistics.median(lags)
        facts[LAG_90] = float(np.quantile(lags, 0.9))
    if accepted:
        facts[FRACTION] = min(len(within) / accepted, 1.0)
    return facts
