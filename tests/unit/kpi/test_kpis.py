"""Numbers of the business: read, refused with a reason, joined by time, told, and never deciding."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.domain.errors import NotFound, StoreUnavailable
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.kpi import KPIS, Business, KpiRow, Refusal, kpis_kept, kpis_text
from tasks.domain.verdict import Action
from tasks.domain.window import Window
from tasks.kpi.joining import joined, kpi_findings
from tasks.kpi.plugins import VALUES, asked
from tasks.kpi.reading import ROWS, read_kpis
from tasks.kpi.rules import KpiLimit, KpiRules
from tasks.report.kpi_table import kpi_table
from tests.fakes.memory_store import MemoryStore

HEAD = "name,start,end,value,unit,better,camera\n"
GOOD = "escapes,2026-11-20T00:00:00Z,2026-11-21T00:00:00Z,120,ppm,lower,\n"
NOON = Window.parse("2026-11-20T12:00:00Z/2026-11-20T13:00:00Z")
RULES = KpiRules()


def read(*files: str, suffix: str = ".csv", limit: int = 1) -> tuple[list[KpiRow], list[Refusal]]:
    store = MemoryStore()
    for number, text in enumerate(files):
        store.landed = datetime(2026, 11, 22, number, tzinfo=UTC)
        store.put(f"m/kpis/file-{number}{suffix}", text if isinstance(text, bytes) else text.encode())
    good, bad = read_kpis(store, "m", limit)  # type: ignore[arg-type]
    return [each.row for each in good], bad


def row(hour: float, value: float, hours: float = 1, **more: object) -> KpiRow:
    start = NOON.start + timedelta(hours=hour)
    end = start + timedelta(hours=hours)
    given = {"name": "escapes", "start": start, "end": end, "value": value, "better": "lower", "unit": "ppm"}
    return KpiRow.model_validate({**given, **more})


def test_a_table_of_either_form_is_read() -> None:
    rows, bad = read("\ufeff" + HEAD + GOOD)
    assert bad == [] and rows == [row(-12, 120, hours=24)]
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: [value] for name, value in rows[0].model_dump().items()}), buffer)
    assert read(buffer.getvalue(), suffix=".parquet") == (rows, [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("escapes,2026-11-20,2026-11-21T00:00:00Z,1,,lower,", "bad_time"),
        ("escapes,2026-11-21T00:00:00Z,2026-11-20T00:00:00Z,1,,lower,", "bad_time"),
        ("escapes,2020-11-21T00:00:00Z,2026-11-20T00:00:00Z,1,,lower,", "bad_time"),
        ("escapes,2026-11-20T00:00:00Z,2026-11-21T00:00:00Z,nan,,lower,", "non_finite"),
        ("escapes,2026-11-20T00:00:00Z,2026-11-21T00:00:00Z,many,,lower,", "bad_record"),
        ("escapes,2026-11-20T00:00:00Z,2026-11-21T00:00:00Z,1,,less,", "bad_record"),
        (",2026-11-20T00:00:00Z,2026-11-21T00:00:00Z,1,,lower,", "bad_record"),
        ("escapes,2026-11-20T00:00:00Z,2026-11-21T00:00:00Z,7,ppm,lower,", "conflicting_records"),
    ],
)
def test_a_bad_row_is_kept_out_with_its_reason_and_its_place_and_the_others_stay(line: str, reason: str) -> None:
    rows, bad = read(HEAD + GOOD + line + "\n")
    assert [each.value for each in rows] == [120]
    assert [(each.reason, each.source) for each in bad] == [(reason, "m/kpis/file-0.csv#2")]


@pytest.mark.parametrize(
    ("data", "suffix", "reason"),
    [
        (b"\xff\xfe\x00", ".csv", "corrupt_file"),
        (b"name,value\nx,1\n", ".csv", "corrupt_file"),
        (b"PAR1 nothing", ".parquet", "corrupt_file"),
        (b"{}", ".xlsx", "unknown_file"),
        (b"x" * ((1 << 20) + 1), ".csv", "too_large"),
        (b"", ".csv", "corrupt_file"),
    ],
)
def test_a_bad_file_costs_itself_only(data: bytes, suffix: str, reason: str) -> None:
    store = MemoryStore()
    store.put("m/kpis/good.csv", (HEAD + GOOD).encode())
    store.put(f"m/kpis/bad{suffix}", data)
    good, bad = read_kpis(store, "m", 1)  # type: ignore[arg-type]
    assert len(good) == 1 and [each.reason for each in bad] == [reason]


def test_a_file_is_read_up_to_its_limit_of_rows() -> None:
    line = GOOD.replace("120", "1").strip() + "\n"
    _, bad = read(HEAD + line * (ROWS + 2), limit=16)
    assert [each.reason for each in bad] == ["too_large"]


def test_a_later_file_corrects_an_earlier_one() -> None:
    rows, bad = read(HEAD + GOOD, HEAD + GOOD.replace("120", "90"))
    assert [each.value for each in rows] == [90] and bad == []


def test_a_number_that_changed_its_unit_is_not_mixed() -> None:
    other = "escapes,2026-11-19T00:00:00Z,2026-11-20T00:00:00Z,0.012,%,lower,\n"
    rows, bad = read(HEAD + other, HEAD + GOOD)
    assert [each.unit for each in rows] == ["ppm"] and [each.reason for each in bad] == ["conflicting_records"]


def test_the_value_of_a_day_is_that_of_its_hours_and_hours_make_the_mean_of_a_day() -> None:
    [of_hour] = joined([("f", row(-12, 120, hours=24))], NOON, RULES)
    assert (of_hour.value, of_hour.rows, of_hour.trend) == (120, 1, (120,))
    day = Window(NOON.start, NOON.start + timedelta(hours=24))
    [of_day] = joined([("f", row(at, 10 if at < 6 else 20)) for at in range(24)], day, RULES)
    assert (of_day.value, of_day.rows) == (pytest.approx(17.5), 24)
    [part] = joined([("f", row(-0.5, 10)), ("f", row(0.5, 30, hours=0.25))], NOON, RULES)
    assert part.value == pytest.approx((0.5 * 10 + 0.25 * 30) / 0.75)


def test_what_touches_a_window_only_at_its_edge_is_not_about_it() -> None:
    assert joined([("f", row(-1, 5)), ("f", row(1, 6))], NOON, RULES) == []


def test_a_trend_knows_what_is_better() -> None:
    up = joined([("f", row(-1, 5)), ("f", row(0, 6))], NOON, RULES)[0]
    assert up.trend == (5, 6) and up.gain == -1
    good = joined([("f", row(-1, 5, better="higher")), ("f", row(0, 6, better="higher"))], NOON, RULES)[0]
    assert good.gain == 1


def test_cameras_are_numbers_of_their_own() -> None:
    found = joined([("f", row(0, 5)), ("f", row(0, 9, camera="a"))], NOON, RULES)
    assert [(each.slice, each.value) for each in found] == [("all", 5), ("camera=a", 9)]


@pytest.mark.parametrize(
    ("better", "limit", "outcome"),
    [("lower", 100, Outcome.BREACH), ("lower", 120, Outcome.OK), ("higher", 100, Outcome.OK),
     ("higher", 121, Outcome.BREACH)],
)  # fmt: skip
def test_a_limit_gives_a_finding_in_the_direction_that_the_number_states(
    better: str, limit: float, outcome: Outcome
) -> None:
    rules = KpiRules(limits=(KpiLimit(name="escapes", limit=limit),))
    found = joined([("f", row(0, 120, better=better))], NOON, rules)
    assert [each.outcome for each in kpi_findings(found, rules)] == [outcome]


def test_a_limit_without_a_value_is_open() -> None:
    rules = KpiRules(limits=(KpiLimit(name="escapes", limit=1),))
    [finding] = kpi_findings([], rules)
    assert finding.outcome is Outcome.INCONCLUSIVE and "escapes" in finding.note


@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_number_of_the_business_decides_anything(outcome: Outcome) -> None:
    sound = Report(stage=Stage.DRIFT, findings=(Finding(check="x", subject="brightness", outcome=Outcome.OK),))
    told = Report(stage=Stage.BUSINESS, findings=(Finding(check="kpi", subject="escapes", outcome=outcome),))
    verdict = judge((sound, told), (), None)
    assert (verdict.outcome, verdict.action) == (Outcome.OK, Action.NONE)
    assert told in verdict.reports


def test_a_program_computes_from_the_windows_own_records() -> None:
    def empty(window, predictions):
        rows = list(predictions(["detections"]))
        yield {"name": "empty", "value": sum(not r["detections"] for r in rows) / len(rows), "better": "lower"}

    good, bad = asked({"mine": empty}, NOON, lambda columns: iter([{"detections": []}, {"detections": [1]}]))
    assert bad == [] and [(name, r.value, r.start, r.end) for name, r in good] == [("mine", 0.5, NOON.start, NOON.end)]


def test_a_program_that_fails_costs_its_own_numbers_only() -> None:
    def broken(window, predictions):
        raise KeyError("detections")

    def odd(window, predictions):
        return [{"name": "x", "value": float("inf"), "better": "lower"}, {"name": "y", "value": 1, "better": "higher"}]

    good, bad = asked({"broken": broken, "odd": odd, "none": lambda w, p: None}, NOON, lambda columns: iter(()))
    assert [r.name for _, r in good] == ["y"]
    assert [(each.source, each.reason) for each in bad] == [
        ("program broken", "bad_record"), ("program odd#1", "non_finite"), ("program none", "bad_record"),
    ]  # fmt: skip


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "error",
    [EOFError(), StopIteration(), SystemExit(3), Unspeakable(), NotFound("gone"), ExceptionGroup("a", [OSError()])],
)
def test_whatever_a_program_raises_costs_its_own_numbers_only(error: BaseException) -> None:
    def broken(window, predictions):
        raise error

    def sound(window, predictions):
        return [{"name": "y", "value": 1, "better": "higher"}]

    good, bad = asked({"broken": broken, "sound": sound}, NOON, lambda columns: iter(()))
    assert [r.name for _, r in good] == ["y"]
    assert [(each.source, each.reason) for each in bad] == [("program broken", "bad_record")]
    assert bad[0].note.startswith(type(error).__name__)


@pytest.mark.parametrize("error", [StoreUnavailable("the bucket did not answer"), KeyboardInterrupt()])
def test_an_outage_or_the_wish_to_stop_is_no_programs_fault(error: BaseException) -> None:
    def reading(columns):
        raise error

    with pytest.raises(type(error)):
        asked({"mine": lambda window, predictions: list(predictions(["detections"]))}, NOON, reading)


def test_a_program_without_end_is_cut_off_and_it_is_said() -> None:
    def endless(window, predictions):
        while True:
            yield {"name": "y", "value": 1, "better": "higher"}

    good, bad = asked({"endless": endless}, NOON, lambda columns: iter(()))
    assert len(good) == VALUES
    assert [(each.source, each.reason) for each in bad] == [("program endless", "too_large")]
    assert "more than 1,000 values" in bad[0].note


def test_numbers_come_back_from_the_ledger_and_make_a_table() -> None:
    rules = KpiRules(limits=(KpiLimit(name="escapes", limit=100),))
    found = joined([("f", row(-1, 5)), ("f", row(0, 120))], NOON, rules)
    business = Business(kpis=tuple(found), refused=(Refusal(source="a", reason="bad_time", note="n"),), refusals=1)
    assert kpis_kept({KPIS: kpis_text(business)}) == business
    table = kpi_table(business)
    assert table is not None and table.rows[0].look == "breach" and "worse" in table.rows[0].change
    assert kpi_table(Business()) is None
