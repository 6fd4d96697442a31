"""Everything that is asked of one slice: which numbers, by which detector, of which topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.domain.subjects import EMBEDDING, Topic, topic
from tasks.drift.answers import Answers
from tasks.drift.detector import Data, FloatArray
from tasks.drift.effect import describe, describe_rate
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample

UNREADABLE = 0.05
"""Share of images without a number above which a picture's property is not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One subject of one slice with the two samples to compare; they hold no nan unless too many are unreadable."""

    subject: str
    detector: str
    data: Data
    reference: FloatArray
    current: FloatArray

    @property
    def topic(self) -> Topic:
        """What the subject is about."""
        return topic(self.subject)

    def change(self) -> str:
        """What the change looks like, in words."""
        if self.data is Data.VECTOR:
            return "moved in the model's own view"
        before, after = float(self.reference.mean()), float(self.current.mean())
        return describe(self.subject, before, after) if self.data is Data.SCALAR else describe_rate(before, after)


def questions(reference: Sample, current: Sample, rules: DriftRules) -> Iterator[Question]:
    """All questions about two samples of one slice, always in the same order."""
    yield from _columns(reference.photometric, current.photometric, rules)
    if reference.embedding.shape[1] and reference.embedding.shape[1] == current.embedding.shape[1]:
        yield Question(
            subject=EMBEDDING,
            detector=rules.vector_detector,
            data=Data.VECTOR,
            reference=_readable(reference.embedding),
            current=_readable(current.embedding),
        )
    yield from _columns(reference.answers, current.answers, rules)


def _columns(before: Answers, after: Answers, rules: DriftRules) -> Iterator[Question]:
    kinds = (
        (Data.SCALAR, rules.scalar_detector, before.scalars, after.scalars),
        (Data.RATE, rules.rate_detector, before.rates, after.rates),
    )
    for data, detector, old, new in kinds:
        if not old or not new:
            continue
        for subject in dict.fromkeys([*old, *new]):
            yield Question(
                subject=subject,
                detector=detector,
                data=data,
                reference=_cleaned(subject, old.get(subject, _never(old))),
                current=_cleaned(subject, new.get(subject, _never(new))),
            )


def _never(others: dict[str, FloatArray]) -> FloatArray:
    """The column of a class that one side never showed: no, wherever there was an answer."""
    return np.asarray(next(iter(others.values())) * 0.0)


def _cleaned(subject: str, values: FloatArray) -> FloatArray:
    if topic(subject) is Topic.PREDICTION:  # nan means: no object, or not predicted on
        return values[np.isfinite(values)]
    return _readable(values)


def _readable(values: FloatArray) -> FloatArray:
    """Without the few rows that are not finite; unchanged, so that nobody can judge it, when they are many."""
    rows = values.reshape(len(values), -1)
    good = np.flatnonzero(np.isfinite(rows.sum(axis=1)))
    return values[good] if len(good) >= (1 - UNREADABLE) * len(values) else values
