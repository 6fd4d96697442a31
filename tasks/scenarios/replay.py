"""Production, replayed: the serving side loads the champion, predicts, and captures what it saw.

Nothing here knows what the flows do with it. Serving loads `models:/<name>@champion` as any service would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.capture.capture import Capture
from tasks.connections import registry, store
from tasks.domain.model import ALIAS_CHAMPION
from tasks.domain.tables import CONTRACT_VERSION
from tasks.domain.window import Window
from tasks.scenarios.script import Scenario, Shot
from tasks.settings import settings

if TYPE_CHECKING:
    from tasks.adapters.yolo import Yolo

BATCH = 32
ANNOTATOR = "replay"
CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png"}

Progress = Callable[[int], None]


def image_key(model: str, shot: Shot) -> str:
    """Where production keeps the picture (data contract §1)."""
    return f"{model}/images/{shot.camera}/{shot.captured_at:%Y/%m/%d/%H}/{shot.image_id}.{shot.suffix}"


def commission(scenario: Scenario, progress: Progress) -> int:
    """Upload the labelled pictures from before the first model; returns how many."""
    count = 0
    for shot in scenario.commissioning():
        store().put(image_key(scenario.name, shot), shot.encoded, CONTENT_TYPES[shot.suffix])
        write_labels(scenario, [shot])
        count += 1
        progress(1)
    return count


def write_labels(scenario: Scenario, shots: Iterable[Shot]) -> int:
    """What people say is on the pictures; pictures that nobody can judge stay without a label."""
    judged = [shot for shot in shots if shot.truths is not None]
    for shot in judged:
        body = json.dumps(label_of(scenario, shot), separators=(",", ":")).encode()
        store().put(f"{scenario.name}/labels/{shot.image_id}.json", body, "application/json")
    return len(judged)


def label_of(scenario: Scenario, shot: Shot) -> dict[str, object]:
    """The label record of a shot (data contract §2), made a day after the picture."""
    objects = [
        {"class_id": truth.class_id, **({"box": list(truth.box)} if truth.box else {})} for truth in shot.truths or ()
    ]
    labelled_at = min(shot.captured_at + timedelta(hours=20), datetime.now(UTC))
    return {
        "schema": CONTRACT_VERSION,
        "image_id": shot.image_id,
        "key": image_key(scenario.name, shot),
        "camera": shot.camera,
        "session": shot.session,
        "captured_at": shot.captured_at.isoformat(),
        "kind": scenario.kind.value,
        "objects": objects,
        "labelled_at": labelled_at.isoformat(),
        "annotator": ANNOTATOR,
        "golden": shot.golden,
    }


class Serving:
    """A service that predicts with the champion and captures every answer."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._model, self.version = _champion(scenario)

    def serve(self, window: Window, progress: Progress) -> int:
        """Predict on everything that the cameras take in the window; returns how many pictures."""
        count = 0
        with Capture(
            model=self._scenario.name,
            model_version=str(self.version),
            kind=self._scenario.kind,
            store=store(),
            wait_when_full=True,
        ) as capture:
            for batch in _batches(self._scenario.shots(window)):
                decoded = [_decoded(shot) for shot in batch]
                for shot, result in zip(batch, self._model.serve(decoded, self._scenario.imgsz), strict=True):
                    capture.record(
                        result,
                        image_id=shot.image_id,
                        camera=shot.camera,
                        session=shot.session,
                        captured_at=shot.captured_at,
                        encoded=shot.encoded,
                        suffix=shot.suffix,
                    )
                count += len(batch)
                progress(len(batch))
        return count


def _champion(scenario: Scenario) -> tuple[Yolo, int]:
    from tasks.adapters.yolo import Yolo

    folder = settings().cache / "serving"
    found = registry().download(scenario.name, ALIAS_CHAMPION, folder)
    return Yolo.load(found.path, found.sha256, scenario.kind, settings().device, scenario.classes), found.version


def _decoded(shot: Shot) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(shot.encoded, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _batches(shots: Iterator[Shot]) -> Iterator[list[Shot]]:
    while batch := list(islice(shots, BATCH)):
        yield batch
