"""The first page: every model with its champion, its newest windows, and what waits for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from tasks.domain.finding import Outcome
from tasks.domain.notice import Link
from tasks.domain.verdict import STATE_NAMES
from tasks.domain.window import Window
from tasks.report.rendering import render

PAGE_KEY = re.compile(
    r"[^/\\\x00-\x1f]{1,64}/evergreen/(?:windows|decisions|evaluations)/(?:[^/\\\x00-\x1f]{1,200}/){0,8}[^/\\\x00-\x1f]{1,200}"
)
"""Keys that are served: a model's own pages, nothing else of the bucket."""

SUFFIXES = {".html": "text/html; charset=utf-8", ".png": "image/png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLine:
    """One judged window."""

    window: Window
    outcome: Outcome
    sentence: str
    pages: tuple[Link, ...] = ()

    @property
    def state_name(self) -> str:
        """Healthy, Degraded or Inconclusive."""
        return STATE_NAMES[self.outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLine:
    """One request that waits for a person."""

    number: int
    challenger: str
    expires: datetime
    pages: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLines:
    """One model; `windows` are the newest first."""

    name: str
    champion: str
    windows: tuple[WindowLine, ...] = ()
    approvals: tuple[ApprovalLine, ...] = ()


def index_page(models: tuple[ModelLines, ...], now: datetime) -> bytes:
    """The page as HTML."""
    return render("index.html.j2", models=models, now=now)


def page_path(key: str) -> str | None:
    """The path under which a key of the bucket is served, or None when it is not served at all.

    >>> page_path("solar/evergreen/windows/w 1/report.html"), page_path("solar/images/a.html")
    ('/pages/solar/evergreen/windows/w%201/report.html', None)
    """
    return f"/pages/{quote(key, safe='/')}" if is_page(key) else None


def decision_key(model: str, gate_hash: str) -> str:
    """Where the decision page of a gate report lies in the bucket."""
    return f"{model}/evergreen/decisions/{gate_hash[:32]}.html"


def is_page(key: str) -> bool:
    """Whether the key may be served: its folder, its suffix, and no part that is `.` or `..`."""
    if not PAGE_KEY.fullmatch(key) or {".", ".."} & set(key.split("/")):
        return False
    return content_type(key) is not None


def content_type(key: str) -> str | None:
    """The content type that the suffix stands for; None for suffixes that are not served."""
    return next((kind for suffix, kind in SUFFIXES.items() if key.endswith(suffix)), None)


def page_links(artifacts: Mapping[str, str], base: str = "") -> tuple[Link, ...]:
    """Links to those artifacts (name -> s3://bucket/key) that are pages, below the address `base`."""
    found = ((name, page_path(uri.removeprefix("s3://").partition("/")[2])) for name, uri in artifacts.items())
    return tuple(Link(label=name.replace("_", " "), url=base.rstrip("/") + path) for name, path in found if path)
