"""The images of a `datasets` table: on this machine, verified by content hash, and which of them versions learnt."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from tasks.adapters.tables import TableStore
from tasks.domain.card import training_set
from tasks.domain.errors import NotFound

log = logging.getLogger(__name__)

WORKERS = 8


class Learnt(NamedTuple):
    """An image that a version was fitted to, or chosen by: `sha256` is that of its bytes."""

    image_id: str
    sha256: str


class Cache(Protocol):
    """What is needed of `tasks.adapters.images.ImageCache`."""

    def fetch(self, key: str, sha256: str = "") -> Path:
        """The local file of the object, downloaded when it is missing, verified when a hash is given."""


def local_paths(cache: Cache, table: pa.Table) -> list[Path]:
    """One local file per row, in order; `table` needs the columns `key` and `sha256`.

    Raises:
        NotFound: an image is gone from the bucket.
        ContractError: an image is not the bytes that the manifest names.
    """
    keys, hashes = table["key"].to_pylist(), table["sha256"].to_pylist()
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(cache.fetch, keys, hashes))


def learnt_by(tables: TableStore, cards: Iterable[Mapping[str, Any]]) -> frozenset[Learnt]:
    """Every image of the training manifests that the versions with these cards name, train and val alike.

    Nothing is known of a version that was made elsewhere; of one whose manifest is gone the log says so.

    Raises:
        ContractError: a manifest is not what was written.
    """
    found: set[Learnt] = set()
    for manifest in {each for card in cards if (each := training_set(card)) is not None}:
        try:
            rows = tables.read(manifest, Learnt._fields)
        except NotFound:
            log.warning("nobody can tell any more what was learnt from: %s is gone", manifest.uri)
            continue
        found.update(map(Learnt, rows["image_id"].to_pylist(), rows["sha256"].to_pylist()))
    return frozenset(found)
