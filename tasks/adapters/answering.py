"""The answers of one model about the images of a table: looked up where they are known, inferred where they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from tasks.adapters.answer_cache import AnswerCache, packed, unpacked
from tasks.adapters.card_use import watched
from tasks.adapters.manifests import Cache, local_paths
from tasks.adapters.yolo import Yolo
from tasks.domain.evaluation import CARD_USE
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Protocol
from tasks.domain.scoring.scored import Scored, Summary

PIECE = 1024
"""Images after which what was inferred is kept: a run that is killed loses no more than that."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answering:
    """One model under one protocol. The model is loaded when the first unknown image comes, and not before.

    `sha256` is of the file that answers (an exported one has its own). `use` grows while a GPU infers: the share of the
    time (0..1) that it was busy, sample by sample.
    """

    sha256: str
    protocol: Protocol
    load: Callable[[], Yolo]
    images: Cache
    cache: AnswerCache
    use: list[float] = field(default_factory=list)

    @cached_property
    def model(self) -> Yolo:
        """The loaded model."""
        return self.load()

    def answers(self, table: pa.Table) -> list[Prediction]:
        """One answer per row, in order; the table needs `key` and `sha256`. Equal images are inferred once.

        Raises what `Yolo.predict` and `local_paths` raise.
        """
        hashes: list[str] = table["sha256"].to_pylist()
        known = self.cache.get(self.sha256, self.protocol.recipe, hashes)
        place = {sha256: row for row, sha256 in reversed(list(enumerate(hashes))) if sha256 not in known}
        rows = sorted(place.values())
        for start in range(0, len(rows), PIECE):
            known.update(self._inferred(table.take(pa.array(rows[start : start + PIECE], pa.int64()))))
        return [known[sha256] for sha256 in hashes]

    def summary(self, scored: Scored, seed: int) -> Summary:
        """The numbers of scores of its answers, looked up where the same scores were summed up before."""
        return self.cache.summaries.of(scored, seed)

    def unknown(self, table: pa.Table) -> pa.Table:
        """The rows whose images nobody has inferred yet."""
        known = self.cache.get(self.sha256, self.protocol.recipe, table["sha256"].to_pylist())
        keep = [row for row, sha256 in enumerate(table["sha256"].to_pylist()) if sha256 not in known]
        return table.take(pa.array(keep, pa.int64()))

    @property
    def name(self) -> str:
        """Model and recipe in short, for keys."""
        return f"{self.sha256[:16]}-{self.protocol.recipe[:16]}"

    def packed(self, table: pa.Table, found: Sequence[Prediction]) -> pa.Table:
        """Answers about the rows of a table, as an `answers` table that another machine can take."""
        return packed(dict(zip(table["sha256"].to_pylist(), found, strict=True)))

    def unpack(self, table: pa.Table) -> None:
        """Keep what another machine answered."""
        self.cache.add(self.sha256, self.protocol.recipe, dict(unpacked(table)))

    def numbers(self) -> dict[str, float]:
        """How busy the GPU was on the average while it inferred; {} where nothing was inferred or nobody could tell."""
        return {CARD_USE: sum(self.use) / len(self.use)} if self.use else {}

    def timed(self, paths: list[Path]) -> list[Prediction]:
        """Answers made now on this machine, for their speed; nothing is looked up or kept."""
        return self.model.follow(self.protocol, paths)

    def _inferred(self, table: pa.Table) -> dict[str, Prediction]:
        paths = local_paths(self.images, table)
        with watched(self.model.device if self.protocol.device == "cuda" else "cpu", self.use):
            found = self.model.follow(self.protocol, paths)
        made = dict(zip(table["sha256"].to_pylist(), found, strict=True))
        self.cache.add(self.sha256, self.protocol.recipe, made)
        return made
