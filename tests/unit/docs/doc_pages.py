"""The pages as tests read them: headings with their anchors, fenced blocks, commands."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = (README, *sorted(DOCS.glob("*.md")))

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Bodies of all fenced blocks of a language, without their indentation."""
    found = []
    for match in _FENCE.finditer(text):
        if match["language"] == language:
            found.append(re.sub(f"^{match['indent']}", "", match["body"], flags=re.MULTILINE))
    return found


def headings(text: str) -> list[str]:
    """Texts of all headings outside fenced blocks."""
    return re.findall(r"^#{1,6} (.+)$", _FENCE.sub("", text), flags=re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What links may end in, as MkDocs makes it of headings."""
    made: set[str] = set()
    for heading in headings(text):
        slug = re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
        name, number = slug, 0
        while name in made:
            number += 1
            name = f"{slug}_{number}"
        made.add(name)
    return made


def commands(text: str) -> list[str]:
    """Every line of a shell block that calls `evergreen`, without its comment."""
    lines = [line for body in blocks(text, "bash") for line in body.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.startswith("evergreen ")]
