"""Signed S3 requests, as few as health checks need: make a bucket, put, get, put only if absent.

The full client takes half a second to import and hides the replies that a probe wants to see.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedS3:
    """Requests to one S3-compatible server with path-style addresses. `endpoint` is `http(s)://host[:port]`."""

    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"

    def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, timeout: float = 5.0
    ) -> httpx.Response:
        """The server's reply to one signed request for `/bucket[/key]`, whatever its status.

        Raises:
            httpx.HTTPError: no reply.
        """
        now = datetime.now(UTC)
        signed = signature_headers(self, method, path, body, now)
        url = self.endpoint.rstrip("/") + quote(path)
        with httpx.Client(trust_env=False, timeout=timeout) as client:
            return client.request(method, url, content=body, headers={**(headers or {}), **signed})


def signature_headers(server: SignedS3, method: str, path: str, body: bytes, now: datetime) -> dict[str, str]:
    """Host, time, body hash and the `Authorization` header of AWS Signature Version 4.

    Source: AWS, "Authenticating Requests: Using the Authorization Header (Signature Version 4)".
    """
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {
        "host": urlsplit(server.endpoint).netloc,
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-date": stamp,
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join((method, quote(path), "", lines, names, headers["x-amz-content-sha256"]))
    scope = f"{day}/{server.region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{server.secret_key}".encode()
    for part in (day, server.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{server.access_key}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": authorization}


def round_trip(server: SignedS3, bucket: str, key: str) -> str:
    """What goes wrong when an object is put and read back; "" when nothing does."""
    body = datetime.now(UTC).isoformat().encode()
    try:
        put = server.call("PUT", f"/{bucket}/{key}", body)
        if put.status_code != httpx.codes.OK:
            return f"put answered {put.status_code}: {put.text[:200]}"
        got = server.call("GET", f"/{bucket}/{key}")
    except httpx.HTTPError as error:
        return f"no answer from {server.endpoint}: {error}"
    return "" if got.content == body else f"get answered {got.status_code} and not the bytes that were put"


def make_bucket(server: SignedS3, bucket: str) -> str:
    """What goes wrong when the bucket is made; "" when it is there now, also when it was there before."""
    try:
        reply = server.call("PUT", f"/{bucket}")
    except httpx.HTTPError as error:
        return f"no answer from {server.endpoint}: {error}"
    return (
        ""
        if reply.status_code in (httpx.codes.OK, httpx.codes.CONFLICT)
        else f"{reply.status_code}: {reply.text[:200]}"
    )
