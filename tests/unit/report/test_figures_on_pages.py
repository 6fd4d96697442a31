"""Serving figures and business numbers on a window's page: small, in words, and deaf to strangers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.kpi import Business, Kpi, Refusal
from tasks.domain.serving import Figures, Latency, Served, Tallies
from tasks.domain.verdict import Action, Verdict
from tasks.report.kpi_table import ROWS as KPI_ROWS
from tasks.report.kpi_table import corners, kpi_table
from tasks.report.serving_table import ROWS, serving_table
from tasks.report.window_page import WindowPage, window_markdown, window_page
from tests.unit.report.test_report_pages import DAY, HOSTILE, watched


def group(where: str, middle: float = 20.0, failed: int = 0) -> Served:
    latency = {"total": Latency(n=90, quantiles=(10.0, middle, 2 * middle), largest=999.0)}
    return Served(where=where, requests=100, failed=failed, error_rate=failed / 100, per_second=2, latency=latency)


def figures(*groups: Served, word: str = "timeout") -> Figures:
    tallies = Tallies(start=DAY.start, seconds=300)
    hours = tuple((DAY.start + timedelta(hours=h), float(h)) for h in range(3))
    return Figures(groups=groups, per_hour=hours, busiest=2, reasons={word: 7}, tallies=tallies, untold=2)


def kpi(name: str = "escapes", **changes: object) -> Kpi:
    made = Kpi(
        name=name, value=120, unit="ppm", better="lower", start=DAY.start, end=DAY.end, trend=(90.0, 100.0, 120.0),
        limit=100, outcome=Outcome.BREACH, camera="", source="m/kpis/a.csv#1",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def page(word: str) -> WindowPage:
    business = Business(
        kpis=(kpi(word, unit=word, camera=word),), refused=(Refusal(source=word, reason="bad_time", note=word),),
        refusals=3,
    )  # fmt: skip
    found = Finding(check="kpi", subject=word, slice="all", outcome=Outcome.BREACH, value=2.0, limit=1.0, note=word)
    verdict = Verdict(
        outcome=Outcome.OK, action=Action.NONE, sentence="Healthy.",
        reports=(Report(stage=Stage.BUSINESS, findings=(found,)),),
    )  # fmt: skip
    served = figures(group("all"), group(f"camera={word}", failed=3), group("camera=b"), word=word)
    return WindowPage(model="m", window=DAY, verdict=verdict, serving=serving_table(served), kpis=kpi_table(business))


@pytest.mark.parametrize("word", HOSTILE)
def test_what_strangers_call_things_stays_text(word: str) -> None:
    watched(window_page(page(word)))


def test_a_number_over_its_limit_stands_in_its_own_table_and_not_among_what_changed() -> None:
    text = watched(window_page(page("escapes"))).text
    assert text.count("escapes") == text.split("What the business says")[1].count("escapes")
    assert "escapes" not in window_markdown(page("escapes"))
    assert "3 rows kept out" in text and "+20 (worse)" in text and "at most 100" in text


def test_slow_cameras_stand_above_fast_ones_and_the_rest_is_counted() -> None:
    cameras = [group(f"camera=c{i}", middle=float(i)) for i in range(30)]
    table = serving_table(figures(group("all"), group("runtime=onnx"), *cameras))
    assert table is not None and len(table.rows) == ROWS
    assert [row.where for row in table.rows[:3]] == ["all", "camera c29", "camera c28"]
    assert table.left_out == 31 - ROWS + 2


def test_a_window_without_records_has_no_table() -> None:
    assert serving_table(None) is None
    assert serving_table(figures(replace(group("all"), requests=0))) is None
    assert kpi_table(Business()) is None


def test_a_table_of_numbers_is_bounded_and_says_what_it_leaves_out() -> None:
    table = kpi_table(Business(kpis=tuple(kpi(f"k{i}") for i in range(KPI_ROWS + 5))))
    assert table is not None and (len(table.rows), table.left_out) == (KPI_ROWS, 5)


def test_the_line_of_a_trend_stays_in_its_frame() -> None:
    for values in ([1.0, 1.0, 1.0], [5.0, -3.0], [0.0, 1e300]):
        places = corners(values, 140, 30, 3)
        assert all(3 <= x <= 137 and 3 <= y <= 27 for x, y in places)
    assert corners([0.0, 1.0], 140, 30, 3) == [(3, 27), (137, 3)]


def test_better_depends_on_the_direction_that_the_number_states() -> None:
    up = kpi_table(Business(kpis=(kpi(better="higher"),)))
    down = kpi_table(Business(kpis=(kpi(),)))
    assert up is not None and down is not None
    assert (up.rows[0].gained, down.rows[0].gained) == (True, False)
