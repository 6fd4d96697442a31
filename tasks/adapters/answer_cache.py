"""Answers that were computed before, by image, model and recipe: Parquet shards in a local folder of bounded size.

A shard is named by the digest of its bytes, so a damaged one is noticed, thrown away and computed again. Several
processes may share the folder: a shard appears whole or not at all, and one that somebody else removed is a miss.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.adapters.summary_cache import SummaryCache
from tasks.domain.prediction import Prediction, Speed
from tasks.domain.tables_answers import ANSWERS as SCHEMA

log = logging.getLogger(__name__)

SHARD = 1024
"""Answers in one shard at most."""

SMALL, MANY = 128, 32
"""More than `MANY` shards with less than `SMALL` answers each are put together."""


STALE = 3_600 * 10**9
"""Nanoseconds after which half a shard is nobody's any more: whoever wrote it was killed."""


def here(folder: Path) -> str:
    """Names a folder of this machine: processes that say the same share the answers that are kept in it."""
    return f"{socket.gethostname()}:{folder.resolve()}"


class AnswerCache:
    """Answers in `folder`, of which the shards that were not used for longest go when it exceeds `max_bytes`."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def get(self, model: str, recipe: str, hashes: Sequence[str]) -> dict[str, Prediction]:
        """Image hash -> answer, of the images that are known; `model` and `recipe` are SHA-256 in hex."""
        wanted, found = set(hashes), dict[str, Prediction]()
        for path in self._shards(model, recipe):
            if wanted <= found.keys():
                break
            table = _read(path)
            if table is not None and (rows := _rows_of(table, wanted - found.keys())):
                found.update(unpacked(table.take(pa.array(rows, pa.int64()))))
                _touch(path)
        return found

    @property
    def summaries(self) -> SummaryCache:
        """The numbers of scores beside the answers that they were computed from."""
        return SummaryCache(self._folder / "summaries", self._max_bytes > 0)

    def add(self, model: str, recipe: str, answers: dict[str, Prediction]) -> None:
        """Keep answers by image hash; what the bound has no room for is forgotten, the oldest first.

        A full or read-only disk costs a log line and the time to compute them again.
        """
        if not self._max_bytes or not answers:
            return
        try:
            self._write(model, recipe, answers)
            self._put_together(model, recipe)
            self._shrink()
        except OSError as error:
            log.warning("%d answers could not be kept for the next time: %s", len(answers), error)

    def _write(self, model: str, recipe: str, answers: dict[str, Prediction]) -> set[Path]:
        hashes, folder = list(answers), self._place(model, recipe)
        parts = (hashes[start : start + SHARD] for start in range(0, len(hashes), SHARD))
        return {_write(folder, packed({sha256: answers[sha256] for sha256 in part})) for part in parts}

    def _place(self, model: str, recipe: str) -> Path:
        return self._folder / f"{model[:32]}-{recipe[:32]}"

    def _shards(self, model: str, recipe: str) -> list[Path]:
        """The newest first."""
        return [path for _, path in sorted(_aged(self._place(model, recipe).glob("*.parquet")), reverse=True)]

    def _put_together(self, model: str, recipe: str) -> None:
        """Many small shards (a few new images a day) become one."""
        small = [(path, table) for path in self._shards(model, recipe) if (table := _few(path)) is not None]
        if len(small) <= MANY:
            return
        merged: dict[str, Prediction] = {}
        for _, table in small:
            merged.update(unpacked(table))
        kept = self._write(model, recipe, merged)
        for path, _ in small:
            if path not in kept:
                path.unlink(missing_ok=True)

    def _shrink(self) -> None:
        """Forget what was not used for longest until the folder keeps its bound, and what killed processes left."""
        for left in self._folder.glob("*/.part-*"):
            if any(time.time_ns() - age > STALE for age, _ in _aged(iter((left,)))):
                shutil.rmtree(left, ignore_errors=True)
        newest = sorted(_aged(self._folder.glob("*/*.parquet")), reverse=True)
        total = 0
        for _, path in newest:
            total += _size(path)
            if total > self._max_bytes:
                path.unlink(missing_ok=True)


def packed(answers: dict[str, Prediction]) -> pa.Table:
    """Image hash -> answer as an `answers` table."""
    rows = list(answers.values())
    speeds = [[one.speed.preprocess, one.speed.inference, one.speed.postprocess] for one in rows]
    columns = {
        "sha256": list(answers),
        "boxes": [one.boxes.reshape(-1) for one in rows],
        "classes": [one.classes.astype(np.int32) for one in rows],
        "confidences": [one.confidences for one in rows],
        "probabilities": [one.probabilities for one in rows],
        "polygons": [[outline.reshape(-1) for outline in one.polygons] for one in rows],
        "corners": [None if one.corners is None else one.corners.reshape(-1) for one in rows],
        "keypoints": [None if one.keypoints is None else one.keypoints.reshape(-1) for one in rows],
        "speed": speeds,
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def unpacked(table: pa.Table) -> Iterator[tuple[str, Prediction]]:
    """The inverse of `packed`."""
    whole = table.combine_chunks()
    boxes, classes, confidences, speeds = (_parts(whole[n]) for n in ("boxes", "classes", "confidences", "speed"))
    probabilities, corners, keypoints = (_given(whole[n]) for n in ("probabilities", "corners", "keypoints"))
    outlines = whole["polygons"].to_pylist()
    for row, sha256 in enumerate(whole["sha256"].to_pylist()):
        n, (before, inside, after) = len(boxes[row]) // 4, (float(value) for value in speeds[row])
        turned, points = corners[row], keypoints[row]
        yield (
            sha256,
            Prediction(
                boxes=boxes[row].astype(np.float32).reshape(-1, 4),
                classes=classes[row].astype(np.int64),
                confidences=confidences[row].astype(np.float32),
                probabilities=probabilities[row],
                polygons=tuple(np.array(outline, np.float32).reshape(-1, 2) for outline in outlines[row]),
                corners=None if turned is None else turned.reshape(-1, 4, 2),
                keypoints=None if points is None else points.reshape(n, -1 if n else 0, 3),
                speed=Speed(preprocess=before, inference=inside, postprocess=after),
            ),
        )


def _parts(column: pa.ChunkedArray) -> list[np.ndarray]:
    """The lists of a column as arrays; a null is empty."""
    lists = column.chunk(0) if column.num_chunks else column.combine_chunks()
    values, ends = lists.values.to_numpy(zero_copy_only=False), lists.offsets.to_numpy()
    return [values[start:stop] for start, stop in pairwise(ends)]


def _given(column: pa.ChunkedArray) -> list[np.ndarray | None]:
    """The same as float32, None where there is a null."""
    known = column.is_valid().to_pylist()
    return [part.astype(np.float32) if there else None for part, there in zip(_parts(column), known, strict=True)]


def _rows_of(table: pa.Table, wanted: set[str]) -> list[int]:
    return [row for row, sha256 in enumerate(table["sha256"].to_pylist()) if sha256 in wanted]


def _write(folder: Path, table: pa.Table) -> Path:
    """One shard, whole or not at all, named by its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as scratch:
        part = Path(scratch) / "shard"
        pq.write_table(table, part, compression="zstd", write_page_checksum=True)
        target = folder / f"{_digest(part)}.parquet"
        part.replace(target)
    return target


