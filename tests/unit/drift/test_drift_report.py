"""The page to look at: small enough, complete enough, and harmless."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.drift_report import NAME_LENGTH, draw, harmless
from tasks.domain.errors import ContractError
from tasks.drift.page import COLUMNS

HOSTILE = "<script>alert(1)</script>"


def table(seed, n, shift=0.0):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "camera": [(HOSTILE, "<img src=x onerror=alert(2)>")[i % 2] for i in range(n)],
            "brightness": rng.standard_normal(n) + shift,
            f"class[{HOSTILE}]": rng.random(n),
            "hole": np.full(n, np.nan),
            "flat": np.ones(n),
        }
    )


@pytest.fixture(scope="module")
def page():
    return draw(table(0, 6_000), table(1, 300, shift=2.0), f"solar {HOSTILE}")


def test_hostile_names_do_not_reach_the_page(page):
    html = page.html.decode()
    assert "alert(" not in html
    assert "<img src=x" not in html
    assert "_script_alert_1_" in html


def test_the_page_is_one_file_under_five_megabytes(page):
    assert 100_000 < len(page.html) < 5_000_000


@pytest.mark.parametrize("cameras", [3, 50_000])
def test_fifty_thousand_rows_and_hostile_names_still_make_a_small_harmless_page(cameras):
    """As many columns as the drift stage ever asks for, named by strangers as long as they like."""
    rows = 50_000
    sides = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        columns = {"camera": [f"{HOSTILE}{'x' * 90}{place % cameras}" for place in range(rows)]}
        columns |= {f"class[{HOSTILE * 3}{n}]": rng.random(rows) * 10.0**n for n in range(COLUMNS - 1)}
        sides.append(pa.table(columns))
    made = draw(*sides, f"solar {HOSTILE}").html
    assert len(made) < 5_000_000
    assert b"alert(" not in made


def test_columns_that_say_nothing_are_dropped_and_named(page):
    assert page.dropped == ("hole", "flat")


def test_the_numbers_are_there_as_plain_values(page):
    values = {m["config"]["column"]: m["value"] for m in page.numbers["metrics"]}
    assert values["brightness"] == pytest.approx(2.0, abs=0.3)


def test_nobody_is_told_about_it(page):
    assert os.environ["DO_NOT_TRACK"] == "1"


def test_nothing_to_draw_is_said():
    with pytest.raises(ContractError, match="no column varies"):
        draw(table(0, 50).select(["hole", "flat"]), table(1, 50).select(["hole", "flat"]), "t")


def test_names_that_become_alike_stay_apart():
    both = pa.table({"a<": [1.0, 2.0, 3.0], "a>": [3.0, 1.0, 2.0]})
    columns = [m["config"]["column"] for m in draw(both, both, "t").numbers["metrics"]]
    assert len(set(columns)) == 2


def test_a_name_is_bounded_and_never_empty():
    assert len(harmless("x" * 500)) == NAME_LENGTH
    assert harmless("") == "_"
    assert harmless("Linie 3 – Süd") == "Linie 3 _ Süd"
