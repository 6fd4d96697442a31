"""Evidently's page: the distributions behind the drift findings, to look at; the verdict is ours.

Names of cameras, classes and columns come from outside and Evidently writes them into its HTML as they are, so they
are made harmless before it sees them. Columns without values or with a single one would stop the whole report.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.adapters.loading import loading
from tasks.domain.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 5_000
NUMERIC = ("wasserstein", 0.25)
"""Method and limit for numbers: earth mover's distance in standard deviations, whatever the number of rows."""
CATEGORICAL = ("jensenshannon", 0.2)
_UNSAFE = re.compile(r"[^\w .+#-]")
NAME_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPage:
    """A self-contained HTML page, the same numbers as JSON values, and the columns that could not be shown."""

    html: bytes
    numbers: dict[str, Any]
    dropped: tuple[str, ...]


def harmless(name: str) -> str:
    """A name with everything but letters, digits, space and . + - _ # replaced, at most 64 characters.

    >>> harmless("<script>x")
    '_script_x'
    """
    return _UNSAFE.sub("_", name)[:NAME_LENGTH] or "_"


def draw(reference: pa.Table, current: pa.Table, title: str) -> DriftPage:
    """The page for two tables of numbers and names with the same columns; at most 5,000 rows of each are used.

    Raises:
        ContractError: no column is left that varies on both sides.
    """
    os.environ["DO_NOT_TRACK"] = "1"
    columns = [name for name in reference.column_names if name in current.column_names]
    kept = [name for name in columns if _varies(reference[name]) and _varies(current[name])]
    if not kept:
        raise ContractError("no column varies in both reference and window: there is nothing to draw")
    with warnings.catch_warnings():  # third-party deprecations that we cannot mend
        warnings.simplefilter("ignore")
        snapshot = _run(_safe_frame(reference, kept), _safe_frame(current, kept), harmless(title))
        html = snapshot.get_html_str(as_iframe=False).encode()
        numbers = json.loads(json.dumps(snapshot.dict(), default=str))
    return DriftPage(html=html, numbers=numbers, dropped=tuple(name for name in columns if name not in kept))


def _varies(column: pa.ChunkedArray) -> bool:
    """Whether a column has at least two different values that are not null, nan or infinite."""
    values = column.drop_null()
    if pa.types.is_floating(values.type):
        values = values.filter(pc.is_finite(values))
    return bool(pc.count_distinct(values).as_py() > 1)


def _safe_frame(table: pa.Table, columns: list[str]) -> pd.DataFrame:
    """At most 5,000 rows, evenly spaced, with harmless column names and text; infinities become nan."""
    rows = pa.array([place * table.num_rows // MAX_ROWS for place in range(MAX_ROWS)])
    chosen = table.take(rows) if table.num_rows > MAX_ROWS else table
    safe = {new: _safe_column(chosen[name]) for name, new in _safe_names(columns).items()}
    frame: pd.DataFrame = pa.table(safe).to_pandas()
    return frame


def _safe_names(columns: list[str]) -> Mapping[str, str]:
    """Harmless names, kept apart by a number where two would become one."""
    found: dict[str, str] = {}
    for name in columns:
        safe = harmless(name)
        found[name] = safe if safe not in found.values() else f"{safe[: NAME_LENGTH - 6]} {len(found)}"
    return found


def _safe_column(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        values = column.cast(pa.float64())
        return pc.if_else(pc.is_finite(values), values, None).combine_chunks()
    return pa.array([harmless(str(value)) if value is not None else None for value in column.to_pylist()], pa.string())


def _run(reference: pd.DataFrame, current: pd.DataFrame, title: str) -> Any:
    with loading():
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import ValueDrift

    text = [name for name in reference.columns if not _numeric(reference, name)]
    numbers = [name for name in reference.columns if name not in text]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=text)
    metrics = [ValueDrift(column=name, method=NUMERIC[0], threshold=NUMERIC[1]) for name in numbers]
    metrics += [ValueDrift(column=name, method=CATEGORICAL[0], threshold=CATEGORICAL[1]) for name in text]
    before, after = (Dataset.from_pandas(frame, data_definition=definition) for frame in (reference, current))
    return Report(metrics, metadata={"title": title}).run(current_data=after, reference_data=before)


def _numeric(frame: pd.DataFrame, name: str) -> bool:
    return bool(frame[name].dtype.kind in "fi")
