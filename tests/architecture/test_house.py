"""The house keeps its shape: sizes, names, what may be where."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(p for folder in ("flows", "tasks") for p in (ROOT / folder).rglob("*.py") if "versions" not in p.parts)
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_fits_in_the_head(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= 250
    assert path.stem not in EMPTY_NAMES
    long = {f.name: n for f in functions(path) if (n := body_lines(f)) > 40}
    assert not long


def test_packages_below_a_stage_are_a_docstring_and_nothing_else() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            nodes = ast.parse(path.read_text(encoding="utf-8")).body
            assert len(nodes) == 1 and isinstance(nodes[0], ast.Expr), path


def test_nothing_is_left_to_be_done_and_nothing_dangerous_is_called() -> None:
    forbidden = re.compile(
        r"raise NotImplementedError|# ?TODO|# ?FIXME|yaml\.load\(|pickle\.load|shell=True|\beval\(|put_object_tagging"
    )
    found = {str(p.relative_to(ROOT)): m.group(0) for p in SOURCES if (m := forbidden.search(p.read_text("utf-8")))}
    assert not found


def test_tests_have_no_init_that_could_shadow_the_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_the_lock_file_has_a_hash_for_every_requirement_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][\w.\-\[\],]*==\S+.*?(?=^\S|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert len(pins) > 200
    assert all("--hash=sha256:" in pin for pin in pins)
    assert not re.search(r"https?://|file://", text)


LOADED = re.compile(r"^\s*(from|import) ultralytics\b|importorskip\(\"ultralytics", re.MULTILINE)


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_ultralytics_is_loaded_by_its_adapter_also_in_tests(path: Path) -> None:
    """It puts its own `Image.open` into Pillow, which other tests of the process would get; the adapter does not."""
    text = path.read_text(encoding="utf-8")
    if LOADED.search(text):
        assert "ultralytics()" in text
