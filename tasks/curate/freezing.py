"""Golden versions in the ledger: the one that counts, how it is verified, and how the next one is written down."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from tasks.adapters.ledger.records import Decision
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.curate.golden import KIND, Frozen, Lost, digest_of, members
from tasks.curate.split import Labelled
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.snapshot import TableRef
from tasks.domain.tables import DATASETS

Rows = Sequence[Mapping[str, Any]]


def versions(ledger: Ledger, model: str) -> list[Frozen]:
    """Every version, the oldest first."""
    return [_frozen(row) for row in ledger.decisions.trail(model, KIND, model)]


def current(ledger: Ledger, model: str) -> Frozen | None:
    """The version that counts; None before the first."""
    row = ledger.decisions.latest(model, KIND, model)
    return _frozen(row) if row else None


def freeze(ledger: Ledger, tables: TableStore, model: str, rows: Rows, told: tuple[str, str]) -> Frozen | None:
    """Write these rows down as the next version; the present one when nothing changed or there are none.

    `told` is by whom and why. The manifest gets a key of its own, which nothing else ever writes to.
    """
    (by, reason), found, before = told, members(rows), current(ledger, model)
    digest = digest_of(found)
    if not found or (before is not None and before.digest == digest and not verified(tables, before)[1]):
        return before
    version = before.version + 1 if before else 1
    place = f"{model}/evergreen/golden/v{version}-{digest[:32]}.parquet"
    table = tables.write(pa.Table.from_pylist([dict(row) for row in rows], schema=DATASETS), "datasets", place)
    told_there = {
        "version": version,
        "table": {"uri": table.uri, "schema": table.schema, "rows": table.rows, "digest": table.digest},
        "digest": digest,
        "images": len(found),
        "reason": reason,
    }
    ledger.decisions.append(model, KIND, model, by, told_there)
    return current(ledger, model)


def verified(tables: TableStore, frozen: Frozen) -> tuple[Rows, str]:
    """The rows of a version, and what is wrong with them: gone, changed, or not the members that were frozen."""
    try:
        rows: Rows = tables.read(frozen.table).to_pylist()
    except NotFound:
        return [], "its manifest is gone from the bucket"
    except ContractError as error:
        return [], f"its manifest was changed: {error}"
    found = digest_of(members(rows))
    return (
        rows,
        "" if found == frozen.digest else f"its members have hash {found[:12]}, {frozen.digest[:12]} was frozen",
    )


def protected(ledger: Ledger, tables: TableStore, model: str) -> tuple[frozenset[str], frozenset[str]]:
    """Ids and hashes of what is frozen; a manifest that cannot be verified still protects by what it says."""
    frozen = current(ledger, model)
    found = members(verified(tables, frozen)[0]) if frozen else {}
    return frozenset(found), frozenset(image for image, _ in found.values())


def kept_golden(known: Sequence[Labelled], ids: frozenset[str], hashes: frozenset[str]) -> list[Labelled]:
    """The images with those golden that are frozen, or are copies of such, whatever their newest label says."""
    return [
        replace(image, golden=True) if image.image_id in ids or image.sha256 in hashes else image for image in known
    ]


def without(tables: TableStore, model: str, rows: Rows, missing: Lost) -> TableRef:
    """The manifest without images that cannot be had any more: another set, with another digest."""
    table = pa.Table.from_pylist([dict(row) for row in rows if row["image_id"] not in missing.names], schema=DATASETS)
    digest = hashlib.sha256(repr(table.to_pylist()).encode()).hexdigest()
    return tables.write(table, "datasets", f"{model}/evergreen/datasets/golden-{digest[:32]}.parquet")


def image(row: Mapping[str, Any]) -> Labelled:
    """A row of a manifest as the image that it is about."""
    return Labelled(
        image_id=row["image_id"],
        key=row["key"],
        sha256=row["sha256"],
        camera=row["camera"],
        session=row["session"],
        captured_at=row["captured_at"] or row["labelled_at"],
        labelled_at=row["labelled_at"],
        golden=row["source"] == "golden",
        objects=tuple(row["objects"]),
        chance=row.get("chance"),
    )


def _frozen(row: Decision) -> Frozen:
    told = row.payload
    return Frozen(
        version=told["version"],
        table=TableRef(**told["table"]),
        digest=told["digest"],
        images=told["images"],
        by=row.actor,
        reason=told["reason"],
        at=row.at,
    )
