"""Text of strangers in Markdown: it stays text, whichever program renders it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tasks.domain.notice import Link

from_html = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ACTIVE = re.compile(r"([\\`*_{}\[\]()#!|~$@\"'])")
_ADDRESS = re.compile(r"(?i)(:)(?=/)|(?<=\bwww)(\.)")


def escape(text: str) -> str:
    """The text on one line with everything that Markdown, HTML or an automatic link would act on made inert.

    >>> escape("<b> [a](http://x) | *")
    '&lt;b&gt; \\\\[a\\\\]\\\\(http\\\\://x\\\\) \\\\| \\\\*'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = _ADDRESS.sub(lambda found: "\\" + found.group(0), _ACTIVE.sub(r"\\\1", line))
    return "".join(from_html.get(c, c) for c in line)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; every cell is escaped here."""
    lines = [_row(headings), _row(["---"] * len(headings))]
    return lines + [_row([escape(cell) for cell in row]) for row in rows]


def link(target: Link) -> str:
    """A link to an http address, or its escaped label when it is another kind of address."""
    if not re.fullmatch(r"https?://[^\s<>()\"'\\`|]+", target.url):
        return escape(target.label)
    return f"[{escape(target.label)}]({target.url})"


def bounded(blocks: Iterable[str], limit: int) -> str:
    """Blocks joined by empty lines, whole blocks only, in order, at most `limit` characters."""
    text, left_out = "", False
    note = "\n\nMore is on the page."
    for block in blocks:
        grown = f"{text}\n\n{block}" if text else block
        if len(grown) + len(note) > limit:
            left_out = True
            continue
        text = grown
    return text + note if left_out else text


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
