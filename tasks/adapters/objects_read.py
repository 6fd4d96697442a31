"""Reading one object whole: a body that ends half-way, trickles or was damaged is asked for again from the start."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

from tasks.adapters.objects_errors import translated
from tasks.domain.contract_reasons import Reason
from tasks.domain.errors import EvergreenError, ObjectRejected

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

TRIES = 3
"""Whole reads of one object before it is given up."""

SLOWEST = 100_000
"""Bytes a second: an object that comes slower has no chance to finish."""

SHORTEST_DEADLINE = 30.0
"""Seconds that every object is given, however small."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
"""Seconds that a pause between two reads of one object may last, the first time and at most."""

_CHUNK = 256 << 10
_MD5 = re.compile(r"[0-9a-f]{32}")


def read_whole(
    get: Callable[[bool], GetObjectOutputTypeDef],
    key: str,
    max_bytes: int,
    take: Callable[[bytes], object],
    restart: Callable[[], None],
) -> None:
    """Hand the bytes of object `key` to `take`; `restart` is called before every try.

    Between tries there is a pause of random length that may double every time: many readers that were thrown off
    together do not come back together. `get` opens the object; it is told whether this is the first try.

    Raises:
        ObjectRejected: too large, slower than its deadline, or unlike its checksum in all tries.
        StoreUnavailable: the body broke off in all tries.
    """
    last: EvergreenError | None = None
    for tries in range(TRIES):
        if tries:
            time.sleep(pause(tries))
        restart()
        answer = get(tries == 0)
        try:
            last = _read_once(answer, key, max_bytes, take)
        except (BotoCoreError, OSError) as error:
            last = translated(error, f"reading {key[:200]!r}")
        finally:
            answer["Body"].close()
        if last is None:
            return
    raise last or AssertionError


def pause(tries: int) -> float:
    """Seconds before the next try, random between nothing and 0.25, 0.5, 1 … 5."""
    return random.uniform(0.0, min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (tries - 1)))  # noqa: S311 - no secret


def _read_once(
    answer: GetObjectOutputTypeDef, key: str, max_bytes: int, take: Callable[[bytes], object]
) -> EvergreenError | None:
    """None when the bytes are whole and sound, else why another try is needed."""
    size = answer["ContentLength"]
    if size > max_bytes:
        raise ObjectRejected(Reason.TOO_LARGE, f"{key[:200]!r} has {size} bytes, the limit is {max_bytes}")
    deadline = time.monotonic() + max(SHORTEST_DEADLINE, size / SLOWEST)
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in answer["Body"].iter_chunks(_CHUNK):
        digest.update(chunk)
        take(chunk)
        if time.monotonic() > deadline:
            return ObjectRejected(Reason.FETCH_TIMEOUT, f"{key[:200]!r}: {size} bytes did not arrive in time")
    if _etag_is_md5(answer) and answer["ETag"].strip('"') != digest.hexdigest():
        return ObjectRejected(Reason.CHECKSUM, f"{key[:200]!r}: the bytes have another MD5 than the store's ETag")
    return None


def _etag_is_md5(answer: GetObjectOutputTypeDef) -> bool:
    """Not for multipart objects, nor where a customer's or a KMS key encrypts."""
    encrypted = answer.get("SSECustomerAlgorithm") or str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    return not encrypted and is_md5(answer.get("ETag", "").strip('"'))


def is_md5(etag: str) -> bool:
    """Whether an ETag is the MD5 of a single-part object (multipart ones end in `-<parts>`)."""
    return _MD5.fullmatch(etag) is not None


def md5_base64(data: bytes) -> str:
    """The Content-MD5 header of a body."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
