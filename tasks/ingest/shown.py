"""What the judged windows know of labelled images: which id a key has, and what was answered about an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.adapters.ledger.records import WindowRecord
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import MANY, TableStore
from tasks.domain.contract_labels import LabelObject, LabelRecord, Meaning
from tasks.domain.errors import NotFound
from tasks.domain.model import Kind
from tasks.domain.snapshot import TableRef, table_of
from tasks.ingest.supersede import Sourced

HISTORY = 1_000
"""Newest windows that are searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`ids` maps an object key to its image id, `answers` an image id to its row of predictions."""

    ids: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def shown(ledger: Ledger, tables: TableStore, model: str, labels: Sequence[Sourced]) -> Shown:
    """What is needed for these labels; windows are read, the newest first, until all of it is found."""
    keys = {label.key for _, label in labels if not label.image_id and label.key}
    ids: dict[str, str] = {}
    answers: dict[str, Mapping[str, Any]] = {}
    wanted = {label.image_id for _, label in labels if label.meaning is not Meaning.FULL and label.image_id}
    by_key = {label.key for _, label in labels if label.meaning is not Meaning.FULL and label.key in keys}
    for record in ledger.windows.latest(model, HISTORY) if keys or wanted else ():
        if keys <= ids.keys() and wanted <= answers.keys():
            break
        ids |= {key: name for key, name in _named(tables, record, keys) if key not in ids}
        wanted |= {ids[key] for key in by_key if key in ids}
        answers |= {name: row for name, row in _answered(tables, record, wanted) if name not in answers}
    return Shown(ids=ids, answers=answers)


def joined(labels: Sequence[Sourced], known: Shown, least: float) -> list[Sourced]:
    """The labels with their ids, and with the objects that were shown where those are the truth.

    Args:
        labels: Labels with their sources.
        known: What the windows know of them.
        least: Confidence from which boxes are shown to people, where a label does not say.
    """
    return [(source, _joined(label, known, least)) for source, label in labels]


def _joined(label: LabelRecord, known: Shown, least: float) -> LabelRecord:
    if not label.image_id:
        label = label.model_copy(update={"image_id": known.ids.get(label.key or "", label.name)})
    row = known.answers.get(label.name)
    if label.meaning is not Meaning.SHOWN or not answers(row, label) or row is None:
        return label
    objects = seen(row, label, least)
    # without its verdict: from here on an empty list says that there is nothing
    return label.model_copy(update={"objects": objects, "verdict": None})


def answers(row: Mapping[str, Any] | None, label: LabelRecord) -> bool:
    """Whether this is the prediction that the label is about: of its kind and version, and no failed request."""
    if row is None or row["error"] or row["kind"] != label.kind.value:
        return False
    return label.model_version is None or label.model_version == row["model_version"]


def seen(row: Mapping[str, Any], label: LabelRecord, least: float) -> tuple[LabelObject, ...]:
    """The objects that the person saw: from a confidence on; of classify the most probable class."""
    found = row["detections"]
    if label.kind is Kind.CLASSIFY:
        found = found[:1]
    else:
        from_here = least if label.confidence is None else label.confidence
        found = [each for each in found if each["confidence"] >= from_here]
    names = ("class_id", "box", "polygon", "corners", "keypoints")
    return tuple(LabelObject.model_construct(**{name: _plain(each.get(name)) for name in names}) for each in found)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _named(tables: TableStore, record: WindowRecord, keys: set[str]) -> Iterator[tuple[str, str]]:
    if not keys or record.facts is None or record.facts.catalog is None:
        return
    for row in _only(tables, record.facts.catalog, ["key", "image_id"], "key", keys):
        if row["image_id"]:
            yield row["key"], row["image_id"]


def _answered(tables: TableStore, record: WindowRecord, wanted: set[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    note = record.facts.artifacts.get("predictions", "") if record.facts else ""
    if not wanted or not note.startswith("{"):
        return
    columns = ["image_id", "kind", "model_version", "error", "detections"]
    for row in _only(tables, table_of(note), columns, "image_id", wanted):
        yield row["image_id"], row


def _only(tables: TableStore, ref: TableRef, columns: list[str], column: str, values: set[str]) -> list[dict[str, Any]]:
    wanted = pa.array(sorted(values), pa.string())
    try:
        return [
            row
            for batch in tables.batches(ref, columns, MANY)
            for row in batch.filter(pc.is_in(batch[column], value_set=wanted)).to_pylist()
        ]
    except NotFound:  # somebody tidied up: what was shown then is not on record any more
        return []
