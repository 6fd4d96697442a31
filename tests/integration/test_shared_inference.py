"""Two Dask workers infer what one process would, once, and give it back through one cache or through the bucket."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.adapters.ledger.store import Ledger
from tasks.adapters.objects import ObjectStore

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not importlib.util.find_spec("prefect_dask"), reason="no Dask: install the extra `cluster`"),
]

SCRIPT = """
import hashlib, json, os, shutil
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from prefect import flow
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness

from flows.infer import share_inference
from tasks.adapters.yolo_load import sha256_of, ultralytics
from tasks.connections import answers, store, tables
from tasks.domain.model import Kind, ModelRef
from tasks.domain.tables import DATASETS
from tasks.evaluate.rules import EvaluateRules
from tasks.evaluate.shards import Shard
from tasks.evaluate.task import _answering, gather_shards, infer_shard, plan_shards
from tasks.settings import settings

COUNT = 40
RULES = EvaluateRules(workers=2, batch=4)


def prepare():
    network = ultralytics().YOLO("yolo11n-cls.yaml")
    network.save("model.pt")
    sha256 = sha256_of(Path("model.pt"))
    store().put_file("m/model.pt", Path("model.pt"))
    classes = tuple(str(network.names[i]) for i in sorted(network.names))
    uri = store().uri("m/model.pt")
    ref = ModelRef(name="m", sha256=sha256, uri=uri, kind=Kind.CLASSIFY, classes=classes, imgsz=32)
    rows = []
    for i in range(COUNT):
        pixels = np.random.default_rng(i).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        data = cv2.imencode(".png", pixels)[1].tobytes()
        store().put(f"m/{i}.png", data)
        rows.append({"image_id": f"i{i}", "key": f"m/{i}.png", "sha256": hashlib.sha256(data).hexdigest(),
                     "camera": "c", "session": f"s{i}", "split": "test", "source": "recent", "objects": [],
                     "labelled_at": datetime(2026, 1, 1, tzinfo=UTC)})
    return ref, pa.Table.from_pylist(rows, schema=DATASETS)


@flow
def shared(ref, dataset):
    share_inference(ref, (dataset,), RULES)


def values(asked, table):
    found = asked.cache.get(asked.sha256, asked.protocol.recipe, table["sha256"].to_pylist())
    return [found[name].probabilities for name in table["sha256"].to_pylist() if name in found]


if __name__ == "__main__":  # the workers import this file
    ref, table = prepare()
    dataset = tables().write(table, "datasets", "m/set.parquet")
    asked = _answering(ref, RULES)
    with prefect_test_harness(server_startup_timeout=120):
        os.environ["PREFECT_API_URL"] = PREFECT_API_URL.value()  # one server for flow and workers
        shared(ref, dataset)
    by_two = values(asked, table)
    shards = len(list((settings().cache / "answers").glob("*/*.parquet")))
    left = plan_shards.fn(ref, dataset, RULES)
    again = _answering(ref, RULES)
    again.answers(table)
    shutil.rmtree(settings().cache / "answers")
    part = infer_shard.fn(ref, dataset, RULES, Shard(number=0, count=1, asker="another machine"))
    shutil.rmtree(settings().cache / "answers")
    gather_shards.fn(ref, RULES, [part])
    through_bucket = values(asked, table)
    shutil.rmtree(settings().cache / "answers")
    alone = [one.probabilities for one in _answering(ref, RULES).answers(table)]
    print(json.dumps({
        "inferred": len(by_two), "shards": shards, "left": len(left), "loaded_again": "model" in vars(again),
        "apart": float(max(abs(a - b).max() for a, b in zip(by_two, alone, strict=True))),
        "bucket": float(max(abs(a - b).max() for a, b in zip(through_bucket, alone, strict=True))),
    }))
"""


def finished(words: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    """Exit code and what was said; server and workers end with the process that started them, whatever happens."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            said, log = process.communicate(timeout=280)
            return process.returncode, said, log
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_two_workers_give_the_answers_of_one_process_and_nothing_is_inferred_twice(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    (tmp_path / "shared.py").write_text(SCRIPT)
    endpoint, region, access, secret = object_store._address
    foreign = ("PREFECT_", "EVERGREEN_", "MLFLOW_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
        "EVERGREEN_HOME": str(tmp_path / "home"),
        "EVERGREEN_BUCKET": object_store.bucket,
        "EVERGREEN_S3_ENDPOINT": str(endpoint),
        "EVERGREEN_S3_REGION": str(region),
        "EVERGREEN_S3_ACCESS_KEY": str(access),
        "EVERGREEN_S3_SECRET_KEY": str(secret),
        "EVERGREEN_LEDGER_URL": url,
        "EVERGREEN_MLFLOW_URL": "http://127.0.0.1:9",
        "EVERGREEN_PREFECT_URL": "http://127.0.0.1:9/api",
        "EVERGREEN_DEVICE": "cpu",
        "EVERGREEN_DASK": "local",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    code, said, log = finished([sys.executable, "shared.py"], tmp_path, environment)
    assert code == 0, log[-3000:]
    found = json.loads(said.strip().splitlines()[-1])
    assert (found["inferred"], found["left"], found["loaded_again"]) == (40, 0, False)
    assert found["shards"] == 2
    assert found["apart"] < 1e-6 and found["bucket"] < 1e-6
