"""Pages say what the code says: tables are made again and compared."""

from __future__ import annotations

import importlib.util
import typing
from types import ModuleType

import pytest
import yaml

from tasks.settings import BESIDE, PREFIX
from tests.unit.docs.doc_pages import DOCS, blocks, text_of


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_tables", DOCS / "generate_tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["configuration.md", "data-contract.md", "signals.md"])
def test_a_page_with_tables_is_what_the_code_would_write(name: str, generator: ModuleType) -> None:
    again = generator.page(DOCS / name)
    assert again == text_of(name), "run .venv/bin/python docs/generate_tables.py"


def test_every_variable_that_is_no_setting_is_told_too(generator: ModuleType) -> None:
    assert {PREFIX + name for name in generator.BESIDE} == BESIDE


def test_every_field_of_every_rule_has_a_row(generator: ModuleType) -> None:
    page = text_of("configuration.md")
    for stage in generator.STAGES:
        for field in generator._class(stage, "Rules").model_fields:
            assert f"| `{field}` |" in page


def test_what_the_configuration_page_shows_as_yaml_is_accepted_by_the_flows() -> None:
    shown = [yaml.safe_load(block) for block in blocks(text_of("configuration.md"), "yaml")]
    deployments = [each for one in shown for each in one["deployments"]]
    assert deployments
    for deployment in deployments:
        module, _, name = deployment["entrypoint"].rpartition(".")
        hints = typing.get_type_hints(getattr(importlib.import_module(module), name).fn)
        for parameter, value in deployment["parameters"].items():
            hints[parameter].model_validate(value)
