"""Programs of the user that compute business numbers: entry points of the group `evergreen.kpis`.

    # pyproject.toml of any package that is installed beside Evergreen
    [project.entry-points."evergreen.kpis"]
    empty_images = "line_numbers:empty_images"

    def empty_images(window, predictions):
        rows = list(predictions(["detections"]))
        share = sum(not row["detections"] for row in rows) / max(len(rows), 1)
        yield {"name": "images without an object", "value": share, "unit": "share", "better": "lower"}

`window` has `start` and `end`; `predictions(columns)` gives the window's prediction records, one mapping each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from itertools import islice
from typing import Any

from tasks.domain.contract_reasons import Reason
from tasks.domain.errors import Transient
from tasks.domain.kpi import KpiRow, Refusal
from tasks.domain.window import Window
from tasks.domain.wording import one_line
from tasks.kpi.reading import row_of

GROUP = "evergreen.kpis"

VALUES = 1_000
"""Values that one program may give for a window."""

Reader = Callable[[Sequence[str]], Iterator[Mapping[str, Any]]]
Program = Callable[[Window, Reader], Iterable[Mapping[str, Any]]]


def installed() -> dict[str, Program]:
    """The programs by name; one that cannot be imported is one that raises when it is asked."""
    return {point.name: _loaded(point) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def asked(
    programs: Mapping[str, Program], window: Window, predictions: Reader
) -> tuple[list[tuple[str, KpiRow]], list[Refusal]]:
    """(program, row) for every value that is usable; where start and end are not given they are the window's."""
    good: list[tuple[str, KpiRow]] = []
    bad: list[Refusal] = []
    for name, program in programs.items():
        values, failed = _given(name, program, window, predictions)
        bad += failed
        for number, each in enumerate(values, start=1):
            row = row_of({"start": window.start, "end": window.end, **each}, f"program {name}#{number}")
            if isinstance(row, Refusal):
                bad.append(row)
            else:
                good.append((name, row))
    return good, bad


def _given(
    name: str, program: Program, window: Window, predictions: Reader
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """What one program gives, `VALUES` at most; nothing where it fails in the middle, for half a sum is a wrong one."""
    try:
        values = [dict(each) for each in islice(program(window, predictions), VALUES + 1)]
    except Transient:
        raise  # the reader could not read: an outage of ours, which the next try may mend
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything, even sys.exit()
        return [], [_refusal(name, Reason.BAD_RECORD, f"{type(error).__name__}: {_said(error)}")]
    if len(values) <= VALUES:
        return values, []
    return values[:VALUES], [_refusal(name, Reason.TOO_LARGE, f"more than {VALUES:,} values; the rest was not read")]


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error of a stranger's own class may fail to say what it is
        return "it cannot say what it is"


def _refusal(name: str, reason: Reason, note: str) -> Refusal:
    return Refusal(source=one_line(f"program {name}", 200), reason=reason.value, note=one_line(note, 200))


def _loaded(point: Any) -> Program:
    def program(window: Window, predictions: Reader) -> Iterable[Mapping[str, Any]]:
        found: Iterable[Mapping[str, Any]] = point.load()(window, predictions)
        return found

    return program
