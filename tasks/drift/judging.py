"""All questions about one slice, scored and judged: significant, large enough to matter, and beyond what days do.

Within a slice pictures have twice the part of the embedding or of the answers, and within a topic Holm's procedure
decides. Only what would be a breach is held against the days of the reference (`tasks.drift.days`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby

import numpy as np

from tasks.domain.confirmation import doubted
from tasks.domain.days import SURE, differ
from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import Topic
from tasks.drift.days import without_days
from tasks.drift.detector import Detector, FloatArray, Score, detector
from tasks.drift.questions import Question, questions
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample

PARTS = {Topic.PHOTOMETRIC: 2, Topic.EMBEDDING: 1, Topic.PREDICTION: 1, Topic.SAMPLE: 1}
"""How the level is shared: pictures give the early warning, the model's own view and answers say that it does harm."""


WITHIN_DAYS = "; no more than days of the reference differ by"
"""Said of a change that is significant scene by scene, and no news day by day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Chances of a false alarm that a question has: to be worth a second look, to be a breach by itself, and to be a
    day further off than healthy days are (`day`: all windows of a day share its light, so that a day is asked once).
    """

    seen: float
    sure: float
    day: float

    def part(self, share: float) -> Level:
        """The level of one question among several."""
        return Level(seen=self.seen * share, sure=self.sure * share, day=self.day * share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Reference and window of some cameras; `whole` gives the reference of all hours of the day, where there is one."""

    where: str
    reference: Sample
    current: Sample
    whole: Callable[[], Sample] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A question with its score, and with the score of what days do not explain where the days were asked.

    `perhaps` is the same where nobody can tell whether days differ: were they to differ by what their means do.
    """

    question: Question
    tool: Detector
    score: Score
    beyond: Score | None = None
    perhaps: Score | None = None

    @property
    def p_value(self) -> float:
        """The larger of both p-values; nan for what is the same on every image."""
        if not self.question.varies():
            return np.nan
        return self.score.p_value if self.beyond is None else max(self.score.p_value, self.beyond.p_value)

    @property
    def large(self) -> bool:
        """Whether the change matters, after what days differ by is taken off."""
        return min(each.value for each in (self.score, self.beyond or self.score)) >= self.tool.limit

    def sure(self, level: Level) -> bool:
        """Whether one window proves it: where a second one will be asked, days that may differ must not explain it."""
        if self.perhaps is None or level.sure >= level.seen:
            return True
        return self.perhaps.value >= self.tool.limit and self.perhaps.p_value <= level.seen


def judged(part: Slice, rules: DriftRules, level: Level) -> list[Finding]:
    """The findings of one slice, topic by topic."""
    asked = sorted(questions(part.reference, part.current, rules), key=lambda each: list(Topic).index(each.topic))
    topics = [list(group) for _, group in groupby(asked, key=lambda question: question.topic)]
    shares = sum(PARTS[topic[0].topic] for topic in topics)
    wider = cache(partial(_of_all_hours, part, rules))
    found: list[Finding] = []
    for group in topics:
        own = level.part(PARTS[group[0].topic] / shares)
        scored = [_scored(question) for question in group if _sized(question)]
        suspects = [each.large and p <= own.seen for each, p in zip(scored, _adjusted(scored), strict=True)]
        scored = [
            _beyond_days(each, wider, own.day / len(scored)) if suspect else each
            for each, suspect in zip(scored, suspects, strict=True)
        ]
        found += [
            _finding(part.where, each, p <= own.seen, p <= own.sure and each.sure(own))
            for each, p in zip(scored, _adjusted(scored), strict=True)
        ]
    return found


def _scored(question: Question) -> _Asked:
    tool = detector(question.detector)
    score = tool.score(question.reference, question.current, question.sessions)
    return _Asked(question=question, tool=tool, score=score)


def _sized(question: Question) -> bool:
    """Whether both sides have enough: few images may have a confidence though many were predicted on."""
    return min(len(question.reference), len(question.current)) >= detector(question.detector).min_n


def _adjusted(scored: Sequence[_Asked]) -> list[float]:
    return holm([each.p_value for each in scored])


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values in the order given; nan stays nan and does not count.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    values: FloatArray = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)[: int(np.isfinite(values).sum())]
    adjusted = np.full(len(values), np.nan)
    steps = values[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


def _of_all_hours(part: Slice, rules: DriftRules) -> dict[str, Question]:
    """The same questions with the reference of the whole day: more scenes of each of its days."""
    return {each.subject: each for each in questions(part.whole(), part.current, rules)} if part.whole else {}


def _beyond_days(asked: _Asked, wider: Callable[[], dict[str, Question]], chance: float) -> _Asked:
    """With the score of what is left when both sides are rid of what healthy days differ by.

    How much that is is read from the hours of the window, and from all hours; the larger answer counts. Few scenes of
    a day may not tell whether days differ: then what their means differ by can still make the change unsure.
    """
    question = asked.question
    if question.when is None:
        return asked
    known = [each for each in (question, wider().get(question.subject)) if each is not None]
    for sure in (SURE, 1.0):
        days = [differ(each.reference, each.when, sure) for each in known if each.when is not None]
        most = max(days, key=lambda each: float((each.between / np.maximum(each.within, 1e-300)).sum()))
        if most.between.any():
            sides = without_days(question.reference, question.current, question.when, most, chance)
            left = asked.tool.score(*sides, question.sessions)
            return replace(asked, beyond=left) if sure < 1 else replace(asked, perhaps=left)
    return asked


def _finding(where: str, asked: _Asked, seen: bool, sure: bool) -> Finding:
    """Of a change that days explain, what is left of it is told beside its whole effect."""
    question, tool, score = asked.question, asked.tool, asked.score
    finite = bool(np.isfinite([score.value, score.p_value]).all())
    breach = finite and seen and asked.large
    explained = asked.beyond is not None and not breach
    outcome = Outcome.BREACH if breach else Outcome.OK if finite else Outcome.INCONCLUSIVE
    found = Finding(
        check=question.detector,
        subject=question.subject,
        slice=where,
        outcome=outcome,
        value=(asked.beyond if explained and asked.beyond else score).value if finite else None,
        limit=tool.limit,
        unit=tool.unit,
        n=len(question.current),
        effect=score.effect if np.isfinite(score.effect) else None,
        note=f"{question.change()}; p = {score.p_value:.2g}{WITHIN_DAYS if explained else ''}"
        if finite
        else "too many images have no such number",
    )
    return doubted(found) if breach and not sure else found
