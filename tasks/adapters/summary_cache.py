"""Numbers of scores that were summed up before: bootstrap and all, by the digest of the scores and what sums them up.

The same scores under the same settings have the same numbers, to the last digit. What computes them is part of the name
(its source, and numpy's version): a new program never reads what an older one wrote.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from tasks.domain import scoring
from tasks.domain.evaluation import Interval
from tasks.domain.scoring.intervals import DRAWS
from tasks.domain.scoring.scored import Scored, Summary, summary
from tasks.domain.scoring.stored import scores_digest

log = logging.getLogger(__name__)

MOST = 1_000
"""Files that are kept, the newest; each holds some KB."""


class SummaryCache:
    """One small file per set of scores in `folder`; `keep` false looks nothing up and keeps nothing."""

    def __init__(self, folder: Path, keep: bool = True) -> None:
        self._folder = folder
        self._keep = keep

    def of(self, scored: Scored, seed: int) -> Summary:
        """The numbers of these scores; drawn where nobody did, and kept. A full disk costs a log line."""
        if not self._keep or not scored.n:
            return summary(scored, seed)
        path = self._folder / f"{_name(scored, seed)}.json"
        known = _read(path)
        if known is not None:
            return known
        found = summary(scored, seed)
        try:
            _write(path, found)
            self._shrink()
        except OSError as error:
            log.warning("the numbers of an evaluation could not be kept for the next time: %s", error)
        return found

    def _shrink(self) -> None:
        aged = sorted(self._folder.glob("*.json"), key=lambda path: path.name)
        if len(aged) > MOST:
            for path in sorted(aged, key=_age)[: len(aged) - MOST]:
                path.unlink(missing_ok=True)


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _name(scored: Scored, seed: int) -> str:
    kind = getattr(scored, "kind", "classify")
    said = (scores_digest(scored), str(kind), scored.classes, seed, DRAWS, np.__version__, _source())
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@lru_cache(maxsize=1)
def _source() -> str:
    """SHA-256 of the files that compute numbers."""
    folder = Path(str(scoring.__file__)).parent
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))).hexdigest()


def _read(path: Path) -> Summary | None:
    """None where there is nothing, or nothing that can be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Summary(headline=Interval(**data["headline"]), metrics=dict(data["metrics"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("kept numbers cannot be read, they are drawn again: %s", error)
        return None


def _write(path: Path, found: Summary) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = found.headline
    data = {"headline": {"value": head.value, "low": head.low, "high": head.high}, "metrics": found.metrics}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as scratch:
        part = Path(scratch) / "numbers"
        part.write_text(json.dumps(data), encoding="utf-8")  # nan and infinity as Python writes and reads them
        part.replace(path)
