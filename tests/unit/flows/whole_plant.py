"""A plant whose every stage is real, in memory: two cameras, a bucket, a ledger, and a model that sees at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from prefect.logging import disable_run_logger
from prefect.tasks import Task

from flows import monitor as monitoring
from flows import steps
from tasks import connections
from tasks.adapters import drift_report, expectations
from tasks.adapters.ledger.records import PinnedReference
from tasks.adapters.tables import TableStore
from tasks.camera import task as camera
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.promotion import PromotionKind
from tasks.domain.snapshot import TableRef
from tasks.domain.window import Window
from tasks.drift import task as drifting
from tasks.flicker import task as flicker
from tasks.outliers import task as outliers
from tasks.report import task as reporting
from tasks.report.judged import Judged
from tasks.settings import settings
from tasks.watch import task as watch
from tests.fakes.memory_store import MemoryStore

HOUR = timedelta(hours=1)
FIRST = Window(datetime(2026, 11, 19, 6, tzinfo=UTC), datetime(2026, 11, 19, 7, tzinfo=UTC))
SECOND = Window(FIRST.end, FIRST.end + HOUR)
CHAMPION = ModelRef(
    name="m", sha256="c" * 64, uri="s3://b/c.pt", kind=Kind.DETECT, classes=("nut", "bolt"), imgsz=64, version=1
)
BOX = {"class_id": 1, "confidence": 0.9, "box": [4.0, 4.0, 20.0, 20.0]}


class AtOnce:
    """A model that sees noise; says how many pictures it was shown."""

    def __init__(self) -> None:
        self.shown = 0

    def embed(self, paths: Sequence[Path], imgsz: int, batch: int) -> NDArray[np.float32]:
        self.shown += len(paths)
        return np.random.default_rng(len(paths)).random((len(paths), 16), np.float32)

    def predict(self, paths: Sequence[Path], *given: object, **named: object) -> list[Prediction]:
        self.shown += len(paths)
        return [Prediction() for _ in paths]


class Plant:
    """Windows are shot, judged and judged again; `worked` counts how often each stage did what costs it time."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        place = {"BUCKET": "memory", "LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}", "HOME": str(folder)}
        unused = {"MLFLOW_URL": "http://127.0.0.1:9", "PREFECT_URL": "http://127.0.0.1:9/api"}
        for name, value in {**place, **unused}.items():
            monkeypatch.setenv(f"EVERGREEN_{name}", value)
        settings.cache_clear()
        connections.close()
        self.bucket, self.model = MemoryStore(), AtOnce()
        self.worked: Counter[str] = Counter()
        self.read: list[TableRef] = []
        self._patch = monkeypatch.setattr
        self._patch(connections, "ObjectStore", lambda **_: self.bucket)
        self._wire()
        connections.Ledger.upgrade(place["LEDGER_URL"])
        connections.ledger().versions.add(CHAMPION, source="benchmark")
        connections.ledger().promotions.move("m", PromotionKind.BOOTSTRAP, None, CHAMPION.sha256, "ann", "first")

    def _wire(self) -> None:
        for module in (monitoring, steps):
            for name, thing in list(vars(module).items()):
                if isinstance(thing, Task):
                    self._patch(module, name, thing.fn)
        self._patch(steps, "announce", lambda *given: None)
        self._patch(reporting, "create_markdown_artifact", lambda *given, **named: None)
        self._patch(drifting, "_model", lambda champion: self.model)
        self._patch(drift_report, "draw", lambda *given: SimpleNamespace(html=b"<html></html>"))
        asked = expectations.Asked(answers=(), results={})
        self._patch(expectations, "ask", lambda *given: asked)
        watched: tuple[tuple[str, Any, str], ...] = (
            ("quality", expectations, "ask"), ("drift", drifting, "compare"), ("page", drift_report, "draw"),
            ("camera", camera, "judge_pictures"), ("watch", watch, "checks"), ("flicker", flicker, "sessions"),
            ("outliers", outliers, "familiar"),
        )  # fmt: skip
        for name, module, function in watched:
            self._patch(module, function, self._counted(name, getattr(module, function)))
        read = TableStore.read

        def noted(store: TableStore, ref: TableRef, columns: Sequence[str] | None = None) -> Any:
            self.read.append(ref)
            return read(store, ref, columns)

        self._patch(TableStore, "read", noted)

    def _counted(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            self.worked[name] += 1
            return work(*given, **named)

        return counted

    def shoot(self, window: Window, names: Sequence[int]) -> None:
        """Pictures of both cameras with their records, in sessions of four."""
        rows = []
        for number in names:
            line = f"cam-{number // 4 % 2}"
            key = f"m/images/{line}/{window.start:%Y/%m/%d/%H}/{window.start:%H}-{number:04d}.jpg"
            noise = np.random.default_rng(number + 10_000 * window.start.hour).integers(40, 210, (9, 12))
            picture = cv2.resize(noise.astype(np.uint8), (64, 48), interpolation=cv2.INTER_CUBIC)
            self.bucket.landed = window.start + timedelta(minutes=50)
            self.bucket.put(key, cv2.imencode(".jpg", picture)[1].tobytes())
            moment = (window.start + timedelta(seconds=20 * number)).isoformat()
            rows.append({"schema": 1, "image_id": f"{window.start:%H}-{number:04d}", "key": key, "captured_at": moment,
                         "camera": line, "model_version": "1", "kind": "detect", "width": 64, "height": 48,
                         "session": f"s{number // 4}", "detections": [BOX]})  # fmt: skip
        part = f"m/predictions/date={window.start:%Y-%m-%d}/hour={window.start:%H}/{names[0]:04d}.jsonl"
        self.bucket.put(part, "\n".join(map(json.dumps, rows)).encode())

    def judge(self, window: Window = SECOND, rules: monitoring.MonitorRules | None = None) -> Judged:
        """The window judged, again where it was judged before."""
        with disable_run_logger():
            judged = monitoring.judge_window("m", window, True, rules or monitoring.MonitorRules())
        assert judged is not None
        return judged

    def pinned(self) -> PinnedReference:
        """A reference of the first window."""
        self.shoot(FIRST, range(64))
        self.judge(FIRST)
        return drifting.pin_reference.fn("m", [FIRST], "ann", "healthy")

    def work(self, do: Callable[[], object]) -> dict[str, int]:
        """How often each stage worked while that was done."""
        before = Counter(self.worked)
        do()
        return dict(self.worked - before)
