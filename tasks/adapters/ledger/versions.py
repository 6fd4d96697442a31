"""Versions: which bytes belong to a model, where they lie, and where they come from."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from tasks.adapters.ledger import decisions
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.models import ensure_model
from tasks.adapters.ledger.records import DecisionKind, Entry, VersionRecord
from tasks.adapters.ledger.schema import models, versions
from tasks.domain.errors import ContractError, NotFound, Stale
from tasks.domain.model import Kind, ModelRef


class Versions:
    """Versions are known by the SHA-256 of their weights; MLflow's number is a second name for people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        ref: ModelRef,
        source: str,
        parent_sha256: str = "",
        dataset_digest: str = "",
        card: Mapping[str, Any] | None = None,
    ) -> ModelRef:
        """Keep a version; the one that is there already when its bytes are known. Adds the model when it is new.

        `source` says how it came about (`bootstrap`, `retrain`, …), `card` holds what people read about it.

        Raises:
            ContractError: the model has another kind or other classes, or the hash is no SHA-256.
        """
        _check_hash(ref.sha256)
        with self._database.write() as connection:
            now = self._database.now()
            ensure_model(connection, now, ref.name, ref.kind, ref.classes)
            known = find_version(connection, ref.name, ref.sha256)
            if known is not None:
                return known.ref
            facts = {"source": source, "parent_sha256": parent_sha256, "dataset_digest": dataset_digest}
            values = {"model": ref.name, "sha256": ref.sha256, "uri": ref.uri, "imgsz": ref.imgsz, **facts}
            number = ref.version or None
            connection.execute(insert(versions).values(**values, number=number, card=dict(card or {}), created_at=now))
            decisions.record(
                connection,
                now,
                Entry(
                    model=ref.name,
                    kind=DecisionKind.VERSION,
                    subject=ref.sha256,
                    actor=source,
                    payload={**facts, "uri": ref.uri},
                ),
            )
            return existing_version(connection, ref.name, ref.sha256).ref

    def get(self, model: str, sha256: str) -> VersionRecord:
        """The version with these bytes. Raises `NotFound`."""
        with self._database.read() as connection:
            return existing_version(connection, model, sha256)

    def number(self, model: str, sha256: str, number: int) -> ModelRef:
        """Note the number that MLflow gave; noting it again changes nothing.

        Raises:
            NotFound: no such version.
            ContractError: a number below 1.
            Stale: the version has another number already, or the number is another version's.
        """
        if number < 1:
            raise ContractError(f"MLflow counts versions from 1, not {number}")
        with self._database.write() as connection:
            ref = existing_version(connection, model, sha256).ref
            holder = connection.execute(_query(model).where(versions.c.number == number)).one_or_none()
            if ref.version not in (0, number) or (holder is not None and holder.sha256 != sha256):
                raise Stale(f"{ref} cannot become version {number}: numbers are given once")
            mine = (versions.c.model == model) & (versions.c.sha256 == sha256)
            connection.execute(update(versions).where(mine).values(number=number))
            return existing_version(connection, model, sha256).ref

    def list(self, model: str) -> builtins.list[VersionRecord]:
        """All versions, the newest first."""
        query = _query(model).order_by(versions.c.created_at.desc(), versions.c.number.desc(), versions.c.sha256)
        with self._database.read() as connection:
            return [_version(row) for row in connection.execute(query)]


def find_version(connection: Connection, model: str, sha256: str) -> VersionRecord | None:
    """The version with these bytes, or None."""
    row = connection.execute(_query(model).where(versions.c.sha256 == sha256)).one_or_none()
    return None if row is None else _version(row)


def existing_version(connection: Connection, model: str, sha256: str) -> VersionRecord:
    """The version with these bytes. Raises `NotFound`."""
    found = find_version(connection, model, sha256)
    if found is None:
        raise NotFound(f"model {model!r} has no version {sha256[:12]!r} in the ledger")
    return found


def _query(model: str) -> Select[Any]:
    both = versions.join(models, versions.c.model == models.c.name)
    return select(versions, models.c.kind, models.c.classes).select_from(both).where(versions.c.model == model)


def _version(row: Row[Any]) -> VersionRecord:
    ref = ModelRef(
        name=row.model,
        sha256=row.sha256,
        uri=row.uri,
        kind=Kind(row.kind),
        classes=tuple(row.classes),
        imgsz=row.imgsz,
        version=row.number or 0,
    )
    return VersionRecord(
        ref=ref,
        source=row.source,
        parent_sha256=row.parent_sha256,
        dataset_digest=row.dataset_digest,
        created_at=row.created_at,
        card=row.card,
    )


def _check_hash(sha256: str) -> None:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ContractError(f"{sha256[:80]!r} is no SHA-256 in lower-case hex")
