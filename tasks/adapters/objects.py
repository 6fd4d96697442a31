"""The bucket: list, read, write; keys are opaque, every byte that can be verified is.

Reading retries whole objects: boto3 repeats requests, but not a body that ends half-way. A single-part ETag is the
MD5 of the bytes on every server that was tried, so flipped bits are seen even where no checksum header is sent.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.adapters.objects_errors import PASSING, translated
from tasks.adapters.objects_read import md5_base64, read_whole
from tasks.domain.errors import ConfigError, EvergreenError, NotFound

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ListObjectsV2OutputTypeDef, ObjectTypeDef

    from tasks.adapters.objects_direct import DirectReader

MAX_BYTES = 1 << 30
"""Bytes of one object that are read into memory unless a caller asks for less."""

TIMEOUTS, CONNECTIONS = (5.0, 30.0), 32
"""Seconds to connect and to wait for the next bytes; connections that are kept open."""

PART_BYTES = 64 << 20
"""Files up to this size are put in one request, whose MD5 the server checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One listed object; `etag` is without quotes, `modified` is UTC."""

    key: str
    size: int
    etag: str
    modified: datetime


class ObjectStore:
    """One bucket of an S3-compatible store; safe to share between threads.

    Raises `StoreUnavailable` (try again), `NotFound`, `ConfigError` (keys, bucket, endpoint), and
    `ObjectRejected` for one object whose bytes cannot be used.
    """

    def __init__(
        self, *, bucket: str, endpoint: str | None, region: str, access_key: str | None, secret_key: str | None
    ) -> None:
        self.bucket = bucket
        self._address = (endpoint, region, access_key, secret_key)

    @cached_property
    def _session(self) -> boto3.session.Session:
        from tasks.adapters.objects_moment import session

        return session(*self._address[2:])

    @cached_property
    def _direct(self) -> DirectReader:
        from tasks.adapters.objects_direct import DirectReader

        return DirectReader(self._session, self._client.meta.endpoint_url, self._address[1], TIMEOUTS, CONNECTIONS)

    @cached_property
    def _client(self) -> S3Client:
        from botocore.config import Config

        endpoint, region, _, _ = self._address
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": 5},
            connect_timeout=TIMEOUTS[0],
            read_timeout=TIMEOUTS[1],
            max_pool_connections=CONNECTIONS,
        )
        try:
            return self._session.client("s3", endpoint_url=endpoint or None, region_name=region, config=config)
        except ValueError as error:
            raise ConfigError(f"object storage address {endpoint!r} is not usable: {error}") from error

    def uri(self, key: str) -> str:
        """The address of an object, `s3://bucket/key`."""
        return f"s3://{self.bucket}/{key}"

    def key_of(self, uri: str) -> str:
        """The key in an address; `ConfigError` when it names another bucket."""
        prefix = f"s3://{self.bucket}/"
        if not uri.startswith(prefix):
            raise ConfigError(f"{uri[:200]!r} is not in bucket {self.bucket!r}")
        return uri.removeprefix(prefix)

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        """Every object under a prefix in order of keys, page by page; nothing for a prefix without objects."""
        with _ours(f"listing {prefix[:200]!r} in bucket {self.bucket!r}"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix, StartAfter=start_after):
                yield from map(_info, page.get("Contents", []))

    def loose(self, prefix: str) -> Iterator[ObjectInfo]:
        """The objects directly in the folder `prefix`, which ends in `/`; none of the folders in it."""
        for page in self._level(prefix):
            yield from map(_info, page.get("Contents", []))

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes one level below `prefix`, each ending in `/` (the cameras below `<model>/images/`)."""
        for page in self._level(prefix):
            yield from (item["Prefix"] for item in page.get("CommonPrefixes", []))

    def _level(self, prefix: str) -> Iterator[ListObjectsV2OutputTypeDef]:
        with _ours(f"listing folders of {prefix[:200]!r} in bucket {self.bucket!r}"):
            pages = self._client.get_paginator("list_objects_v2")
            yield from pages.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")

    def stat(self, key: str) -> ObjectInfo | None:
        """Size and ETag of an object as it is now, or None when there is none."""
        try:
            with _ours(f"asking for {key[:200]!r}"):
                found = self._client.head_object(Bucket=self.bucket, Key=key)
        except NotFound:
            return None
        modified = found["LastModified"].astimezone(UTC)
        return ObjectInfo(key=key, size=found["ContentLength"], etag=found["ETag"].strip('"'), modified=modified)

    def exists(self, key: str) -> bool:
        """Whether there is an object under exactly this key."""
        return self.stat(key) is not None

    def get(self, key: str, max_bytes: int = MAX_BYTES) -> bytes:
        """The bytes of an object, complete and as they were sent.

        Raises:
            ObjectRejected: more than `max_bytes`, too slow, or not matching its checksum three times over.
        """
        body = bytearray()
        self._read(key, max_bytes, body.extend, body.clear)
        return bytes(body)

    def get_many(
        self, keys: Iterable[str], workers: int = 12, max_bytes: int = MAX_BYTES
    ) -> Iterator[tuple[str, bytes | EvergreenError]]:
        """Each key with its bytes or its error, in the given order; at most `2 * workers` objects are in memory."""

        def read(key: str) -> bytes | EvergreenError:
            try:
                return self.get(key, max_bytes)
            except EvergreenError as error:
                return error

        pending: deque[tuple[str, Future[bytes | EvergreenError]]] = deque()
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="objects") as pool:
            try:
                for key in keys:
                    pending.append((key, pool.submit(read, key)))
                    if len(pending) >= 2 * workers:
                        first, done = pending.popleft()
                        yield first, done.result()
                while pending:
                    first, done = pending.popleft()
                    yield first, done.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def get_file(self, key: str, path: Path, max_bytes: int = 64 * MAX_BYTES) -> None:
        """The object as a local file, which appears complete or not at all (its folder is made)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".download-")
        try:
            with os.fdopen(handle, "wb") as file:

                def restart() -> None:
                    file.seek(0)
                    file.truncate()

                self._read(key, max_bytes, file.write, restart)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Write an object; the server refuses bytes that were damaged on the way."""
        with _ours(f"writing {key[:200]!r}"):
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=data, ContentType=content_type, ContentMD5=md5_base64(data)
            )

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        """Write a local file as an object, in parts when it is large."""
        if path.stat().st_size <= PART_BYTES:
            self.put(key, path.read_bytes(), content_type)
            return
        with _ours(f"writing {key[:200]!r}"):
            self._client.upload_file(str(path), self.bucket, key, ExtraArgs={"ContentType": content_type})

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is not an error."""
        with _ours(f"deleting {key[:200]!r}"):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def ensure_bucket(self) -> None:
        """Create the bucket when it does not exist."""
        try:
            with _ours(f"asking for bucket {self.bucket!r}"):
                self._client.head_bucket(Bucket=self.bucket)
        except NotFound:
            with _ours(f"creating bucket {self.bucket!r}"):
                self._client.create_bucket(Bucket=self.bucket)

    def probe(self) -> None:
        """Ask the bucket one question; raises what a real read would raise."""
        with _ours(f"probing bucket {self.bucket!r}"):
            self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)

    def _read(self, key: str, max_bytes: int, take: Callable[[bytes], object], restart: Callable[[], None]) -> None:
        def get(first: bool) -> GetObjectOutputTypeDef:
            plain = self._direct.get(self.bucket, key) if first else None
            return plain or self._client.get_object(Bucket=self.bucket, Key=key)

        with _ours(f"reading {key[:200]!r}"):
            read_whole(get, key, max_bytes, take, restart)


def _info(item: ObjectTypeDef) -> ObjectInfo:
    at, etag = item["LastModified"].astimezone(UTC), item.get("ETag", "").strip('"')
    return ObjectInfo(key=item["Key"], size=item["Size"], etag=etag, modified=at)


@contextmanager
def _ours(asked: str) -> Iterator[None]:
    try:
        yield
    except PASSING as error:
        raise translated(error, asked) from error