def _read(path: Path) -> pa.Table | None:
    """The shard; None when it is gone or damaged (then it is thrown away)."""
    try:
        if _digest(path) == path.stem:
            table = pq.read_table(path, partitioning=None)
            if table.schema.equals(SCHEMA):
                return table
        log.warning("a shard of kept answers is damaged or of another kind: %s, it is computed again", path.name[:12])
        path.unlink(missing_ok=True)
    except FileNotFoundError:
        log.debug("another process removed the shard %s", path.name[:12])
    except (OSError, pa.ArrowException) as error:
        log.warning("a shard of kept answers cannot be read, it is computed again: %s", error)
    return None


def _few(path: Path) -> pa.Table | None:
    """The table of a small shard; None for a large one, or one that cannot be read."""
    try:
        rows = pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException):
        return None
    return _read(path) if rows < SMALL else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _aged(paths: Iterator[Path]) -> list[tuple[int, Path]]:
    """Files with when they were last used, those that are gone left out."""
    found = []
    for path in paths:
        try:
            found.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:
            continue
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _touch(path: Path) -> None:
    """Note that the shard was used; a folder that cannot be written to is no reason to fail."""
    try:
        os.utime(path)
    except OSError as error:
        log.debug("could not note the use of %s: %s", path.name[:12], error)
