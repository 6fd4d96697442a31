"""Data schemas of a model: proposed from what the ledger knows to be healthy, accepted by a person, kept for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from tasks.adapters.ledger.records import Decision, DecisionKind, WindowRecord
from tasks.adapters.tables import MANY
from tasks.connections import ledger, store, tables
from tasks.domain.errors import ConfigError, ContractError, NotFound
from tasks.domain.finding import Outcome
from tasks.domain.signed import require_signed
from tasks.domain.snapshot import table_of
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.window import Window
from tasks.quality.anomalies import Accepted
from tasks.quality.frames import frames
from tasks.quality.infer import Healthy, infer
from tasks.quality.pieces import PIECE, drawn
from tasks.quality.schema import DataSchema
from tasks.quality.schema_file import MAX_BYTES, Notes, digest, read, written

SEARCHED = 1_000
"""Newest windows among which healthy ones are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Who accepted which version of a schema, when and why."""

    version: int
    digest: str
    by: str
    at: datetime
    reason: str


def propose(model: str, last: int) -> tuple[DataSchema, Notes]:
    """A schema inferred from the newest healthy windows, or from the pinned reference when there are none.

    Raises:
        ConfigError: fewer than one window is asked for.
        NotFound: neither exists.
    """
    if last < 1:
        raise ConfigError(f"a data schema is inferred from one window at least, {last} were asked for: --last 24")
    healthy = [found for row in _healthy(model)[:last] if (found := _window(row)) is not None]
    reference = None
    if not healthy:
        champion = ledger().promotions.champion(model)
        reference = ledger().references.current(model, champion.sha256) if champion else None
        if reference is None:
            raise NotFound(
                f"{model!r} has neither a healthy window nor a pinned reference: run `evergreen monitor {model}`"
            )
        healthy = [_reference(tables().read(reference.table))]
    return infer(model, healthy[::-1], classes_of(model), reference.id if reference else None)


def accept(schema: DataSchema, by: str, reason: str) -> Acceptance:
    """Check every window of the model against this schema from now on. The one that counts already stays as it is.

    Raises:
        ConfigError: nobody, or no reason, is named; or the schema names a column that no window has.
        NotFound: the ledger does not know the model.
    """
    require_signed("a data schema", by, reason)
    if schema.model not in ledger().models.names():
        raise NotFound(f"the ledger knows no model {schema.model!r}")
    if strangers := sorted({*schema.numbers, *schema.presence} - columns()):
        raise ConfigError(f"no window has a column {strangers[0]!r}; known: {', '.join(sorted(columns()))}")
    known, content = acceptances(schema.model), digest(schema)
    if known and known[-1].digest == content:
        return known[-1]
    store().put(_key(schema.model, content), written(schema).encode("utf-8"), "application/yaml; charset=utf-8")
    ledger().decisions.append(
        schema.model, DecisionKind.DATA_SCHEMA, SUBJECT, by, {"digest": content, "reason": reason}
    )
    return acceptances(schema.model)[-1]


SUBJECT = "data_schema"


def acceptances(model: str) -> list[Acceptance]:
    """Every version, oldest first. A version's number is its place: two people who accept at once get two numbers."""
    trail = ledger().decisions.trail(model, DecisionKind.DATA_SCHEMA, SUBJECT)
    return [_acceptance(number, each) for number, each in enumerate(trail, start=1)]


def current(model: str) -> Accepted | None:
    """The schema that counts, or None when nobody ever accepted one. Raises as `version` does."""
    known = acceptances(model)
    return version(model, known[-1].version) if known else None


def version(model: str, number: int) -> Accepted:
    """The schema of that number.

    Raises:
        NotFound: there is no such version, or its file is gone from the bucket.
        ContractError: the file is not what was accepted.
    """
    found = next((each for each in acceptances(model) if each.version == number), None)
    if found is None:
        raise NotFound(f"{model!r} has no data schema v{number}: `evergreen quality-show {model}`")
    schema = read(store().get(_key(model, found.digest), MAX_BYTES))
    if digest(schema) != found.digest:
        raise ContractError(f"data schema v{number} of {model!r} is not what was accepted: its file was changed")
    return Accepted(schema=schema, version=number, digest=found.digest)


def columns() -> frozenset[str]:
    """Every `table.column` that a schema may speak of."""
    day = Window.parse("2026-01-01T00:00:00Z/2026-01-02T00:00:00Z")
    empty = frames(CATALOG.empty_table(), PREDICTIONS.empty_table(), day)
    return frozenset(f"{name}.{column}" for name, table in empty.items() for column in table.column_names)


def classes_of(model: str) -> tuple[str, ...]:
    """Names of the model's classes; () when the ledger does not know it."""
    known = ledger().models.get(model)
    return known.classes if known else ()


def _key(model: str, content: str) -> str:
    return f"{model}/evergreen/schemas/{content}.yaml"


def _acceptance(number: int, row: Decision) -> Acceptance:
    payload: dict[str, Any] = row.payload
    return Acceptance(version=number, digest=payload["digest"], by=row.actor, at=row.at, reason=payload["reason"])


def _healthy(model: str) -> list[WindowRecord]:
    found = ledger().windows.latest(model, SEARCHED)
    return [row for row in found if row.outcome is Outcome.OK and row.facts is not None and row.facts.accepted]


def _window(row: WindowRecord) -> Healthy | None:
    note = row.facts.artifacts.get("predictions", "") if row.facts else ""
    if row.facts is None or row.facts.catalog is None or not note.startswith("{"):
        return None
    listed, answered = row.facts.catalog, table_of(note)
    share = min(1.0, PIECE / max(listed.rows, answered.rows, 1))
    if share == 1.0:
        shown = [tables().read(ref) for ref in (listed, answered)]
    else:
        shown = [pa.concat_tables(drawn(tables().pieces(ref, MANY), share, told=False)) for ref in (listed, answered)]
    return Healthy(window=row.window, frames=frames(shown[0], shown[1], row.window), share=share)


def _reference(table: pa.Table) -> Healthy:
    """A pinned reference as a window: a sample of images with their answers, which tells nothing of volume."""
    moments = table["captured_at"].to_pylist()
    span = Window(min(moments), max(moments) + timedelta(hours=1))
    return Healthy(
        window=span,
        frames=frames(_shaped(table, CATALOG, verdict="accepted"), _shaped(table, PREDICTIONS), span),
        thinned=True,
    )


def _shaped(table: pa.Table, schema: pa.Schema, **constant: str) -> pa.Table:
    """The table's columns of that schema; what it lacks is null."""
    rows = table.num_rows
    columns = [
        pa.array([constant[each.name]] * rows, each.type)
        if each.name in constant
        else (table[each.name].cast(each.type) if each.name in table.column_names else pa.nulls(rows, each.type))
        for each in schema
    ]
    return pa.table(columns, names=schema.names)
