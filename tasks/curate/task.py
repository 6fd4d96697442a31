"""Build the golden, recent and training sets from the newest labels, and write them down as manifests."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.image_facts import ImageFacts, inspect
from tasks.adapters.ledger.records import WindowRecord
from tasks.connections import images, ledger, tables
from tasks.curate.near import duplicated, thumbnails
from tasks.curate.rules import CurateRules
from tasks.curate.sources import blocked, index, labelled
from tasks.curate.split import (
    Blocked,
    Labelled,
    Row,
    golden_rows,
    held_out,
    recent_rows,
    settled,
    trainable,
    training_rows,
)
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.snapshot import TableRef
from tasks.domain.tables import DATASETS

log = logging.getLogger(__name__)

HISTORY = 1_000
"""Newest windows whose catalogs are searched for labelled images."""

WORKERS = 8

_CATALOG = ["key", "image_id", "captured_at", "camera", "sha256", "verdict", "sampling_probability"]


@task(cache_policy=NO_CACHE)
def recent_dataset(model: str, labels: TableRef, rules: CurateRules) -> TableRef:
    """Held-out labelled images of the newest windows: what performance is measured on. May be empty."""
    known, faults, since = _gathered(model, labels, rules)
    return _written(model, "recent", recent_rows(known, since, faults, rules))


@task(cache_policy=NO_CACHE)
def golden_dataset(model: str, labels: TableRef, rules: CurateRules) -> TableRef:
    """Every golden image: what must not be forgotten. May be empty."""
    known, _, _ = _gathered(model, labels, rules)
    return _written(model, "golden", golden_rows(known))


@task(cache_policy=NO_CACHE)
def training_dataset(model: str, labels: TableRef, rules: CurateRules) -> TableRef:
    """Earlier labelled images replayed beside new ones; nothing that is or looks like what is tested on.

    What was left out is counted by reason in a `curated` decision of the ledger.
    """
    known, faults, since = _gathered(model, labels, rules)
    usable, counts = trainable(known, faults, rules)
    usable, counts["near_duplicate"] = _without_near(usable, known, rules)
    rows = training_rows(usable, since, rules)
    ref = _written(model, "training", rows)
    sources = {name: sum(row.source == name for row in rows) for name in ("replay", "recent")}
    log.info("training manifest of %s: %s; left out: %s", model, sources, counts)
    if not any(d.kind == "curated" and d.subject == ref.digest for d in ledger().decisions.list(model, 200)):
        ledger().decisions.append(model, "curated", ref.digest, "curate", {**sources, "left_out": counts})
    return ref


def _gathered(model: str, labels: TableRef, rules: CurateRules) -> tuple[list[Labelled], list[Blocked], datetime]:
    """Labelled images with their bytes' hashes, broken cameras, and the moment from which on images are recent."""
    windows = [record for record in ledger().windows.latest(model, HISTORY) if record.facts is not None]
    given = tables().read(labels)
    wanted = given["image_id"].combine_chunks().unique()
    listed = index(row for record in windows for row in _catalog(record, wanted))
    known, unused = labelled(given.to_pylist(), listed, rules.session_minutes)
    known, gone = _hashed(known)
    if unused or gone:
        log.warning("labels of %s that cannot be used: %s", model, {**unused, "image_gone": gone})
    seen, known = len(known), settled(known, max((record.window.end for record in windows), default=None))
    if len(known) < seen:
        log.info("%d labelled images of %s wait until their time is judged", seen - len(known), model)
    faults = blocked((record.window, record.verdict) for record in windows)
    newest = windows[: rules.recent_windows]
    since = min((record.window.start for record in newest), default=datetime.max.replace(tzinfo=UTC))
    return known, faults, since


def _catalog(record: WindowRecord, wanted: pa.Array) -> list[Mapping[str, object]]:
    """What the window knows of the wanted images, by their ids."""
    if record.facts is None or record.facts.catalog is None:
        return []
    rows: list[Mapping[str, object]] = tables().about(record.facts.catalog, wanted, _CATALOG).to_pylist()
    return rows


def _hashed(known: Sequence[Labelled]) -> tuple[list[Labelled], int]:
    """The images with their hashes; what no catalog judged is looked at once, and left out when it is no image."""

    def of(image: Labelled) -> Labelled | None:
        if image.sha256:
            return image
        path = _fetched(image)
        data = path.read_bytes() if path else b""
        if path is None or not isinstance(inspect(data), ImageFacts):
            return None
        return replace(image, sha256=hashlib.sha256(data).hexdigest())

    with ThreadPoolExecutor(WORKERS) as pool:
        found = [image for image in pool.map(of, known) if image is not None]
    return found, len(known) - len(found)


def _fetched(image: Labelled) -> Path | None:
    """The local file, or None when the object is gone or is not what it was."""
    try:
        return images().fetch(image.key, image.sha256)
    except (NotFound, ContractError) as error:
        log.warning("labelled image %s is left out: %s", image.key[:200], error)
        return None


def _present(known: Sequence[Labelled]) -> tuple[list[Labelled], list[Path]]:
    """The images whose bytes can still be had, with their local files."""
    with ThreadPoolExecutor(WORKERS) as pool:
        pairs = [(image, path) for image, path in zip(known, pool.map(_fetched, known), strict=True) if path]
    return [image for image, _ in pairs], [path for _, path in pairs]


def _without_near(
    usable: Sequence[Labelled], known: Sequence[Labelled], rules: CurateRules
) -> tuple[list[Labelled], int]:
    """Training images that show another scene than every tested one, and how many did not."""
    here, paths = _present(usable)
    tested = [image for image in known if image.golden or held_out(image.session, rules)]
    if rules.near_duplicate_levels == 0 or not tested or not here:
        return here, 0
    same = duplicated(thumbnails(paths), thumbnails(_present(tested)[1]), rules.near_duplicate_levels)
    return [image for image, twice in zip(here, same, strict=True) if not twice], int(same.sum())


def _written(model: str, name: str, rows: Sequence[Row]) -> TableRef:
    """The manifest in the bucket, of images that are still there; the same rows give the same object."""
    here = {image.image_id for image in _present([row.image for row in rows])[0]}
    table = pa.Table.from_pylist(
        [
            {
                "image_id": row.image.image_id,
                "key": row.image.key,
                "sha256": row.image.sha256,
                "camera": row.image.camera,
                "session": row.image.session,
                "split": row.split,
                "source": row.source,
                "objects": list(row.image.objects),
                "labelled_at": row.image.labelled_at,
                "captured_at": row.image.captured_at,
                "chance": None if row.image.golden else row.image.chance,  # golden images are picked, not drawn
            }
            for row in rows
            if row.image.image_id in here
        ],
        schema=DATASETS,
    )
    digest = hashlib.sha256(repr(table.to_pylist()).encode()).hexdigest()
    return tables().write(table, "datasets", f"{model}/evergreen/datasets/{name}-{digest[:32]}.parquet")
