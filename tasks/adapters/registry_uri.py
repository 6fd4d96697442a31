"""Addresses inside MLflow's web pages; each opens in the mode that shows models, not agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

MODE = "workflowType=machine_learning"
"""Without it the pages open in MLflow's agent mode, which has no model registry in its menu."""


def version_page(url: str, name: str, version: int) -> str:
    """The page of one version: description, tags, aliases, source run.

    >>> version_page("http://mlflow:5000/", "solar cells", 3)
    'http://mlflow:5000/#/models/solar%20cells/versions/3?workflowType=machine_learning'
    """
    return f"{url.rstrip('/')}/#/models/{quote(name, safe='')}/versions/{version}?{MODE}"


def compare_page(url: str, name: str, runs: Mapping[int, str]) -> str:
    """Versions side by side: `runs` maps each version to its source run, in the order of the columns."""
    by_version = json.dumps({str(version): run for version, run in runs.items()}, separators=(",", ":"))
    asked = f"name={quote(json.dumps(name), safe='')}&runs={quote(by_version, safe='')}"
    return f"{url.rstrip('/')}/#/compare-model-versions?{asked}&{MODE}"


def runs_chart_page(url: str, experiment_id: str) -> str:
    """All runs of an experiment as charts: curves, metrics by dataset, sample pictures with a step slider."""
    return f"{url.rstrip('/')}/#/experiments/{experiment_id}/runs?compareRunsMode=CHART&{MODE}"


def models_page(url: str, experiment_id: str) -> str:
    """All trained models of an experiment: one row a model, one column per metric and dataset."""
    return f"{url.rstrip('/')}/#/experiments/{experiment_id}/models?{MODE}"


def run_page(url: str, experiment_id: str, run_id: str) -> str:
    """One run."""
    return f"{url.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}?{MODE}"
