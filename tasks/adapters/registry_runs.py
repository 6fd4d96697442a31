"""Runs that are found again: one per purpose, however often and from wherever they are asked for."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tasks.domain.card import TAG_ROLE, VersionCard, metric_name
from tasks.domain.comparing import Sheet, split_form
from tasks.domain.evaluation import Evaluation

ROLES = {"train": "train", "eval": "eval", "promotion": "promotions"}
"""What a run is for, and the last part of its experiment's name."""

_BATCH = 900
_PARAMS = 90
DIGEST_LENGTH = 36
"""Characters of a dataset digest that MLflow stores."""


def experiment(client: Any, model: str, role: str) -> str:
    """The id of `<model>/train`, `<model>/eval` or `<model>/promotions`; one that was deleted is restored."""
    from mlflow.exceptions import MlflowException

    name = f"{model}/{ROLES[role]}"
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)  # another process, or our own request whose reply was lost
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def the_run(client: Any, experiment_id: str, key: tuple[str, str], name: str, tags: Mapping[str, str]) -> Any:
    """The run whose tag `key[0]` is `key[1]`, made when there is none.

    When a lost reply made two, the one that is in use stays (else the older), and empty ones are deleted.
    """
    tag, value = key
    asked = f"tags.`{tag}` = '{value}'"
    if not (found := client.search_runs([experiment_id], asked)):
        client.create_run(experiment_id, run_name=name, tags={**tags, tag: value})
        found = client.search_runs([experiment_id], asked)
    first, *extra = sorted(found, key=lambda run: (_is_empty(run), run.info.start_time, run.info.run_id))
    for run in filter(_is_empty, extra):
        client.delete_run(run.info.run_id)
    return first


def _is_empty(run: Any) -> bool:
    return not (run.data.metrics or run.data.params or run.inputs.dataset_inputs)


def write_metrics(client: Any, run_id: str, metrics: Iterable[Any]) -> None:
    """Log metric records in batches that the server accepts."""
    rows = list(metrics)
    for start in range(0, len(rows), _BATCH):
        client.log_batch(run_id, metrics=rows[start : start + _BATCH])


def write_card(client: Any, run: Any, card: VersionCard) -> None:
    """Params, curves, final numbers, dataset and plots of a training; the same card twice changes nothing."""
    from mlflow.entities import Metric, Param

    run_id, at = run.info.run_id, run.info.start_time  # fixed times: a repeated point is the same point
    params = [Param(metric_name(key), value) for key, value in card.params.items()]
    for start in range(0, len(params), _PARAMS):
        client.log_batch(run_id, params=params[start : start + _PARAMS])
    rows = [Metric(metric_name(key), value, at, step) for key, value, step in _curve_points(card)]
    last = len(card.curves)
    rows += [Metric(metric_name(key), value, at, last) for key, value in _finite(card.metrics).items()]
    write_metrics(client, run_id, rows)
    if card.dataset_name and card.dataset_digest:
        name_dataset(client, run_id, (card.dataset_name, card.dataset_digest, card.dataset_uri), "training")
    write_plots(client, run_id, card.plots)


def _curve_points(card: VersionCard) -> Iterable[tuple[str, float, int]]:
    for number, point in enumerate(card.curves, start=1):
        step = int(point.get("epoch", number))
        for key, value in _finite(point).items():
            if key != "epoch":
                yield key, value, step


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if math.isfinite(value)}


def name_dataset(client: Any, run_id: str, dataset: tuple[str, str, str], context: str) -> None:
    """Attach (name, digest, address) of a dataset to a run; the data is not read."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name, digest, uri = dataset
    record = Dataset(name, digest[:DIGEST_LENGTH], "s3", json.dumps({"uri": uri}))
    client.log_inputs(run_id, [DatasetInput(record, [InputTag("mlflow.data.context", context)])])


def write_plots(client: Any, run_id: str, plots: Iterable[Path]) -> None:
    """Upload the pictures that still exist to `plots/`."""
    for path in plots:
        if path.is_file():
            client.log_artifact(run_id, str(path), "plots")


def write_tables(client: Any, run_id: str, tables: Iterable[Sheet]) -> None:
    """Write tables that MLflow shows beside those of other runs; the same ones twice change nothing.

    `MlflowClient.log_table` would append to what is there, so the file is written in its form and named in its tag.
    """
    from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

    names = []
    for sheet in tables:
        names.append(f"{sheet.name}.json")
        client.log_dict(run_id, split_form(sheet), names[-1])
    if names:
        told = json.dumps([{"path": name, "type": "table"} for name in names])
        client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, told)


def evaluation_values(evaluation: Evaluation) -> dict[str, float]:
    """Every finite number of an evaluation by MLflow's name; the headline with its interval and `n`."""
    headline = evaluation.metric
    values = {
        **evaluation.metrics,
        headline: evaluation.headline.value,
        f"{headline}_low": evaluation.headline.low,
        f"{headline}_high": evaluation.headline.high,
        "n": float(evaluation.n),
    }
    return {metric_name(key): value for key, value in _finite(values).items()}


def write_evaluation(client: Any, run: Any, target: tuple[str, str], evaluation: Evaluation) -> None:
    """Write an evaluation's numbers to its run, to the stored model and to the source run.

    `target` is (source run id, stored model id), either may be empty. Numbers keep the time of the evaluation's
    run, so that writing an old evaluation again never hides a newer one; a number that came out differently this
    time is written as of now. The source run comes first: whoever was killed in between finds the difference again.
    """
    from mlflow.entities import Metric

    source_run, model_id = target
    values = evaluation_values(evaluation)
    stored = run.data.metrics
    changed = {key: value for key, value in values.items() if stored.get(key) != value}
    at = int(time.time() * 1000) if stored and changed else run.info.start_time
    if source_run:
        rows = [Metric(f"{evaluation.dataset}/{key}"[:250], value, at, 0) for key, value in values.items()]
        write_metrics(client, source_run, rows)
    tied: dict[str, str] = {}
    if model_id:
        digest = evaluation.digest[:DIGEST_LENGTH]
        tied = {"model_id": model_id, "dataset_name": evaluation.dataset, "dataset_digest": digest}
    write_metrics(client, run.info.run_id, [Metric(key, value, at, 0, **tied) for key, value in changed.items()])


def role_tags(role: str, **tags: str) -> dict[str, str]:
    """The tags of a run of that role."""
    return {TAG_ROLE: role, **tags}
