"""What MLflow is told and how its answers are read, without a server."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.adapters.registry_client import translated
from tasks.adapters.registry_uri import compare_page, version_page
from tasks.domain.card import DESCRIPTION_LIMIT, VersionCard, card_from_json, card_json, clip_markdown, metric_name
from tasks.domain.errors import ConfigError, NotFound, RegistryUnavailable


def test_the_comparison_names_versions_and_their_source_runs() -> None:
    url = compare_page("http://mlflow:5000/", "solar cells & more", {4: "r4", 3: "r3"})
    asked = parse_qs(url.partition("?")[2])
    assert url.startswith("http://mlflow:5000/#/compare-model-versions?")
    assert json.loads(asked["name"][0]) == "solar cells & more"
    assert json.loads(asked["runs"][0]) == {"4": "r4", "3": "r3"}
    assert asked["workflowType"] == ["machine_learning"]


def test_a_name_cannot_leave_its_place_in_an_address() -> None:
    assert version_page("http://m", "a/b?c#d", 1).startswith("http://m/#/models/a%2Fb%3Fc%23d/versions/1?")


@given(st.text(max_size=12_000))
def test_a_description_always_fits_and_short_ones_are_untouched(text: str) -> None:
    clipped = clip_markdown(text)
    assert len(clipped) <= DESCRIPTION_LIMIT
    assert len(text) > DESCRIPTION_LIMIT or clipped == text


def test_a_metric_name_has_only_what_mlflow_takes() -> None:
    assert metric_name("f1/größe+a(B)") == "f1/größe_a_B_"
    assert len(metric_name("x" * 999)) == 250


def test_a_card_survives_the_ledger_and_an_empty_or_foreign_one_is_read() -> None:
    card = VersionCard(params={"a": "1"}, metrics={"m": 0.5}, curves=({"epoch": 1.0, "loss": 2.0},), description="d")
    assert card_from_json(json.loads(json.dumps(card_json(card)))) == card
    assert card_from_json({"metrics": {"m": None}, "else": 1}) == VersionCard()


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("INTERNAL_ERROR", RegistryUnavailable),
        ("TEMPORARILY_UNAVAILABLE", RegistryUnavailable),
        ("REQUEST_LIMIT_EXCEEDED", RegistryUnavailable),
        ("RESOURCE_DOES_NOT_EXIST", NotFound),
        ("PERMISSION_DENIED", ConfigError),
        ("UNAUTHENTICATED", ConfigError),
        ("INVALID_PARAMETER_VALUE", ConfigError),
        ("RESOURCE_ALREADY_EXISTS", ConfigError),
    ],
)
def test_mlflows_errors_are_sorted_by_what_to_do_about_them(code: str, ours: type[Exception]) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ErrorCode

    with pytest.raises(ours, match="read something") as caught, translated("read something"):
        raise MlflowException("line\nbreak", error_code=ErrorCode.Value(code))
    assert isinstance(caught.value.__cause__, MlflowException)
    assert "\n" not in str(caught.value)


def test_no_connection_is_an_outage_and_a_local_file_error_is_not_mlflows() -> None:
    import requests

    with pytest.raises(RegistryUnavailable), translated("upload"):
        raise requests.ConnectionError("refused")
    with pytest.raises(FileNotFoundError), translated("upload"):
        raise FileNotFoundError(2, "no such file")


@pytest.mark.parametrize(("status", "ours"), [(404, NotFound), (403, ConfigError), (502, RegistryUnavailable)])
def test_the_artifact_proxys_answers_are_sorted_by_status(status: int, ours: type[Exception]) -> None:
    import requests

    answer = requests.Response()
    answer.status_code = status
    with pytest.raises(ours), translated("download"):
        raise requests.HTTPError("no", response=answer)
