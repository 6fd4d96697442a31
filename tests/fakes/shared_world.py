"""Forty pictures, a version and a bucket for processes that infer together: made and run by scripts of their own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from tasks.adapters.ledger.store import Ledger
from tasks.adapters.objects import ObjectStore
from tasks.domain.model import Kind, ModelRef
from tasks.domain.tables import DATASETS

COUNT = 40
BARE = dict.fromkeys(("box", "polygon", "corners", "keypoints"))


def prepare() -> tuple[ModelRef, pa.Table]:
    """The version in the bucket of this process's settings, and its labelled pictures."""
    from tasks.adapters.yolo_load import sha256_of, ultralytics
    from tasks.connections import store

    network = ultralytics().YOLO("yolo11n-cls.yaml")
    network.save("model.pt")
    store().put_file("m/model.pt", Path("model.pt"))
    ref = ModelRef(
        name="m",
        sha256=sha256_of(Path("model.pt")),
        uri=store().uri("m/model.pt"),
        kind=Kind.CLASSIFY,
        classes=tuple(str(network.names[i]) for i in sorted(network.names)),
        imgsz=32,
    )
    rows = []
    for i in range(COUNT):
        pixels = np.random.default_rng(i).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        data = cv2.imencode(".png", pixels)[1].tobytes()
        store().put(f"m/{i}.png", data)
        rows.append({"image_id": f"i{i}", "key": f"m/{i}.png", "sha256": hashlib.sha256(data).hexdigest(),
                     "camera": "c", "session": f"s{i}", "split": "test", "source": "recent",
                     "objects": [{**BARE, "class_id": i}],
                     "labelled_at": datetime(2026, 1, 1, tzinfo=UTC)})  # fmt: skip
    return ref, pa.Table.from_pylist(rows, schema=DATASETS)


def environment(bucket: ObjectStore, prefect: str, folder: Path, **more: str) -> dict[str, str]:
    """What a script of this world needs to know (`prefect`: a server's API address).

    Nothing of the test's own environment leaks into it.
    """
    url = f"sqlite:///{folder}/ledger.db"
    Ledger.upgrade(url)
    endpoint, region, access, secret = bucket._address
    foreign = ("PREFECT_", "EVERGREEN_", "MLFLOW_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
        "EVERGREEN_HOME": str(folder / "home"),
        "EVERGREEN_BUCKET": bucket.bucket,
        "EVERGREEN_S3_ENDPOINT": str(endpoint),
        "EVERGREEN_S3_REGION": str(region),
        "EVERGREEN_S3_ACCESS_KEY": str(access),
        "EVERGREEN_S3_SECRET_KEY": str(secret),
        "EVERGREEN_LEDGER_URL": url,
        "EVERGREEN_MLFLOW_URL": "http://127.0.0.1:9",
        "EVERGREEN_PREFECT_URL": "http://127.0.0.1:9/api",
        "EVERGREEN_DEVICE": "cpu",
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": prefect,
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **more,
    }


def finished(script: str, folder: Path, known: dict[str, str]) -> tuple[int, str, str]:
    """Exit code and what was said; server and workers end with the process that started them, whatever happens."""
    (folder / "shared.py").write_text(script)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "shared.py"], cwd=folder, env=known, stdout=pipe, stderr=pipe, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said, log = process.communicate(timeout=280)
            return process.returncode, said, log
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
