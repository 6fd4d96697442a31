"""Every command is told, and every call that a page shows is one that the program understands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.cli.main import app
from tests.unit.docs.doc_pages import PAGES, README, blocks, commands, headings, text_of

NAMES = {name for name in app if not name.startswith("-")}
CALLS = sorted({(page.name, call) for page in PAGES for call in commands(page.read_text(encoding="utf-8"))})


def test_the_page_has_a_section_for_every_command_and_for_no_other() -> None:
    told = [h.removeprefix("evergreen ") for h in headings(text_of("commands.md")) if h.startswith("evergreen ")]
    assert sorted(told) == sorted(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_command_has_exactly_one_example_in_its_section(name: str) -> None:
    section = text_of("commands.md").split(f"### evergreen {name}\n")[1].split("\n##")[0]
    (example,) = commands(section)
    assert example.split()[1] == name


@pytest.mark.parametrize(("page", "call"), CALLS)
def test_a_call_that_a_page_shows_is_understood(page: str, call: str) -> None:
    app.parse_args(call.removeprefix("evergreen "), exit_on_error=False, print_error=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_command_that_a_sentence_names_exists(page: Path) -> None:
    named = re.findall(r"`evergreen ([a-z][a-z-]*)", page.read_text(encoding="utf-8"))
    assert set(named) <= NAMES


def test_every_make_target_that_the_readme_names_exists() -> None:
    text = README.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (README.parent / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"`make ([a-z]+)", text) + re.findall(r"^make ([a-z]+)", "\n".join(blocks(text, "bash")), re.M)
    assert named and set(named) <= targets


def test_options_that_the_readme_gives_to_the_demo_are_options_of_the_demo() -> None:
    given = re.findall(r"`make demo ARGS=\"?([^\"`]+)\"?`", README.read_text(encoding="utf-8"))
    assert given
    for options in given:
        app.parse_args(f"demo {options}", exit_on_error=False, print_error=False)
