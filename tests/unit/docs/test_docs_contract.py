"""Whoever copies an example from the data contract writes something that is read."""

from __future__ import annotations

import json

import pytest

from tasks.domain.contract import PredictionRecord, parse_prediction
from tasks.domain.contract_labels import LabelRecord, parse_label
from tasks.domain.model import Kind
from tasks.domain.tables import CONTRACT_VERSION
from tests.unit.docs.doc_pages import blocks, text_of

EXAMPLES = blocks(text_of("data-contract.md"), "json")


@pytest.mark.parametrize("line", [line for line in EXAMPLES if "annotator" not in line])
def test_an_example_of_a_prediction_is_a_prediction(line: str) -> None:
    record = parse_prediction(line.strip())
    assert isinstance(record, PredictionRecord), record
    assert record.note == ""


@pytest.mark.parametrize("line", [line for line in EXAMPLES if "annotator" in line])
def test_an_example_of_a_label_is_a_label(line: str) -> None:
    label = parse_label(line.strip())
    assert isinstance(label, LabelRecord), label


def test_there_are_examples_of_both_kinds_and_they_name_known_fields_only() -> None:
    assert sum("annotator" in line for line in EXAMPLES) >= 1
    assert {json.loads(line)["kind"] for line in EXAMPLES} == {"detect", "classify"}
    for line in EXAMPLES:
        model = LabelRecord if "annotator" in line else PredictionRecord
        assert set(json.loads(line)) <= {field.alias or name for name, field in model.model_fields.items()}


def test_the_page_is_about_the_version_that_this_program_writes_and_names_every_kind() -> None:
    page = text_of("data-contract.md")
    assert f"Version **{CONTRACT_VERSION}**" in page
    assert all(kind.value in page for kind in Kind)
