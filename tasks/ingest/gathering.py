"""All labels of a model, read, joined and settled: the table that every stage reads, and the account of the rest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tasks.adapters.ledger.store import Ledger
from tasks.adapters.objects import ObjectStore
from tasks.adapters.tables import TableStore
from tasks.domain.contract_labels import LabelRecord
from tasks.domain.contract_tables import labels_table
from tasks.domain.snapshot import TableRef, table_note
from tasks.ingest.account import Account, account, account_json
from tasks.ingest.bucket import Bucket
from tasks.ingest.catalog import arrow
from tasks.ingest.label_files import label_files, read_labels
from tasks.ingest.rules import IngestRules
from tasks.ingest.shown import joined, shown
from tasks.ingest.supersede import Place, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where labels, and what is known of their images, are read."""

    bucket: Bucket
    tables: TableStore
    ledger: Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The labels that count, as a table; those that say something else; and what became of every single one."""

    labels: TableRef
    account: Account
    history: list[tuple[str, LabelRecord, Place]]


def gather(sources: Sources, model: str, rules: IngestRules) -> Gathered:
    """Read every label of the model and write down what they come to.

    Beside the table lie `-refused` (as a catalog, with a note), `-partial` (verdicts without a correction, as labels)
    and `-account.json`. The same labels and the same known predictions give the same keys.
    """
    store, tables = sources.bucket.store, sources.tables
    listed = label_files(store, model)
    champion = sources.ledger.promotions.champion(model)
    good, refused = read_labels(sources.bucket, listed, rules, champion)
    known = shown(sources.ledger, tables, model, good)
    labels = joined(good, known, rules.shown_confidence)
    settled = settle(labels)
    found = account(good, settled, [str(row["reason"]) for row in refused], known, rules.shown_confidence)
    truths = labels_table(settled.truths)
    digest = hashlib.sha256("\n".join(f"{i.key}\0{i.etag}" for i in listed).encode("utf-8", "surrogatepass"))
    digest.update(repr(truths.to_pylist()).encode("utf-8", "surrogatepass"))
    folder = f"{model}/evergreen/labels/{digest.hexdigest()[:32]}"
    _put(store, f"{folder}-account.json", account_json(found))
    note = table_note(tables.write(arrow(refused), "catalog", f"{folder}-refused.parquet"))
    store.put(f"{folder}-refused.json", note.encode(), "application/json")
    tables.write(labels_table(settled.partial), "labels", f"{folder}-partial.parquet")
    history = [(source, label, place) for (source, label), place in zip(labels, settled.places, strict=True)]
    return Gathered(labels=tables.write(truths, "labels", f"{folder}.parquet"), account=found, history=history)


def _put(store: ObjectStore, key: str, data: dict[str, Any]) -> None:
    store.put(key, json.dumps(data, sort_keys=True).encode(), "application/json")
