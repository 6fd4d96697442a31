"""great-expectations, in memory and silent: asks expectations of tables and says what was found.

It lets column rules pass on empty tables and on columns without a value, so every answer also counts what was looked
at. Its validation results are handed on as JSON; its own documents are not built: they load scripts from the network
and grow slower with every window that they show. It knows no weights: where rows stand for differently many, its
results are about the rows, the answers about what they stand for (`tasks.domain.expectation`).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tasks.adapters.loading import loading
from tasks.domain.errors import ConfigError
from tasks.domain.expectation import EXISTS, NOT_NULL, Answer, Expectation, filled, weighed, weights_of

MAX_EXAMPLES = 20
EXAMPLE_LENGTH = 60
TEXT_LENGTH, MAX_LIST = 300, 1_000
"""Characters of a text and items of a list that are kept of a validation result."""

IDENTITY = ("image_id", "key")
"""Columns that say which row an example is; the first one that a table has."""

ROW = "row of the table"
"""Column with the place of a row, where every row that breaks a rule has to be known."""

WHOLE = ("unexpected_index_list", "unexpected_list", "unexpected_index_query")
"""What a result holds of every such row; too long to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One answer for each expectation in their order, and great-expectations' own results by table, as JSON values."""

    answers: tuple[Answer, ...]
    results: Mapping[str, Any]


def ask(tables: Mapping[str, pa.Table], expectations: Sequence[Expectation]) -> Asked:
    """What became of each expectation.

    A missing table or column is an answer with an `error`, not an exception. Every list and text in the answers and
    results is bounded, whatever the tables hold.

    Raises:
        ConfigError: an expectation names a rule that great-expectations does not have, or wrong parameters.
    """
    found: dict[int, Answer] = {}
    results: dict[str, Any] = {}
    for name in dict.fromkeys(expectation.table for expectation in expectations):
        mine = {place: each for place, each in enumerate(expectations) if each.table == name}
        gone = {place: fault for place, each in mine.items() if (fault := _fault(tables.get(name), each))}
        rows = tables[name].num_rows if name in tables else 0
        found |= {place: _unasked(mine[place], rows, fault) for place, fault in gone.items()}
        if len(gone) < len(mine):
            present = {place: each for place, each in mine.items() if place not in gone}
            answers, results[name] = _asked(tables[name], present)
            found |= answers
    return Asked(answers=tuple(found[place] for place in range(len(expectations))), results=results)


def _fault(table: pa.Table | None, expectation: Expectation) -> str:
    if table is None:
        return f"there is no table {expectation.table!r}"
    missing = expectation.column and expectation.column not in table.column_names
    return f"there is no column {expectation.column!r}" if missing else ""


def _unasked(expectation: Expectation, rows: int, error: str) -> Answer:
    return Answer(expectation=expectation, success=False, rows=rows, evaluated=0, unexpected=0, error=error)


def _asked(table: pa.Table, expectations: Mapping[int, Expectation]) -> tuple[dict[int, Answer], Any]:
    with warnings.catch_warnings():  # third-party deprecations that we cannot mend
        warnings.simplefilter("ignore")
        document = _validate(table, expectations)
    by_place = {int(result["expectation_config"]["meta"]["place"]): result for result in document["results"]}
    found = {place: _answer(expectations[place], table, result) for place, result in by_place.items()}
    weights = weights_of(table)
    if weights is not None:
        found = {place: weighed(found[place], table, weights, _broke(by_place[place])) for place in found}
    return found, _bounded(document)


def _broke(result: Mapping[str, Any]) -> list[int]:
    """The places of all rows that broke the rule; they are taken out of the result, which is kept."""
    numbers = result.get("result") or {}
    rows = numbers.get("unexpected_index_list") or ()
    for name in WHOLE:
        numbers.pop(name, None)
    return [int(row[ROW]) for row in rows if isinstance(row, Mapping)]


