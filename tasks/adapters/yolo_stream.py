"""Images on their way through a model: decoded ahead in threads, sent in batches that fit into memory."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.domain.errors import ConfigError, ContractError
from tasks.domain.protocol import AUTO

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Answer = TypeVar("Answer")

DECODERS = max(min(os.cpu_count() or 1, 8), 2)
"""Threads that decode: OpenCV lets go of the interpreter, so they work beside the model."""

AHEAD = 2
"""Batches that are decoded ahead of the one that the model works on."""

AUTO_CPU, AUTO_CUDA = 16, 128
"""Where `auto` begins: a processor gains nothing above 16 images, a card is filled and halved when it overflows."""

_FULL = (
    "out of memory",
    "outofmemory",
    "not enough memory",
    "allocate memory",
    "alloc_failed",
    "bad alloc",
    "bad_alloc",
    "insufficient memory",
    "smaller than requested bytes",
)
"""What torch, CUDA's libraries, ONNX Runtime and TensorRT say when memory is full."""


def first_batch(batch: int | str, device: str) -> int:
    """The number of images to begin with; `auto` depends on the device.

    >>> first_batch("auto", "cpu"), first_batch(4, "0")
    (16, 4)
    """
    if batch == AUTO:
        return AUTO_CPU if device == "cpu" else AUTO_CUDA
    return max(int(batch), 1)


def read_image(path: Path) -> Image:
    """(h, w, 3) uint8 BGR, turned as EXIF says.

    Raises:
        ContractError: it cannot be decoded; what enters here was accepted before, so the cache is damaged.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ContractError(f"{path.name} cannot be decoded: delete it from the image cache and run again")
    return np.asarray(image[..., :3], dtype=np.uint8)


def decoded(paths: Sequence[Path], ahead: int, read: Callable[[Path], Image] = read_image) -> Iterator[Image]:
    """The images in the order of their paths; at most `ahead` of them wait in memory.

    Raises what `read` raises, when the image's turn has come.
    """
    rest, waiting = iter(paths), deque[Future[Image]]()
    with ThreadPoolExecutor(min(DECODERS, max(ahead, 1)), thread_name_prefix="decode") as pool:
        try:
            waiting.extend(pool.submit(read, path) for path in islice(rest, max(ahead, 1)))
            while waiting:
                image = waiting.popleft().result()
                waiting.extend(pool.submit(read, path) for path in islice(rest, 1))
                yield image
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def in_batches(
    images: Iterator[Image],
    batch: int,
    answer: Callable[[list[Image]], list[Answer]],
    release: Callable[[], None] = lambda: None,
) -> Iterator[Answer]:
    """One answer per image, in order. A batch that does not fit into memory is halved, and the smaller size is kept.

    `release` gives memory back before the next try.

    Raises:
        ConfigError: not even one image fits.
        ContractError: the count of answers is not that of the images.
    """
    held: list[Image] = []
    while True:
        held.extend(islice(images, max(batch - len(held), 0)))
        group = held[:batch]
        if not group:
            return
        try:
            found = answer(group)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base; `_smaller` raises all but one
            batch = _smaller(len(group), error)
            release()
            continue
        if len(found) != len(group):
            raise ContractError(f"{len(group)} images went in, {len(found)} answers came out")
        yield from found
        held = held[batch:]


def _smaller(size: int, error: Exception) -> int:
    """Half of a batch that did not fit; any other error goes on as it is."""
    said = f"{type(error).__name__} {error}".casefold()
    if not (isinstance(error, MemoryError) or any(word in said for word in _FULL)):
        raise error
    if size == 1:
        raise ConfigError(
            "not even one image fits into the device's memory: a smaller imgsz, or a device with more free memory"
        ) from error
    log.warning("a batch of %d images does not fit into memory, going on with %d", size, size // 2)
    return size // 2
