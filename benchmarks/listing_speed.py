"""Processor time for each listed key: the client's own listing, and ours, over the same pages, without a server."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any

from botocore.awsrequest import AWSResponse

from tasks.adapters.objects import ObjectInfo, ObjectStore
from tasks.adapters.objects_list import listed

KEYS = 1_000
ITEM = (
    "<Contents><Key>m/images/cam-1/2026/11/20/06/i{:07d}.jpg</Key><LastModified>2026-11-20T06:30:00.000Z</LastModified>"
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>12345</Size><StorageClass>STANDARD</StorageClass>"
    "</Contents>"
)
PAGE = (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    f"<IsTruncated>false</IsTruncated>{''.join(map(ITEM.format, range(KEYS)))}</ListBucketResult>"
).encode()


class Answered:
    """Every question of the client and of ours is answered with the same page."""

    @staticmethod
    def stream(*_: Any, **__: Any) -> Any:
        yield PAGE

    @staticmethod
    def text(*_: Any) -> bytes:
        return PAGE


def theirs(client: Any) -> int:
    """What `ObjectStore.list` did before: boto3's paginator."""
    found = [
        ObjectInfo(key=i["Key"], size=i["Size"], etag=i["ETag"].strip('"'), modified=i["LastModified"].astimezone(UTC))
        for page in client.get_paginator("list_objects_v2").paginate(Bucket="b", Prefix="m/")
        for i in page["Contents"]
    ]
    return len(found)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--pages", type=int, default=10)
    rounds = asked.parse_args().pages
    keys = {"access_key": "a", "secret_key": "b"}
    client: Any = ObjectStore(bucket="b", endpoint="http://127.0.0.1:9", region="us-east-1", **keys)._client
    page = AWSResponse("http://127.0.0.1:9", 200, {"content-type": "application/xml"}, Answered())
    client.meta.events.register("before-send.s3", lambda request, **_: page)
    before = measured(lambda: theirs(client), rounds)
    now = measured(lambda: len(list(listed(Answered(), client, "b", "m/"))), rounds)  # type: ignore[arg-type]
    print(f"| listing | µs of processor time a key |\n|---|---|\n| boto3's paginator | {before:.1f} |")
    print(f"| `ObjectStore.list` | {now:.1f} |\n\n{before / now:.1f} times less")


def measured(work: Callable[[], int], rounds: int) -> float:
    """Microseconds of processor time for each key, after one round that does not count."""
    work()
    start = time.process_time()
    keys = sum(work() for _ in range(rounds))
    return 1e6 * (time.process_time() - start) / keys


if __name__ == "__main__":
    main()
