"""The images of a `datasets` table on this machine, verified by content hash."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pyarrow as pa

WORKERS = 8


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
