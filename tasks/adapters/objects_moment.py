"""How the client reads moments: botocore's own parser takes any kind of date, which is most of what a listing costs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import boto3
from botocore.session import get_session
from botocore.utils import parse_timestamp


def session(access_key: str | None, secret_key: str | None) -> boto3.session.Session:
    """A session whose clients read moments so."""
    found = get_session()
    found.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment_of)
    return boto3.session.Session(access_key, secret_key, botocore_session=found)


def moment_of(value: Any) -> datetime:
    """An ISO 8601 moment with its offset, as S3 lists objects; everything else as botocore reads it.

    >>> moment_of("2026-11-20T06:30:00.000Z").isoformat()
    '2026-11-20T06:30:00+00:00'
    """
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)
    return found if found.tzinfo is not None else parse_timestamp(value)
