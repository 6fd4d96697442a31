"""How a window did as far as labels tell, and whether enough of its labels have come back to compare it."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from tasks.concept.answered import Answered
from tasks.concept.rules import ConceptRules
from tasks.domain.evaluation import Evaluation
from tasks.domain.model import Kind
from tasks.domain.scoring.intervals import DRAWS, interval, session_weights
from tasks.domain.window import Window

DATASET, METRIC = "window", "score_per_image"
"""Name of the set of a window's row, and of its number: the mean over images of F1 (detect) or of right or wrong."""

LEARNT_FROM = 5
"""Earlier windows from which on it is known which share of images gets a label here."""

SETTLED = 0.95
"""A window whose age exceeds this quantile of all delays has the labels that it will have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A judged window: how many images it accepted on which camera, and those that have a label."""

    window: Window
    champion_sha256: str
    accepted: Mapping[str, int]
    images: Sequence[Answered]

    @property
    def coverage(self) -> float:
        """Share of its accepted images that have a label; 0 without images."""
        return min(len(self.images) / total, 1.0) if (total := sum(self.accepted.values())) else 0.0


def expected_share(seen: Sequence[Seen], now: datetime, rules: ConceptRules) -> float:
    """Share of a window's images that has a label in the end: what the rules say, else the median of settled windows.

    Settled are windows older than 95 % of all delays so far. Before there are five, all images are waited for.
    """
    if rules.expected_share is not None:
        return rules.expected_share
    delays = [_lag(image) for each in seen for image in each.images]
    if not delays:
        return 1.0
    patience = float(np.quantile(delays, SETTLED))
    settled = [each.coverage for each in seen if (now - each.window.end).total_seconds() > patience and each.coverage]
    return statistics.median(settled) if len(settled) >= LEARNT_FROM else 1.0


def label_digest(
    labels: Iterable[Mapping[str, Any]], predictions: str, rules: ConceptRules, weighed: bool = False
) -> str:
    """What a window's row depends on: its labels, its predictions, from when on a box counts, how it is compared.

    `weighed` says that its labelled images had different chances.
    """
    given = list(labels)
    rows = sorted(
        (row["image_id"], row["labelled_at"].isoformat(), row["annotator"], bool(row["golden"]), repr(row["objects"]))
        for row in given
    )
    turned = ("turned boxes",) if any(row.get("kind") == Kind.OBB for row in given) else ()  # not scored before
    chances = ("chances",) if weighed else ()  # not weighed before
    said = repr((predictions, rules.confidence, rows, *turned, *chances))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def window_row(seen: Seen, digest: str, share: float, seed: int = 0) -> Evaluation:
    """The labelled performance of one window with how mature it is; nan without a label.

    Images that capture or ingestion picked more often than others count less (1 / chance; Horvitz and Thompson 1952).
    `metrics` hold `labels`, `coverage`, `returned` (labels over those that are expected, at most 1), `lag_median` and
    `lag_p90` in seconds, and all but `returned` for each camera as `coverage/<camera>`.
    """
    scores = np.array([image.score for image in seen.images])
    sessions = [image.session for image in seen.images]
    weights = np.array([1 / image.chance for image in seen.images])
    point = float(np.average(scores, weights=weights)) if len(scores) else float("nan")
    drawn = session_weights(sessions, DRAWS, seed) * weights
    totals = drawn.sum(1)
    means = np.full(len(drawn), np.nan)
    np.divide(drawn @ scores, totals, out=means, where=totals > 0)
    return Evaluation(
        model_sha256=seen.champion_sha256,
        dataset=DATASET,
        digest=digest,
        protocol="as answered in production",
        metric=METRIC,
        headline=interval(point, means, sessions, weights=drawn),
        n=len(scores),
        metrics=facts(seen, share),
        image_ids=tuple(image.image_id for image in seen.images),
        scores=tuple(scores.tolist()),
    )


def facts(seen: Seen, share: float) -> dict[str, float]:
    """Counts, coverage and delays of a window and of each of its cameras."""
    found = {"expected_share": share, "returned": min(seen.coverage / share, 1.0) if share else 0.0}
    found |= _of(seen.images, sum(seen.accepted.values()), "")
    by_camera = Counter(image.camera for image in seen.images)
    for camera in sorted({*seen.accepted, *by_camera}):
        own = [image for image in seen.images if image.camera == camera]
        found |= _of(own, seen.accepted.get(camera, 0), f"/{camera}")
    return found


def mature(row: Evaluation, rules: ConceptRules) -> bool:
    """Whether a window's row may be compared with others."""
    return row.n > 0 and row.metrics["returned"] >= rules.min_return


def _of(images: Sequence[Answered], accepted: int, where: str) -> dict[str, float]:
    found = {f"labels{where}": float(len(images))}
    if accepted:
        found[f"coverage{where}"] = min(len(images) / accepted, 1.0)
    if images:
        lags = [_lag(image) for image in images]
        found[f"lag_median{where}"] = float(np.median(lags))
        found[f"lag_p90{where}"] = float(np.quantile(lags, 0.9))
    return found


def _lag(image: Answered) -> float:
    return (image.labelled_at - image.captured_at).total_seconds()
