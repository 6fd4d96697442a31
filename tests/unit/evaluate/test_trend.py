"""A trend shows every number and says which of them must not be compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.window import Window
from tasks.evaluate.trend import Kept, points, points_json

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOLDEN = Evaluation(
    model_sha256="a" * 64, dataset="golden", digest="d", protocol="p", metric="map50_95",
    headline=Interval(value=0.8, low=0.75, high=0.85), n=200,
)  # fmt: skip


def kept(number: int, evaluation: Evaluation = GOLDEN, window: Window | None = None) -> Kept:
    return evaluation, window, START + number * HOUR


def whys(*given: Kept) -> list[str]:
    return [point.why for point in points(given, {"a" * 64: "3"}, 0.7)]


def test_the_points_come_in_order_of_time_with_the_names_of_versions() -> None:
    other = replace(GOLDEN, model_sha256="b" * 64)
    found = points([kept(2, other), kept(1)], {"a" * 64: "3"}, 0.7)
    assert [point.version for point in found] == ["3", "b" * 12]
    assert all(point.compared for point in found)
    assert points_json(found)[0]["at"] == (START + HOUR).isoformat()


def test_the_same_result_kept_twice_is_one_point() -> None:
    assert len(whys(kept(1), kept(2, replace(GOLDEN, metrics={"label_lag_seconds": 3.0})))) == 1


def test_few_labels_another_protocol_and_another_golden_set_are_not_compared() -> None:
    assert whys(kept(1, replace(GOLDEN, n=99))) == ["99 labelled images, a trend needs 100"]
    assert "another protocol" in whys(kept(1), kept(2, replace(GOLDEN, protocol="q")))[1]
    assert "another version of the golden set" in whys(kept(1), kept(2, replace(GOLDEN, digest="e")))[1]
    recent = replace(GOLDEN, dataset="recent")
    assert whys(kept(1, recent), kept(2, replace(recent, digest="e"))) == ["", ""]


def test_an_immature_window_is_shown_and_not_compared() -> None:
    window = Window(START, START + HOUR)
    rows = [replace(GOLDEN, dataset="window", n=20, metrics={"returned": share}) for share in (0.69, 0.7)]
    found = points([kept(n, row, window) for n, row in enumerate(rows)], {}, 0.7)
    assert [point.compared for point in found] == [False, True]
    assert found[0].why == "immature: 69% of its usual labels are back, 70% are needed"
    assert found[0].value == 0.8
