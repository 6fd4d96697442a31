"""A labelled image knows the chance that it was kept with, also one of a window from before catalogs knew it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tasks.curate import task as curate
from tasks.curate.rules import CurateRules
from tasks.domain.errors import NotFound
from tasks.domain.snapshot import TableRef
from tests.fakes.labelled_line import LabelledLine, found, labelled_line, thing
from tests.unit.ledger.ledger_cases import MODEL

__all__ = ["labelled_line"]

RULES = CurateRules(recent_windows=3, session_minutes=1, holdout_share=0.9, near_duplicate_levels=0)
ALL = {f"i{n}": [found()] for n in range(9)}


def chances(line: LabelledLine) -> set[float]:
    table = line.tables.read(curate.recent_dataset.fn(MODEL, line.labels(), RULES), ["chance"])
    return set(table["chance"].to_pylist())


@pytest.mark.parametrize("drawn", [1.0, None])
def test_the_chance_of_an_image_is_the_one_that_capture_gave_it(
    labelled_line: LabelledLine, drawn: float | None
) -> None:
    labelled_line.judge(0, ALL, kept=0.1, drawn=drawn)
    for name in ALL:
        labelled_line.label(name, [thing()], datetime.now(UTC))
    assert chances(labelled_line) == {0.1}


def test_where_the_answers_of_an_older_window_are_gone_its_catalog_is_believed(
    labelled_line: LabelledLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled_line.judge(0, ALL, kept=0.1, drawn=None)
    for name in ALL:
        labelled_line.label(name, [thing()], datetime.now(UTC))
    about = labelled_line.tables.about

    def tidied(ref: TableRef, *rest: Any) -> pa.Table:
        if ref.schema == "predictions":
            raise NotFound(f"{ref.uri} is gone")
        return about(ref, *rest)

    monkeypatch.setattr(labelled_line.tables, "about", tidied)
    assert chances(labelled_line) == {1.0}
