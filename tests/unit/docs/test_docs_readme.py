"""A stranger reaches the first command at once, and no link leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.unit.docs.doc_pages import DOCS, PAGES, README, ROOT, anchors, blocks

LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")


def test_the_first_command_comes_within_25_lines() -> None:
    first = README.read_text(encoding="utf-8").split("make demo")[0]
    assert first.count("\n") <= 25


def test_the_readme_shows_both_commands_and_the_loop() -> None:
    text = README.read_text(encoding="utf-8")
    assert "drift → cause → labels → retrain → shadow → approve → promote → watch" in text
    assert {"make demo", "make test"} <= {line.split("  ")[0].strip() for line in blocks(text, "bash")[0].splitlines()}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_python_that_a_page_shows_compiles() -> None:
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), "python"):
            compile(block, page.name, "exec")


def test_the_menu_of_the_site_has_every_page() -> None:
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    listed = {
        path for entry in menu for value in entry.values() for path in ([value] if isinstance(value, str) else value)
    }
    assert listed == {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}


def test_the_picture_of_the_loop_needs_nothing_from_outside() -> None:
    root = ElementTree.parse(DOCS / "pictures/loop.svg").getroot()  # noqa: S314 - our own file
    said = "".join(root.itertext())
    assert all(word in said for word in ("drift", "cause", "labels", "retrain"))
    assert all(word in said for word in ("shadow", "approve", "promote", "watch"))
    assert not [name for element in root.iter() for name in element.attrib if name.endswith("href")]


def test_the_licence_of_code_and_data_is_stated() -> None:
    text = README.read_text(encoding="utf-8")
    assert "AGPL-3.0-or-later" in text and "CC BY-NC-SA 4.0" in text
