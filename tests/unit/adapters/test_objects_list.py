"""A listing is read as the client reads it; what is not a plain page is left to the client, behind the last key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.adapters.objects_list import Page, listed, page_of

SPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def body(keys: list[str], token: str = "", space: str = SPACE, encoding: str = "") -> bytes:
    """What a server answers; keys as they are written into the XML."""
    items = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-11-20T06:30:00.5Z</LastModified><ETag>&quot;e{at}&quot;</ETag>"
        f"<Size>{at}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for at, key in enumerate(keys)
    )
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    how = f"<EncodingType>{encoding}</EncodingType>" if encoding else ""
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{head}<ListBucketResult{space}><Name>b</Name>{how}{more}{items}</ListBucketResult>".encode()


class Server:
    """Answers questions with prepared bodies, None where the client has to ask; notes what was asked."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def text(self, path: str, most: int) -> bytes | None:
        self.asked.append(path)
        return self.answers.pop(0)


class Client:
    """The client's listing; notes from where it was asked to go on."""

    def __init__(self, *keys: str) -> None:
        self.keys, self.after = keys, list[str]()

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        self.after.append(asked["StartAfter"])
        moment = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
        found = [{"Key": key, "Size": 1, "ETag": '"x"', "LastModified": moment} for key in self.keys]
        return [{}, {"Contents": found}]


def keys(server: Server, client: Client | None = None, start_after: str = "") -> list[str]:
    found = listed(server, client or Client(), "b", "p/", start_after)  # type: ignore[arg-type]
    return [info.key for info in found]


@pytest.mark.parametrize("space", [SPACE, ""])
def test_an_object_is_told_with_size_etag_and_the_moment_it_landed(space: str) -> None:
    page = page_of(body(["p/a", "p/b"], space=space))
    assert page is not None and page.token == ""
    second = page.objects[1]
    assert (second.key, second.size, second.etag) == ("p/b", 1, "e1")
    assert second.modified == datetime(2026, 11, 20, 6, 30, 0, 500_000, tzinfo=UTC)


def test_odd_keys_come_back_as_they_are() -> None:
    quoted = page_of(body(["p/%0A%C3%A9+%2B%25", "a&amp;b"], encoding="url"))
    assert quoted is not None and [each.key for each in quoted.objects] == ["p/\né +%", "a&b"]
    plain = page_of(body(["p/%0A"]))
    assert plain is not None and plain.objects[0].key == "p/%0A", "a server that does not quote is taken by its word"


def test_pages_follow_each_other_by_token_and_the_first_starts_where_asked() -> None:
    server = Server(body(["p/b"], "t /1"), body(["p/c"]))
    assert keys(server, start_after="p/a") == ["p/b", "p/c"]
    assert server.asked == [
        "b?encoding-type=url&list-type=2&prefix=p%2F&start-after=p%2Fa",
        "b?continuation-token=t%20%2F1&encoding-type=url&list-type=2&prefix=p%2F",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        None, b"", b"<html>", b"<Error><Code>SlowDown</Code></Error>", body(["p/c"])[:-9],
        body(["p/c"]).replace(b"2026-", b"yesterday"), body(["p/c"]).replace(b"<Size>0</Size>", b""),
        body(["p/c"], "t").replace(b"<NextContinuationToken>t</NextContinuationToken>", b""),
    ],
)  # fmt: skip
def test_what_is_no_plain_page_is_left_to_the_client_behind_the_last_key(bad: bytes | None) -> None:
    client = Client("p/c", "p/d")
    assert keys(Server(body(["p/a", "p/b"], "t"), bad), client) == ["p/a", "p/b", "p/c", "p/d"]
    assert client.after == ["p/b"]
    first = Client("p/c")
    assert keys(Server(bad), first, "p/x") == ["p/c"]
    assert first.after == ["p/x"]


def test_a_prefix_without_objects_is_an_empty_listing() -> None:
    assert page_of(body([])) == Page(objects=())
    assert keys(Server(body([]))) == []
