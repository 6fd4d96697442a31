"""great-expectations, in memory and silent: asks expectations of tables and says what was found.

It lets column rules pass on empty tables and on columns without a value, so every answer also counts what was looked
at. Its own documents are not used: they load scripts from the network.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tasks.domain.errors import ConfigError
from tasks.domain.expectation import Answer, Expectation

MAX_EXAMPLES = 20
EXAMPLE_LENGTH = 60


def ask(tables: Mapping[str, pa.Table], expectations: Sequence[Expectation]) -> tuple[Answer, ...]:
    """One answer for each expectation, in their order.

    A missing table or column is an answer with an `error`, not an exception.

    Raises:
        ConfigError: an expectation names a rule that great-expectations does not have, or wrong parameters.
    """
    found: dict[int, Answer] = {}
    for name in dict.fromkeys(expectation.table for expectation in expectations):
        places = [place for place, expectation in enumerate(expectations) if expectation.table == name]
        if name not in tables:
            found |= {place: _unasked(expectations[place], 0, f"there is no table {name!r}") for place in places}
            continue
        missing = {
            p for p in places if expectations[p].column and expectations[p].column not in tables[name].column_names
        }
        for place in missing:
            error = f"there is no column {expectations[place].column!r}"
            found[place] = _unasked(expectations[place], tables[name].num_rows, error)
        found |= _asked(tables[name], {p: expectations[p] for p in places if p not in missing})
    return tuple(found[place] for place in range(len(expectations)))


def _unasked(expectation: Expectation, rows: int, error: str) -> Answer:
    return Answer(expectation=expectation, success=False, rows=rows, evaluated=0, unexpected=0, error=error)


def _asked(table: pa.Table, expectations: Mapping[int, Expectation]) -> dict[int, Answer]:
    with warnings.catch_warnings():  # third-party deprecations that we cannot mend
        warnings.simplefilter("ignore")
        results = _validate(table, expectations)
    return {place: _answer(expectations[place], table, result) for place, result in results.items()}


def _validate(table: pa.Table, expectations: Mapping[int, Expectation]) -> dict[int, dict[str, Any]]:
    """Raw results by place; great-expectations changes the order, so each carries its place as metadata."""
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
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table.to_pandas()})
    outcome = batch.validate(
        suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": MAX_EXAMPLES}
    )
    results: list[Any] = [result.to_json_dict() for result in outcome.results]
    return {int(result["expectation_config"]["meta"]["place"]): result for result in results}


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
    filled = table.num_rows - _missing(table, expectation.column)
    asks_presence = (
        expectation.rule in ("ExpectColumnValuesToNotBeNull", "ExpectColumnToExist") or not expectation.column
    )
    return Answer(
        expectation=expectation,
        success=bool(result.get("success")) and not error,
        rows=table.num_rows,
        evaluated=table.num_rows if asks_presence else filled,
        unexpected=int(numbers.get("unexpected_count") or 0),
        examples=tuple(str(value)[:EXAMPLE_LENGTH] for value in (numbers.get("partial_unexpected_list") or ())),
        observed=observed,
        error=error,
    )


def _missing(table: pa.Table, column: str) -> int:
    """Rows without a value; nan counts as none."""
    if not column:
        return 0
    values = table[column]
    if not pa.types.is_floating(values.type):
        return int(values.null_count)
    return int(values.to_pandas().isna().sum())


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _error(info: Mapping[str, Any]) -> str:
    """The message of an exception that great-expectations swallowed; its report has two shapes."""
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, Mapping)]
    messages = [str(entry.get("exception_message")) for entry in entries if entry.get("raised_exception")]
    return messages[0][:200] if messages else ""
