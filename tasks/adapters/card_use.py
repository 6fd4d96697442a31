"""How busy a GPU is while it infers: asked a few times a second in a thread, and never a reason to fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Event, Thread

log = logging.getLogger(__name__)

EVERY = 0.2
"""Seconds between two samples; a driver answers for the last 1/6 to 1 second."""

Ask = Callable[[], float]


@contextmanager
def watched(device: str, into: list[float]) -> Iterator[None]:
    """While the block runs, append the share of the time (0..1) that kernels ran on the device, sample by sample.

    Nothing is appended for a processor, and where nobody can tell: no NVML (package nvidia-ml-py), no such counter.
    """
    ask = asker(device)
    if ask is None:
        yield
        return
    done = Event()

    def sample() -> None:
        more = True
        while more:
            more = not done.wait(EVERY)
            into.append(ask())

    thread = Thread(target=sample, name="card-use", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def asker(device: str) -> Ask | None:
    """Who can tell how busy this device is; None where nobody can. A card that cannot tell once is not asked again."""
    if device == "cpu":
        return None
    import torch

    card = int(device) if device.isdigit() else device

    def ask() -> float:
        return torch.cuda.utilization(card) / 100

    cannot: tuple[type[Exception], ...] = (ImportError, RuntimeError, AssertionError, ValueError, *_nvml_errors())
    try:
        ask()
    except cannot as error:
        log.info("nobody can tell how busy %s is: %s", device, error)
        return None
    return ask


def _nvml_errors() -> tuple[type[Exception], ...]:
    """What NVML itself raises, where it is installed."""
    try:
        return (import_module("pynvml").NVMLError,)
    except ImportError:
        return ()
