"""Everything that is asked of one slice: which numbers, by which detector, of which topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tasks.domain.days import When, when
from tasks.domain.few import evenly
from tasks.domain.subjects import CLASS_MIX, EMBEDDING, PLACES, Topic, topic
from tasks.drift.answers import Answers
from tasks.drift.detector import Data, FloatArray, Labels, Sessions, detector
from tasks.drift.effect import describe, describe_rate
from tasks.drift.looks import against_the_rest, describe_places
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """The session of every row of the reference and of the window, where rows depend on each other; and their days."""

    reference: Labels | None
    current: Labels | None
    when: When | None

    def of(self, known: Labels, seen: Labels) -> tuple[Sessions | None, When | None]:
        """The sessions and the days of some rows of the reference, and of some of the window."""
        taken = None if self.when is None else self.when.take(known, seen)
        if self.reference is None or self.current is None:
            return None, taken
        return Sessions(reference=self.reference[known], current=self.current[seen]), taken


RESOLUTION = float(np.finfo(np.float32).eps)
"""Part of the largest value within which two numbers are the same: pictures are measured in 32 bits."""
MOST_PLACED = 2_000
"""Pictures of either side whose places are compared."""

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
    sessions: Sessions | None = None
    names: tuple[str, ...] = ()
    """What the columns of counts are called."""
    when: When | None = None
    """The day of every row and the context of every row of the reference, where they are known."""

    @property
    def topic(self) -> Topic:
        """What the subject is about."""
        return topic(self.subject)

    def change(self) -> str:
        """What the change looks like, in words."""
        if self.subject == PLACES:
            return describe_places(self.reference, self.current)
        if self.data is Data.VECTOR:
            return "moved in the model's own view"
        if self.data is Data.COUNTS:
            return self._mix_change()
        before, after = float(self.reference.mean()), float(self.current.mean())
        return describe(self.subject, before, after) if self.data is Data.SCALAR else describe_rate(before, after)

    def varies(self) -> bool:
        """Whether any two images of the two samples differ; where none do there is nothing to ask."""
        sides = [side for side in (self.reference, self.current) if len(side)]
        return any(bool((side != sides[0][:1]).any()) for side in sides)

    def _mix_change(self) -> str:
        before, after = (side.sum(axis=0) / max(side.sum(), 1.0) for side in (self.reference, self.current))
        most = int(np.argmax(np.abs(after - before)))
        return f"share of {self.names[most]} {describe_rate(float(before[most]), float(after[most]))}"


def questions(reference: Sample, current: Sample, rules: DriftRules) -> Iterator[Question]:
    """All questions about two samples of one slice, always in the same order."""
    owners = Owners(
        reference=reference.sessions,
        current=current.sessions,
        when=when(reference.hours, reference.cameras, current.hours),
    )
    yield from _columns(reference.photometric, current.photometric, rules, owners)
    if reference.places.size and current.places.size:
        yield _places(reference, current, rules, owners)
    if reference.embedding.shape[1] and reference.embedding.shape[1] == current.embedding.shape[1]:
        yield _question(EMBEDDING, rules.vector_detector, (reference.embedding, current.embedding), owners)
    yield from _columns(reference.answers, current.answers, rules, owners)
    names = tuple(sorted({*reference.answers.mix, *current.answers.mix}))
    if len(names) > 1 and reference.answers.mix and current.answers.mix:
        pair = (_stacked(reference.answers.mix, names), _stacked(current.answers.mix, names))
        yield replace(_question(CLASS_MIX, rules.mix_detector, pair, owners), names=names)


def _columns(before: Answers, after: Answers, rules: DriftRules, owners: Owners) -> Iterator[Question]:
    kinds = (
        (rules.scalar_detector, before.scalars, after.scalars, np.nan),  # a class never shown has no confidence,
        (rules.rate_detector, before.rates, after.rates, 0.0),  # and no image with it
    )
    for name, old, new, never in kinds:
        if not old or not new:
            continue
        for subject in dict.fromkeys([*old, *new]):
            if topic(subject) is Topic.PHOTOMETRIC and not (subject in old and subject in new):
                continue  # what one side never measured is no change
            pair = (old.get(subject, _never(old, never)), new.get(subject, _never(new, never)))
            yield _question(subject, name, pair, owners)


def _places(reference: Sample, current: Sample, rules: DriftRules, owners: Owners) -> Question:
    """Of very many pictures so many evenly over time: the places of each are hundreds of numbers."""
    sides = [(side, evenly(np.flatnonzero(side.places.any(axis=1)), MOST_PLACED)) for side in (reference, current)]
    known, seen = (against_the_rest(side.places[rows]) for side, rows in sides)
    sessions, days = owners.of(*(rows for _, rows in sides))
    return Question(
        subject=PLACES,
        detector=rules.place_detector,
        data=Data.VECTOR,
        reference=known,
        current=seen,
        sessions=sessions,
        when=days,
    )


def _question(subject: str, name: str, pair: tuple[FloatArray, FloatArray], owners: Owners) -> Question:
    """The question with the rows that can be asked about, and the sessions and days of those rows."""
    known, seen = (_rows(subject, side) for side in pair)
    sessions, days = owners.of(known, seen)
    data = detector(name).data
    before, after = pair[0][known], pair[1][seen]
    if data is Data.SCALAR:
        before, after = resolved(before, after)
    return Question(
        subject=subject,
        detector=name,
        data=data,
        reference=before,
        current=after,
        sessions=sessions,
        when=days,
    )


def resolved(reference: FloatArray, current: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both samples, (m,) and (n,), with values that no measure can tell apart made equal.

    A number that was always 5 and is 5.000000001 lies beyond everything in the reference, and has not changed. Values
    count as one when each lies within a rounding error of a 32-bit number, of the largest there is, of the next.

    >>> resolved(np.array([5.0, 5.0]), np.array([5 + 1e-9, 6.0]))[1].tolist()
    [5.0, 6.0]
    """
    pooled = np.concatenate([reference, current])
    if not len(pooled) or not np.isfinite(pooled).all():
        return reference, current
    order = np.argsort(pooled, kind="stable")
    ordered = pooled[order]
    new = np.r_[True, np.diff(ordered) > RESOLUTION * np.abs(ordered).max()]
    pooled[order] = ordered[new][np.cumsum(new) - 1]
    return pooled[: len(reference)], pooled[len(reference) :]


def _never(others: dict[str, FloatArray], value: float = 0.0) -> FloatArray:
    """The column of a class that one side never showed: this value, wherever there was an answer."""
    return np.asarray(next(iter(others.values())) * 0.0 + value)


def _stacked(mix: dict[str, FloatArray], names: tuple[str, ...]) -> FloatArray:
    return np.column_stack([mix.get(name, _never(mix)) for name in names])


def _rows(subject: str, values: FloatArray) -> Labels:
    """Where there is a number; everywhere, so that nobody can judge it, when many pictures are unreadable."""
    good = np.flatnonzero(np.isfinite(values.reshape(len(values), -1).sum(axis=1)))
    if topic(subject) is Topic.PREDICTION:  # nan means: no object, or not predicted on
        return good
    return good if len(good) >= (1 - UNREADABLE) * len(values) else np.arange(len(values))
