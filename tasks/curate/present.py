"""Labelled images whose bytes can still be had, and what these bytes hash to."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tasks.adapters.image_facts import ImageFacts, inspect
from tasks.connections import images
from tasks.curate.split import Labelled
from tasks.domain.errors import ContractError, NotFound

log = logging.getLogger(__name__)

WORKERS = 8


def hashed(known: Sequence[Labelled]) -> tuple[list[Labelled], int]:
    """The images with their hashes; what no catalog judged is looked at once, and left out when it is no image."""

    def of(image: Labelled) -> Labelled | None:
        if image.sha256:
            return image
        path = _fetched(image)
        data = path.read_bytes() if path else b""
        if path is None or not isinstance(inspect(data), ImageFacts):
            return None
        return replace(image, sha256=hashlib.sha256(data).hexdigest())

    with ThreadPoolExecutor(WORKERS) as pool:
        found = [image for image in pool.map(of, known) if image is not None]
    return found, len(known) - len(found)


def _fetched(image: Labelled) -> Path | None:
    """The local file, or None when the object is gone or is not what it was."""
    try:
        return images().fetch(image.key, image.sha256)
    except (NotFound, ContractError) as error:
        log.warning("labelled image %s is left out: %s", image.key[:200], error)
        return None


def present(known: Sequence[Labelled]) -> tuple[list[Labelled], list[Path]]:
    """The images whose bytes can still be had, with their local files."""
    with ThreadPoolExecutor(WORKERS) as pool:
        pairs = [(image, path) for image, path in zip(known, pool.map(_fetched, known), strict=True) if path]
    return [image for image, _ in pairs], [path for _, path in pairs]
