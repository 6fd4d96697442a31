"""Two lines in a serving process, and production writes the data contract.

    capture = Capture(model="parts", model_version="3", camera="cam-1", store=store)
    capture.record(result)          # an ultralytics Results; returns at once, never raises

A bounded queue feeds one background thread; what does not fit is counted and dropped, what the store does not take
waits on disk. Make it after forking; close it (or use `with`) to write what is still queued.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, Unpack

import numpy as np

from tasks.capture.answers import Answer, from_arrays, from_result
from tasks.capture.delivery import Bucket, Delivery
from tasks.capture.rules import SamplingRules
from tasks.capture.sampling import Sampler
from tasks.capture.shot import CONTENT_TYPES, ShotFields, named
from tasks.capture.spool import Spool
from tasks.capture.writer import Batching, Taken, Writer
from tasks.domain.errors import ConfigError
from tasks.domain.model import Kind, safe_name

__all__ = ["Batching", "Capture", "SamplingRules"]

log = logging.getLogger("evergreen.capture")
MEGABYTE = 1 << 20


@dataclass(kw_only=True)
class Capture:
    """Writes pictures and predictions of one model to a bucket, beside inference and never in its way.

    `spool` is a folder for what the store does not take (none: it is lost and counted). `wait_when_full` is for
    replays: a full queue then slows the caller down instead of dropping.

    Raises:
        ConfigError: when it is made with a model or camera name that is not safe. Later calls never raise.
    """

    model: str
    model_version: str
    store: Bucket
    kind: Kind = Kind.DETECT
    camera: str = ""
    site: str = ""
    runtime: str = ""
    sampling: SamplingRules = field(default_factory=SamplingRules)
    batching: Batching = field(default_factory=Batching)
    spool: Path | None = None
    spool_mb: int = 1024
    queue_items: int = 1000
    queue_mb: int = 512
    image_format: str = "jpg"
    jpeg_quality: int = 95
    wait_when_full: bool = False

    def __post_init__(self) -> None:
        safe_name(self.model, "model name")
        if self.camera:
            safe_name(self.camera, "camera name")
        if self.image_format not in CONTENT_TYPES:
            raise ConfigError(f"image_format {self.image_format!r} must be one of {', '.join(CONTENT_TYPES)}")
        self._sampler = Sampler(self.sampling)
        spool = Spool(self.spool, self.spool_mb * MEGABYTE) if self.spool else None
        self._delivery = Delivery(self.store, spool)
        room = (self.queue_items, self.queue_mb * MEGABYTE)
        self._writer = Writer(self._delivery, self.batching, room, self.jpeg_quality)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        atexit.register(self.close, 5.0)

    @classmethod
    def from_settings(cls, model: str, model_version: str, camera: str = "") -> Capture:
        """A capture that writes to the bucket of this process's settings and spools below its home."""
        from tasks.connections import store
        from tasks.settings import settings

        spool = settings().home / "spool" / safe_name(model, "model name")
        return cls(model=model, model_version=model_version, camera=camera, store=store(), spool=spool)

    def record(self, result: Any, **shot: Unpack[ShotFields]) -> str:
        """Capture one ultralytics `Results`; gives the image id, or "" when it was dropped.

        Keyword arguments say what the result does not know: `captured_at`, `camera`, `site`, `session`,
        `image_id`, and `encoded`, the picture's own JPEG, PNG or WebP bytes, which are then kept as they are.
        """
        try:
            return self._offer(from_result(result), getattr(result, "orig_img", None), shot)
        except Exception as error:  # noqa: BLE001 — inference must go on, whatever was handed in
            return self._dropped("unreadable", error)

    def record_arrays(self, image: Any, answer: Answer | dict[str, Any], **shot: Unpack[ShotFields]) -> str:
        """Capture plain arrays; `image` is `(h, w, 3)` uint8 blue-green-red, or None when only `encoded` is kept.

        `answer` is an `Answer`, or the arguments of `tasks.capture.answers.from_arrays`: `size` (width, height),
        `boxes`, `confidences`, `class_ids`, or `probabilities`; the kind is that of the capture.
        """
        try:
            ready = answer if isinstance(answer, Answer) else from_arrays(**{"kind": self.kind, **answer})
            return self._offer(ready, image, shot)
        except Exception as error:  # noqa: BLE001 — inference must go on, whatever was handed in
            return self._dropped("unreadable", error)

    def record_error(self, message: str, **shot: Unpack[ShotFields]) -> str:
        """Capture a request that failed: it counts in the error rate of its window."""
        try:
            place = named(self.model, self._defaults(), shot, self.image_format)
            values: dict[str, Any] = {
                "kind": self.kind.value,
                "width": 0,
                "height": 0,
                "detections": [],
                "error": message.strip()[:2000] or "?",  # blank would say that nothing failed
            }
            return self._queued(
                Taken(shot=replace(place, encoded=None), answer=None, extra={**self._common(), **values})
            )
        except Exception as error:  # noqa: BLE001 — inference must go on, whatever was handed in
            return self._dropped("unreadable", error)

    def stats(self) -> dict[str, int]:
        """What happened so far: recorded, kept, dropped, unreadable, delivered, spooled, lost, failed_puts, broken."""
        with self._lock:
            counts = dict(self._counts)
        return {**counts, **self._delivery.counts, "broken": self._writer.broken.total()}

    def close(self, timeout: float = 60.0) -> bool:
        """Write everything that is queued; False when that took longer than `timeout` seconds. May be called again."""
        atexit.unregister(self.close)
        return self._writer.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _defaults(self) -> ShotFields:
        return {"camera": self.camera, "site": self.site}

    def _common(self) -> dict[str, Any]:
        runtime = {"runtime": self.runtime} if self.runtime else {}
        return {"model_version": self.model_version, **runtime}

    def _offer(self, answer: Answer, pixels: Any, given: ShotFields) -> str:
        shot = named(self.model, self._defaults(), given, self.image_format)
        with self._lock:
            chance = self._sampler.chance(shot.camera, shot.captured_at, answer.scored())
            kept = self._sampler.keep(shot.camera, shot.captured_at, shot.image_id, chance)
        if not kept:
            shot = replace(shot, encoded=None)
        elif shot.encoded is None and pixels is not None:
            shot = replace(shot, pixels=np.array(pixels, dtype=np.uint8, copy=True))
        extra = {**self._common(), "sampling_probability": chance}
        image_id = self._queued(Taken(shot=shot, answer=answer, extra=extra))
        self._count("kept", 1 if image_id and kept else 0)
        return image_id

    def _queued(self, taken: Taken) -> str:
        if self._writer.offer(taken, self.wait_when_full):
            self._count("recorded")
            return taken.shot.image_id
        self._count("dropped")
        return ""

    def _dropped(self, name: str, error: Exception) -> str:
        self._count(name)
        if self._counts[name] == 1:
            log.warning("capture: a record is dropped (said once): %s", error, exc_info=error)
        return ""

    def _count(self, name: str, number: int = 1) -> None:
        with self._lock:
            self._counts[name] += number
