"""HTML of one file: styles inside, no script, no address that loads by itself, every text escaped."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tasks.domain.wording import measure, moment

TEMPLATES = Path(__file__).parent / "templates"

_TYPED = re.compile(r"`([^`\n]+)`")


def render(template: str, **values: Any) -> bytes:
    """The named template with these values, as UTF-8."""
    return _environment().get_template(template).render(**values).encode("utf-8", "replace")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"commands": commands, "href": href, "measure": measure, "moment": moment}
    return environment


def commands(text: str) -> Markup:
    """Escaped text, with what stands between backticks shown as something to type.

    >>> commands("ask <us>: `evergreen labels`")
    Markup('ask &lt;us&gt;: <code>evergreen labels</code>')
    """
    return Markup(_TYPED.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped one call further in


def href(url: str) -> str:
    """The address itself when it is http, https or a path on this server; else `#`.

    >>> href("javascript:alert(1)"), href("/pages/solar/report.html")
    ('#', '/pages/solar/report.html')
    """
    if not url.isprintable() or " " in url:
        return "#"
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and parts.netloc:
        return url
    return url if url.startswith("/") and not url.startswith(("//", "/\\")) else "#"
