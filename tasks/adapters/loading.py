"""Loading a large library without looking for garbage among what it brings: all of it stays, so none is found."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """The search for unreachable circles of objects rests, and goes on afterwards as it was.

    great-expectations or Evidently make some hundred thousand objects, and Python looks through them again after every
    700: a quarter of what they take to load.

    >>> with loading():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()
