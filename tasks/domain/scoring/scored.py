"""One version on one labelled set: scored by its kind, and summed up as an `Evaluation`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.domain.errors import ContractError
from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Protocol as Protocol
from tasks.domain.scoring.classification import ClassificationScores, score_classes
from tasks.domain.scoring.details import details
from tasks.domain.scoring.detection import DetectionScores, score_detections
from tasks.domain.scoring.intervals import DRAWS, interval, session_weights
from tasks.domain.scoring.matching import SIZE_LIMITS
from tasks.domain.scoring.slices import slices, worst_gap
from tasks.domain.scoring.truth import Truth

Scored = DetectionScores | ClassificationScores


def score(
    ref: ModelRef,
    truths: Sequence[Truth],
    predictions: Sequence[Prediction],
    confidence: float | None = None,
    size_limits: tuple[float, float] = SIZE_LIMITS,
) -> Scored:
    """Score the answers of one version; `size_limits` are the sides in pixels up to which objects are small, medium.

    Raises:
        ContractError: a label names a class id that the model does not have.
    """
    known = len(ref.classes)
    strange = sorted({int(c) for truth in truths for c in truth.classes if not 0 <= c < known})
    if strange:
        raise ContractError(f"labels name the class ids {strange[:9]}; {ref} has {known} classes, counted from 0")
    if ref.kind is Kind.CLASSIFY:
        return score_classes(truths, predictions, ref.classes)
    return score_detections(truths, predictions, ref.classes, confidence, ref.kind, size_limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The headline with its 95 % interval, and all other numbers by name."""

    headline: Interval
    metrics: dict[str, float]


def summary(scored: Scored, seed: int = 0) -> Summary:
    """Everything that is drawn or counted; all of it nan or empty without images."""
    cameras = scored.images.cameras
    weights = session_weights(scored.sessions, DRAWS, seed, cameras)
    more = details(scored) if isinstance(scored, DetectionScores) else {}
    return Summary(
        headline=interval(float(scored.headline()[0]), scored.headline(weights), scored.sessions, cameras, weights),
        metrics=scored.metrics() | more | _gaps(scored, seed),
    )


def evaluation(
    ref: ModelRef, scored: Scored, dataset: str, digest: str, protocol: Protocol, known: Summary | int = 0
) -> Evaluation:
    """The numbers and one score per image. `known` are the numbers where they were summed up before, else the seed."""
    found = known if isinstance(known, Summary) else summary(scored, known)
    return Evaluation(
        model_sha256=ref.sha256,
        dataset=dataset,
        digest=digest,
        protocol=protocol.digest,
        metric=scored.metric,
        headline=found.headline,
        n=scored.n,
        metrics=found.metrics,
        image_ids=scored.image_ids,
        scores=scored.scores(),
        answers=scored.answers(),
        conditions=protocol.conditions(digest),
    )


def _gaps(scored: Scored, seed: int) -> dict[str, float]:
    """`gap_camera` (partially pooled) and `gap_camera_raw`: how far the worst camera lies below the whole set."""
    cameras = scored.images.cameras
    if len(set(cameras)) < 2:
        return {}
    gap = worst_gap(scored, slices(scored, {"camera": cameras}, seed=seed))
    return {} if gap is None else {"gap_camera": gap.shrunk, "gap_camera_raw": gap.raw}