def _validate(table: pa.Table, expectations: Mapping[int, Expectation]) -> dict[str, Any]:
    """The validation result; great-expectations changes the order of results, so each carries its place as metadata."""
    with loading():
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

    in_memory = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False))
    context = gx.get_context(mode="ephemeral", project_config=in_memory)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    suite = gx.ExpectationSuite(name="quality", expectations=[_native(e, place) for place, e in expectations.items()])
    asset = context.data_sources.add_pandas("tables").add_dataframe_asset("table")
    frame = table.to_pandas()
    wanted: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": MAX_EXAMPLES}
    names = [name for name in IDENTITY if name in table.column_names][:1]
    if weights_of(table) is not None:
        frame[ROW] = range(len(frame))
        wanted["result_format"], names = "COMPLETE", [*names, ROW]
    if names:
        wanted["unexpected_index_column_names"] = names
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    outcome: Any = batch.validate(suite, result_format=wanted)
    document = outcome.to_json_dict()
    return {name: document[name] for name in ("success", "statistics", "results")}


def _bounded(value: Any) -> Any:
    """The same JSON values with every text cut: a stranger's names may be as long as they like."""
    if isinstance(value, str):
        return value[:TEXT_LENGTH]
    if isinstance(value, Mapping):
        return {str(name)[:TEXT_LENGTH]: _bounded(item) for name, item in value.items()}
    return [_bounded(item) for item in value[:MAX_LIST]] if isinstance(value, list) else value


def _native(expectation: Expectation, place: int) -> Any:
    import great_expectations.expectations as library

    rule = getattr(library, expectation.rule, None)
    if rule is None or not expectation.rule.startswith("Expect"):
        raise ConfigError(f"great-expectations has no rule {expectation.rule!r}")
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in expectation.parameters.items()}
    if expectation.column:
        given["column"] = expectation.column
    if expectation.mostly < 1:
        given["mostly"] = expectation.mostly
    try:
        return rule(**given, severity=expectation.severity.value, meta={"place": place})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{expectation.rule} does not take {sorted(given)}: {error}") from error


def _answer(expectation: Expectation, table: pa.Table, result: Mapping[str, Any]) -> Answer:
    numbers = result.get("result") or {}
    observed = _number(numbers.get("observed_value"))
    error = _error(result.get("exception_info") or {})
    there = int(filled(table, expectation.column).sum()) if expectation.column else table.num_rows
    asks_presence = expectation.rule in (NOT_NULL, EXISTS) or not expectation.column
    return Answer(
        expectation=expectation,
        success=bool(result.get("success")) and not error,
        rows=table.num_rows,
        evaluated=table.num_rows if asks_presence else there,
        unexpected=int(numbers.get("unexpected_count") or 0),
        examples=_examples(numbers, expectation.column),
        observed=observed,
        error=error,
    )


def _examples(numbers: Mapping[str, Any], column: str) -> tuple[str, ...]:
    """`<row>: <value>` of a few rows that broke the rule, or their values where rows have no name."""
    named = [row for row in numbers.get("partial_unexpected_index_list") or () if isinstance(row, Mapping)]
    if not named:
        return tuple(str(value)[:EXAMPLE_LENGTH] for value in (numbers.get("partial_unexpected_list") or ()))
    pairs = ((next((row[name] for name in IDENTITY if name in row), ""), row.get(column)) for row in named)
    return tuple(
        f"{str(name)[:EXAMPLE_LENGTH]}: {str(value)[:EXAMPLE_LENGTH]}" if name != value else str(name)[:EXAMPLE_LENGTH]
        for name, value in pairs
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _error(info: Mapping[str, Any]) -> str:
    """The message of an exception that great-expectations swallowed; its report has two shapes."""
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, Mapping)]
    messages = [str(entry.get("exception_message")) for entry in entries if entry.get("raised_exception")]
    return messages[0][:200] if messages else ""
