"""Moments as S3 servers write them are read as botocore reads them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.awsrequest import AWSResponse
from botocore.utils import parse_timestamp

from tasks.adapters import objects_moment
from tasks.adapters.objects import ObjectStore
from tasks.adapters.objects_moment import moment_of

WRITTEN = [
    "2026-11-20T06:30:00.000Z",
    "2026-11-20T06:30:00Z",
    "2026-11-20T06:30:00.123456Z",
    "2026-11-20T07:30:00+01:00",
    "2026-11-20T06:30:00",
    "Fri, 20 Nov 2026 06:30:00 GMT",
    "20261120T063000Z",
    "1795156200",
    1795156200,
    1795156200.5,
]


@pytest.mark.parametrize("value", WRITTEN)
def test_a_moment_is_the_one_that_botocore_reads(value: object) -> None:
    assert moment_of(value) == parse_timestamp(value)


@pytest.mark.parametrize("value", ["soon", "", "2026-13-40T00:00:00Z"])
def test_what_is_no_moment_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        moment_of(value)


class Page:
    """The body of one listing."""

    @staticmethod
    def stream(*_: object, **__: object) -> Iterator[bytes]:
        yield (
            b"<ListBucketResult><Contents><Key>k</Key><LastModified>2026-11-20T06:30:00.000Z</LastModified>"
            b"<Size>1</Size></Contents></ListBucketResult>"
        )


def test_listings_are_read_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(objects_moment, "moment_of", lambda value: asked.append(value) or moment_of(value))
    store = ObjectStore(bucket="b", endpoint="http://127.0.0.1:9", region="us-east-1", access_key="a", secret_key="b")
    answer = AWSResponse("http://127.0.0.1:9", 200, {"content-type": "application/xml"}, Page())
    store._client.meta.events.register("before-send.s3", lambda request, **_: answer)
    assert [each.key for each in store.list("")] == ["k"]
    assert asked == ["2026-11-20T06:30:00.000Z"]
