"""One version on one labelled set: scored by its kind, and summed up as an `Evaluation`."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.errors import ConfigError, ContractError
from tasks.domain.evaluation import Evaluation
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Protocol as Protocol
from tasks.domain.scoring.classification import ClassificationScores, score_classes
from tasks.domain.scoring.detection import DetectionScores, score_detections
from tasks.domain.scoring.intervals import DRAWS, interval, session_weights
from tasks.domain.scoring.truth import Truth

Scored = DetectionScores | ClassificationScores


def score(
    ref: ModelRef, truths: Sequence[Truth], predictions: Sequence[Prediction], confidence: float | None = None
) -> Scored:
    """Score the answers of one version.

    Raises:
        ContractError: a label names a class id that the model does not have.
        ConfigError: the kind is not scored yet.
    """
    known = len(ref.classes)
    strange = sorted({int(c) for truth in truths for c in truth.classes if not 0 <= c < known})
    if strange:
        raise ContractError(f"labels name the class ids {strange[:9]}; {ref} has {known} classes, counted from 0")
    if ref.kind is Kind.CLASSIFY:
        return score_classes(truths, predictions, ref.classes)
    if ref.kind is Kind.DETECT:
        return score_detections(truths, predictions, ref.classes, confidence)
    raise ConfigError(f"{ref} is of kind {ref.kind.value}: labelled scores exist for detect and classify")


def evaluation(
    ref: ModelRef, scored: Scored, dataset: str, digest: str, protocol: Protocol, seed: int = 0
) -> Evaluation:
    """Headline with its 95 % interval, all numbers, and one score per image; all of it nan or empty without images."""
    point = float(scored.headline()[0])
    samples = scored.headline(session_weights(scored.sessions, DRAWS, seed))
    return Evaluation(
        model_sha256=ref.sha256,
        dataset=dataset,
        digest=digest,
        protocol=protocol.digest,
        metric=scored.metric,
        headline=interval(point, samples, scored.sessions),
        n=scored.n,
        metrics=scored.metrics(),
        image_ids=scored.image_ids,
        scores=scored.scores(),
        answers=scored.answers(),
        conditions=protocol.conditions(digest),
    )
