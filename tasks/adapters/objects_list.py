"""Listings at a ninth of the client's processor time: it reads every moment with a parser for any kind of date.

A window of a million images is listed each time somebody asks whether anything landed in it, so that this is what a
second look costs. What is not a plain page is left to the client, which goes on behind the last key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus
from xml.etree import ElementTree

from tasks.adapters.objects import ObjectInfo
from tasks.adapters.objects_direct import DirectReader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAGE_BYTES = 16 << 20
"""A page is a thousand keys of at most a kilobyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some objects in order of keys; `token` asks for those that follow, empty at the end."""

    objects: tuple[ObjectInfo, ...]
    token: str = ""


def listed(
    direct: DirectReader, client: S3Client, bucket: str, prefix: str, start_after: str = ""
) -> Iterator[ObjectInfo]:
    """Every object under a prefix behind a key, in order of keys, page by page. Raises what the client raises."""
    last, token = start_after, ""
    while (page := _page(direct, bucket, prefix, last, token)) is not None:
        yield from page.objects
        last, token = page.objects[-1].key if page.objects else last, page.token
        if not token:
            return
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=last)
    for answer in pages:
        for item in answer.get("Contents", []):
            moment = item["LastModified"].astimezone(UTC)
            etag = item.get("ETag", "").strip('"')
            yield ObjectInfo(key=item["Key"], size=item["Size"], etag=etag, modified=moment)


def page_of(body: bytes) -> Page | None:
    """The objects of an answer to ListObjectsV2; None when it is not one, or not complete."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - the bucket's own server, as the client does
        space = root.tag.removesuffix("ListBucketResult")  # not every server writes one
        quoted = root.findtext(f"{space}EncodingType") == "url"
        objects = tuple(_object(each, space, quoted) for each in root.iterfind(f"{space}Contents"))
    except (ElementTree.ParseError, ValueError):
        return None
    more, token = (root.findtext(f"{space}{name}", "") for name in ("IsTruncated", "NextContinuationToken"))
    if space == root.tag or (more == "true") != bool(token):
        return None
    return Page(objects=objects, token=token)


def _page(direct: DirectReader, bucket: str, prefix: str, start_after: str, token: str) -> Page | None:
    asked = {"encoding-type": "url", "list-type": "2", "prefix": prefix}
    asked |= {"continuation-token": token} if token else {"start-after": start_after} if start_after else {}
    query = "&".join(f"{name}={quote(asked[name], safe='-_.~')}" for name in sorted(asked))
    body = direct.text(f"{bucket}?{query}", PAGE_BYTES)
    return page_of(body) if body is not None else None


def _object(item: ElementTree.Element, space: str, quoted: bool) -> ObjectInfo:
    """Raises `ValueError` for one that lacks its key, size or time."""
    key, etag = item.findtext(f"{space}Key", ""), item.findtext(f"{space}ETag", "")
    moment = datetime.fromisoformat(item.findtext(f"{space}LastModified", "")).astimezone(UTC)
    if not key:
        raise ValueError("an object without a key")
    key = unquote_plus(key) if quoted else key
    return ObjectInfo(key=key, size=int(item.findtext(f"{space}Size", "")), etag=etag.strip('"'), modified=moment)
