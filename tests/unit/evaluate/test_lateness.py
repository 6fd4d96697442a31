"""Label lag and coverage say nothing where nothing is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasks.domain.window import Window
from tasks.evaluate.lateness import FRACTION, LAG, LAG_90, label_facts

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_without_a_label_there_is_no_lag_and_nothing_is_labelled() -> None:
    assert label_facts([], [DAY], 10) == {FRACTION: 0.0}


def test_without_production_nothing_is_said() -> None:
    assert label_facts([], [DAY], 0) == {}


def test_labels_of_other_days_do_not_count() -> None:
    outside = (NOON - timedelta(days=1), NOON)
    assert label_facts([outside, (NOON, NOON + timedelta(hours=1))], [DAY], 4) == {
        LAG: 3600.0,
        LAG_90: 3600.0,
        FRACTION: 0.25,
    }


def test_a_label_on_the_end_of_a_window_belongs_to_the_next_one() -> None:
    assert label_facts([(DAY.end, DAY.end)], [DAY], 1) == {FRACTION: 0.0}
