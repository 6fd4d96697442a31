"""Text that strangers wrote, made safe to look at: what a screen would obey or hide is written out."""

from __future__ import annotations

import re

UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters (a terminal obeys them), line separators, and characters that turn the direction of writing."""


def visible(text: str) -> str:
    """The text with every such character as its number.

    >>> visible("a\\x1b[2Jb\\u202ec")
    'a\\\\x1b[2Jb\\\\u202ec'
    """
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
