"""Labelled images whose bytes can still be had, and what these bytes hash to."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.adapters.image_facts import ImageFacts, inspect
from tasks.connections import images
from tasks.curate.golden import Lost
from tasks.curate.split import Labelled
from tasks.domain.errors import ContractError, NotFound, ObjectRejected

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


def lost(rows: Sequence[Mapping[str, Any]]) -> Lost:
    """Which images of a manifest the bucket does not hold any more as their hashes say.

    The bucket decides, not what happens to lie on this machine: every worker measures on the same images.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        held = list(pool.map(_held, [row["key"] for row in rows]))
    pairs = list(zip(rows, held, strict=True))
    return Lost(
        replaced=tuple(row["image_id"] for row, sha256 in pairs if sha256 and sha256 != row["sha256"]),
        gone=tuple(row["image_id"] for row, sha256 in pairs if not sha256),
    )


def _held(key: str) -> str:
    try:
        return images().held(key)
    except ObjectRejected as error:  # what cannot be read is not what was frozen
        return error.reason.value


def present(known: Sequence[Labelled]) -> tuple[list[Labelled], list[Path]]:
    """The images whose bytes can still be had, with their local files."""
    with ThreadPoolExecutor(WORKERS) as pool:
        pairs = [(image, path) for image, path in zip(known, pool.map(_fetched, known), strict=True) if path]
    return [image for image, _ in pairs], [path for _, path in pairs]
