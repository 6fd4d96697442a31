"""Every judged window with the labels of its images; only windows whose labels changed are scored again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.adapters.ledger.records import WindowRecord
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.objects import ObjectStore
from tasks.adapters.tables import MANY, TableStore
from tasks.concept.answered import Answered, answered, answered_json, answered_of
from tasks.concept.maturity import DATASET, Seen, expected_share, label_digest, window_row
from tasks.concept.rules import ConceptRules
from tasks.domain.errors import NotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.snapshot import TableRef, table_of
from tasks.domain.tables_catalog import CHANCE

COLUMNS = ["image_id", "camera", "session", "model_version", "captured_at", "kind", "detections", "error", CHANCE]
CLOSE = 0.1
"""A learnt share that moved by less than this part of itself changes no row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What is read and written."""

    ledger: Ledger
    store: ObjectStore
    tables: TableStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A window with its labelled images and the digest of what they depend on; `fresh` where it was scored just now."""

    seen: Seen
    digest: str
    fresh: bool


def windows_of(books: Books, model: str, labels: Mapping[str, Mapping[str, Any]], rules: ConceptRules) -> list[Scored]:
    """The newest judged windows that saw production, the oldest of them first."""
    kept = {record.window: record.evaluation for record in books.ledger.evaluations.by_window(model, DATASET)}
    records = books.ledger.windows.latest(model, rules.windows)
    found = (_scored(books, record, labels, kept.get(record.window), rules) for record in records)
    return [each for each in found if each is not None][::-1]


def keep_rows(books: Books, model: str, scored: list[Scored], rules: ConceptRules) -> int:
    """Write down how each window did, where anything about it is new; how many rows are new."""
    share = expected_share([each.seen for each in scored], datetime.now(UTC), rules)
    kept = {record.window: record.evaluation for record in books.ledger.evaluations.by_window(model, DATASET)}
    count = 0
    for each in scored:
        before = kept.get(each.seen.window)
        if not each.seen.images and before is None:
            continue
        if before is None or each.fresh:
            row = window_row(each.seen, each.digest, share)
        elif abs(before.metrics["expected_share"] - share) > CLOSE * share:
            row = _matured(before, each.seen.coverage, share)
        else:
            continue
        number = before.metrics["revision"] + 1 if before else 1.0  # also a row that says what an older one said is new
        told = {**row.metrics, "revision": number}
        books.ledger.evaluations.save(model, replace(row, metrics=told), each.seen.window)
        count += 1
    return count


def _matured(row: Evaluation, coverage: float, share: float) -> Evaluation:
    """The same row, held against another expectation; nothing is scored."""
    told = {"expected_share": share, "returned": min(coverage / share, 1.0)}
    return replace(row, metrics={**row.metrics, **told})


def _scored(
    books: Books,
    record: WindowRecord,
    labels: Mapping[str, Mapping[str, Any]],
    kept: Evaluation | None,
    rules: ConceptRules,
) -> Scored | None:
    note = record.facts.artifacts.get("predictions", "") if record.facts else ""
    if record.facts is None or not note.startswith("{"):
        return None
    predictions = table_of(note)
    cameras: Counter[str] = Counter()
    mine, chances = [], set()
    try:
        for batch in books.tables.batches(predictions, ["image_id", "camera", CHANCE], MANY):
            cameras.update(batch["camera"].to_pylist())
            for name, chance in zip(batch["image_id"].to_pylist(), batch[CHANCE].to_pylist(), strict=True):
                if name in labels:
                    mine.append(labels[name])
                    chances.add(chance or 1.0)
    except NotFound:  # somebody tidied up: the row that the window has stands
        return None
    digest = label_digest(mine, predictions.digest, rules, len(chances) > 1)
    key = _key(record.model, digest)
    fresh = kept is None or kept.digest != digest or not books.store.exists(key)
    images: list[Answered] = []
    if mine:
        images = (
            list(_read(books, predictions, labels, rules)) if fresh else kept_images(books.store, record.model, digest)
        )
        if fresh:
            books.store.put(key, json.dumps(answered_json(images)).encode(), "application/json")
    seen = Seen(
        window=record.window,
        champion_sha256=record.facts.champion_sha256,
        accepted=cameras,
        images=images,
    )
    return Scored(seen=seen, digest=digest, fresh=fresh and bool(mine or kept))


def _read(
    books: Books, predictions: TableRef, labels: Mapping[str, Mapping[str, Any]], rules: ConceptRules
) -> Iterator[Answered]:
    wanted = pa.array(sorted(labels), pa.string())
    for batch in books.tables.batches(predictions, COLUMNS):
        chosen = batch.filter(pc.is_in(batch["image_id"], value_set=wanted))
        yield from answered(chosen.to_pylist(), labels, rules.confidence)


def kept_images(store: ObjectStore, model: str, digest: str) -> list[Answered]:
    """The labelled images of a window as they were scored; [] where somebody tidied them up."""
    key = _key(model, digest)
    return answered_of(json.loads(store.get(key))) if store.exists(key) else []


def _key(model: str, digest: str) -> str:
    return f"{model}/evergreen/concept/{digest}.json"
