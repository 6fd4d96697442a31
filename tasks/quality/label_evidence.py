"""What labels are held against: the champion's training, the windows that saw their images, the labels of before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.adapters.ledger.records import DecisionKind, VersionRecord, WindowRecord
from tasks.connections import ledger, store, tables
from tasks.domain.card import training_set
from tasks.domain.errors import NotFound
from tasks.domain.model import Kind, ModelRef
from tasks.domain.snapshot import TableRef, table_of
from tasks.domain.tables import CATALOG
from tasks.quality.agreement import Pairs, Things
from tasks.quality.labels import Evidence, Known
from tasks.quality.mix import Counts, counts

HISTORY = 1_000
"""Newest windows whose catalogs are searched for labelled images."""
ANSWERED = 100
"""Newest windows among them whose answers are read."""
NOTE_BYTES = 10_000
BOXED = frozenset({Kind.DETECT, Kind.SEGMENT, Kind.POSE})
"""Kinds whose labels and answers are boxes in the same sense."""
SEEN = BOXED | {Kind.CLASSIFY}
"""Kinds whose labels can be held against answers."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Witness:
    """Labels with what speaks for and against them: `learnt` are objects of the training, `pairs` label and answer."""

    evidence: Evidence
    learnt: Counts
    answered: Counts
    labelled: Counts
    pairs: Pairs = field(default_factory=tuple)


def witness(model: str, champion: ModelRef | None, labels: TableRef) -> Witness:
    """Everything that is known about the labels that the champion has not learnt from; all labels without one."""
    version = ledger().versions.get(model, champion.sha256) if champion else None
    learnt = _manifest(version)
    table = tables().read(labels)
    fresh = _unlearnt(table, {row["image_id"]: row["labelled_at"] for row in learnt})
    images, answers = _windows(model, frozenset(fresh["image_id"].to_pylist()))
    classes = len(champion.classes) if champion else 0
    evidence = Evidence(
        labels=fresh,
        refused=_refused(labels, version.created_at if version else None),
        images=images,
        earlier=_earlier(champion),
        present=frozenset(table["image_id"].to_pylist()),
    )
    rows = fresh.select(["image_id", "objects"]).to_pylist()
    known = [(row, answers[row["image_id"]]) for row in rows if row["image_id"] in answers]
    return Witness(
        evidence=evidence,
        learnt=counts([_ids(row["objects"]) for row in learnt], classes),
        answered=counts([_ids(found) for _, found in known], classes),
        labelled=counts([_ids(row["objects"]) for row in rows], classes),
        pairs=tuple((_things(row["objects"]), _things(found)) for row, found in known),
    )


def _manifest(version: VersionRecord | None) -> Rows:
    """What the champion was trained on; nothing for a version that was made elsewhere."""
    manifest = training_set(version.card) if version else None
    if manifest is None:
        return []
    try:
        rows: Rows = tables().read(manifest, ["image_id", "labelled_at", "objects"]).to_pylist()
    except NotFound:  # somebody tidied up: then every label counts as new
        return []
    return rows


def _unlearnt(table: pa.Table, learnt: Mapping[str, datetime]) -> pa.Table:
    pairs = zip(table["image_id"].to_pylist(), table["labelled_at"].to_pylist(), strict=True)
    return table.filter(pa.array([name not in learnt or at > learnt[name] for name, at in pairs], pa.bool_()))


def _refused(labels: TableRef, since: datetime | None) -> pa.Table:
    """Labels that were refused when this table was made, in files that landed after the champion was made."""
    key = f"{store().key_of(labels.uri).removesuffix('.parquet')}-refused.json"
    if not store().exists(key):
        return CATALOG.empty_table()
    table = tables().read(table_of(store().get(key, NOTE_BYTES).decode()))
    if since is None:
        return table
    return table.filter(pc.fill_null(pc.greater(table["landed"], pa.scalar(since, table["landed"].type)), True))


def _earlier(champion: ModelRef | None) -> frozenset[str]:
    noted = ledger().decisions.latest(champion.name, DecisionKind.EVALUATED, champion.sha256) if champion else None
    if noted is None:
        return frozenset()
    try:
        return frozenset(tables().read(table_of(noted.payload["labels"]), ["image_id"])["image_id"].to_pylist())
    except NotFound:
        return frozenset()


def _windows(model: str, wanted: frozenset[str]) -> tuple[dict[str, Known], dict[str, Rows]]:
    """What judged windows say of the wanted images, and what the model answered on them; the newest window wins."""
    known: dict[str, Known] = {}
    answers: dict[str, Rows] = {}
    read = 0
    for record in ledger().windows.latest(model, HISTORY):
        found = _listed(record, wanted)
        known |= {name: each for name, each in found.items() if name not in known or not known[name].accepted}
        if found and read < ANSWERED:
            read += 1
            for row in _answers(record, frozenset(found)):
                name = row["image_id"]
                answers.setdefault(name, row["detections"])
                known[name] = Known(
                    accepted=known[name].accepted,
                    captured_at=row["captured_at"],
                    width=row["width"],
                    height=row["height"],
                )
    return known, answers


def _listed(record: WindowRecord, wanted: frozenset[str]) -> dict[str, Known]:
    if record.facts is None or record.facts.catalog is None:
        return {}
    rows = tables().about(record.facts.catalog, _ids_of(wanted), ["image_id", "captured_at", "verdict"]).to_pylist()
    return {
        row["image_id"]: Known(accepted=row["verdict"] == "accepted", captured_at=row["captured_at"]) for row in rows
    }


def _answers(record: WindowRecord, wanted: frozenset[str]) -> Rows:
    note = record.facts.artifacts.get("predictions", "") if record.facts else ""
    if not note.startswith("{"):
        return []
    columns = ["image_id", "captured_at", "width", "height", "detections"]
    rows: Rows = tables().about(table_of(note), _ids_of(wanted), columns).to_pylist()
    return rows


def _ids_of(wanted: frozenset[str]) -> pa.Array:
    return pa.array(sorted(wanted), pa.string())


def _ids(objects: Iterable[Mapping[str, Any]]) -> list[int]:
    return [each["class_id"] for each in objects]


def _things(objects: Rows) -> Things:
    return Things(
        classes=np.array(_ids(objects), dtype=np.int64),
        boxes=np.array([each["box"] or (0, 0, 0, 0) for each in objects], dtype=np.float64).reshape(-1, 4),
    )
