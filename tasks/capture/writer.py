"""The background half of a capture: encodes pictures, batches records into parts, hands both to the delivery."""

from __future__ import annotations

import hashlib
import json
import logging
import queue
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.capture.answers import Answer
from tasks.capture.delivery import Delivery
from tasks.capture.shot import CONTENT_TYPES, Shot
from tasks.capture.spool import Parcel

log = logging.getLogger("evergreen.capture")
TICK = 0.5
"""Seconds between two looks at the clock while nothing comes in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A shot with its answer, or with the error that the request ended in; `extra` are further fields of the record."""

    shot: Shot
    answer: Answer | None
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """When a part is written: after so many lines or so many seconds, whichever comes first."""

    lines: int = 500
    seconds: float = 10.0


class Writer:
    """One thread; started by the first item, ended by `close`."""

    def __init__(self, delivery: Delivery, batching: Batching, room: tuple[int, int], quality: int) -> None:
        self._delivery = delivery
        self._batching = batching
        self._queue: queue.Queue[Taken | None] = queue.Queue(maxsize=room[0])
        self._capacity = self._free_bytes = room[1]
        self._quality = quality
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._parts: dict[str, list[bytes]] = defaultdict(list)
        self._oldest = 0.0
        self._name = uuid.uuid4().hex[:12]
        self._number = 0
        self.broken: Counter[str] = Counter()

    def offer(self, taken: Taken, wait: bool = False) -> bool:
        """Take an item over without blocking; False when there is no room. With `wait`, wait for room."""
        if taken.shot.weight > self._capacity:
            return False
        while not self._reserve(taken.shot.weight):
            if not wait:
                return False
            time.sleep(TICK / 50)
        try:
            self._queue.put(taken, block=wait)
        except queue.Full:
            self._give_back(taken.shot.weight)
            return False
        self._ensure_thread()
        return True

    def close(self, timeout: float) -> bool:
        """Write what is queued and stop; False when it did not finish in time."""
        deadline = time.monotonic() + timeout
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return True
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return False
        thread.join(max(0.0, deadline - time.monotonic()))
        return not thread.is_alive()

    def _reserve(self, weight: int) -> bool:
        with self._lock:
            if self._free_bytes < weight:
                return False
            self._free_bytes -= weight
            return True

    def _give_back(self, weight: int) -> None:
        with self._lock:
            self._free_bytes += weight

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="evergreen-capture", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                taken = self._queue.get(timeout=TICK)
            except queue.Empty:
                self._guarded(self._tick)
                continue
            if taken is None:
                self._guarded(self._flush)
                return
            self._guarded(partial(self._write, taken))
            self._give_back(taken.shot.weight)
            self._guarded(self._tick)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # the thread lives as long as the service does
            self.broken[type(error).__name__] += 1
            log.warning("capture: one item was lost: %s", error, exc_info=self.broken.total() == 1)

    def _tick(self) -> None:
        waiting = sum(map(len, self._parts.values()))
        late = waiting and time.monotonic() - self._oldest >= self._batching.seconds
        if late or waiting >= self._batching.lines:
            self._flush()
        self._delivery.retry()

    def _write(self, taken: Taken) -> None:
        shot = taken.shot
        record = {**shot.fields(), **taken.extra, "key": ""}
        if taken.answer is not None:
            record.update(taken.answer.fields())
        data = shot.encoded if shot.encoded is not None else self._encoded(shot.pixels, shot.suffix)
        if data is not None:
            record.update(key=shot.key, sha256=hashlib.sha256(data).hexdigest())
            content_type = CONTENT_TYPES.get(shot.suffix, "application/octet-stream")
            self._delivery.send(Parcel(key=shot.key, data=data, content_type=content_type))
        if not self._parts:
            self._oldest = time.monotonic()
        folder = f"{shot.model}/predictions/date={shot.captured_at:%Y-%m-%d}/hour={shot.captured_at:%H}"
        self._parts[folder].append(json.dumps(record, allow_nan=False, separators=(",", ":")).encode())

    def _flush(self) -> None:
        parts, self._parts = self._parts, defaultdict(list)
        for folder, lines in parts.items():
            self._number += 1
            key = f"{folder}/{self._name}-{self._number:06d}.jsonl"
            body = b"\n".join(lines) + b"\n"
            self._delivery.send(Parcel(key=key, data=body, content_type="application/x-ndjson"))

    def _encoded(self, pixels: NDArray[np.uint8] | None, suffix: str) -> bytes | None:
        if pixels is None:
            return None
        import cv2

        options = [cv2.IMWRITE_JPEG_QUALITY, self._quality] if suffix == "jpg" else []
        done, buffer = cv2.imencode(f".{suffix}", pixels, options)
        if not done:
            raise ValueError(f"the picture could not be encoded as {suffix}")
        return bytes(buffer.tobytes())
