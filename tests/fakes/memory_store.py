"""A bucket in memory with the interface of `tasks.adapters.objects.ObjectStore`; it can be away and it can lie."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from tasks.adapters.objects import ObjectInfo
from tasks.domain.contract_reasons import Reason
from tasks.domain.errors import EvergreenError, NotFound, ObjectRejected, StoreUnavailable


class MemoryStore:
    """Objects by key; what is put lands at the moment `landed`. `away` makes every call fail; `reads` lists the keys
    whose bytes were asked for."""

    def __init__(self, landed: datetime = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)) -> None:
        self.bucket = "memory"
        self.objects: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.reads: list[str] = []
        self.away = False
        self.landed = landed
        self.moments: dict[str, datetime] = {}

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store is away")

    def _info(self, key: str) -> ObjectInfo:
        data = self.objects[key]
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return ObjectInfo(key=key, size=len(data), etag=etag, modified=self.moments.get(key, self.landed))

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        self._answer()
        self.objects[key] = data
        self.types[key] = content_type
        self.moments[key] = self.landed

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        self.put(key, path.read_bytes(), content_type)

    def get(self, key: str, max_bytes: int = 1 << 30) -> bytes:
        self._answer()
        self.reads.append(key)
        if key not in self.objects:
            raise NotFound(f"{key}: no such object")
        if len(self.objects[key]) > max_bytes:
            raise ObjectRejected(Reason.TOO_LARGE, "too large")
        return self.objects[key]

    def get_many(
        self, keys: Iterable[str], workers: int = 12, max_bytes: int = 1 << 30
    ) -> Iterator[tuple[str, bytes | EvergreenError]]:
        for key in keys:
            try:
                yield key, self.get(key, max_bytes)
            except EvergreenError as error:
                yield key, error

    def get_file(self, key: str, path: Path, max_bytes: int = 1 << 36) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.get(key, max_bytes))

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        self._answer()
        for key in sorted(self.objects):
            if key.startswith(prefix) and key > start_after:
                yield self._info(key)

    def folders(self, prefix: str) -> Iterator[str]:
        self._answer()
        below = {key.removeprefix(prefix).split("/")[0] for key in self.objects if key.startswith(prefix)}
        yield from sorted(
            f"{prefix}{name}/" for name in below if any(k.startswith(f"{prefix}{name}/") for k in self.objects)
        )

    def loose(self, prefix: str) -> Iterator[ObjectInfo]:
        yield from (each for each in self.list(prefix) if "/" not in each.key.removeprefix(prefix))

    def stat(self, key: str) -> ObjectInfo | None:
        self._answer()
        return self._info(key) if key in self.objects else None

    def exists(self, key: str) -> bool:
        return self.stat(key) is not None

    def delete(self, key: str) -> None:
        self._answer()
        self.objects.pop(key, None)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def key_of(self, uri: str) -> str:
        return uri.removeprefix(f"s3://{self.bucket}/")

    def ensure_bucket(self) -> None:
        self._answer()

    def probe(self) -> None:
        self._answer()
