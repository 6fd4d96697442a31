"""From labelled images to the question whether the error rose: which come first, what they are held against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tasks.concept.answered import Answered
from tasks.concept.betting import Samples, capital, upper_bound
from tasks.concept.rules import ConceptRules

LATELY = 50
"""Images whose error says whether a rise still lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The first labelled images of a champion: their ids, and the mean error of each of their sessions."""

    images: tuple[str, ...]
    losses: tuple[float, ...]

    @property
    def error(self) -> float:
        """Mean over sessions, 0..1."""
        return float(np.mean(self.losses)) if self.losses else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What the bet says. `chance` bounds how probable such evidence is without a rise, `limit` is the least rise told.

    `onset` is the image, in order of labels, from which on the error is higher, None where nothing crossed.
    """

    baseline: Baseline
    limit: float
    after: tuple[Answered, ...]
    error: float
    lately: float
    chance: float
    crossed: bool
    onset: int | None

    @property
    def risen(self) -> bool:
        """The bet was won, and the newest images show the same."""
        return self.crossed and self.lately > self.limit

    @property
    def before_and_since(self) -> tuple[tuple[Answered, ...], tuple[Answered, ...]]:
        """The images after the baseline, divided at the onset."""
        at = len(self.after) if self.onset is None else self.onset
        return self.after[:at], self.after[at:]

    @property
    def since(self) -> datetime | None:
        """When the earliest image since the onset was taken."""
        return min((image.captured_at for image in self.before_and_since[1]), default=None)


def in_order(images: Sequence[Answered]) -> list[Answered]:
    """The images by when their label was written; golden ones are no sample of production and are left out."""
    return sorted((i for i in images if not i.golden), key=lambda image: (image.labelled_at, image.image_id))


def baseline_of(images: Sequence[Answered], rules: ConceptRules) -> Baseline | None:
    """The first `baseline_images` labelled ones, with all others of their sessions; None while they are too few."""
    ordered = in_order(images)
    if len(ordered) < rules.baseline_images:
        return None
    names = {image.session for image in ordered[: rules.baseline_images]}
    chosen = [image for image in ordered if image.session in names]
    return Baseline(images=tuple(image.image_id for image in chosen), losses=tuple(x for _, x in units(chosen)))


def again(kept: Baseline, images: Sequence[Answered]) -> Baseline:
    """The same images with the labels of now; as it was noted, where they are not known any more."""
    wanted = set(kept.images)
    found = [image for image in in_order(images) if image.image_id in wanted]
    if len(found) < len(wanted):
        return kept
    return Baseline(images=kept.images, losses=tuple(loss for _, loss in units(found)))


def track(images: Sequence[Answered], baseline: Baseline, rules: ConceptRules) -> Tracked:
    """Bet session by session that the error lies above the baseline's upper bound plus the margin.

    Half of `alpha` is spent on the baseline's bound, half on the bet, so a rise that is none is told with chance
    `alpha` at most however often somebody looks. Frames of one session count once: they are not independent.
    """
    known = set(baseline.images)
    ordered = units([image for image in in_order(images) if image.image_id not in known])
    after = tuple(image for session, _ in ordered for image in session)
    losses = np.array([loss for _, loss in ordered], np.float64)
    limit = upper_bound(baseline.losses, rules.alpha / 2) + rules.margin
    log_stake = capital(losses, limit) if limit < 1 else np.zeros(len(losses))
    top = float(log_stake.max(initial=0.0))
    crossed = top >= math.log(2 / rules.alpha)
    recent = [image.loss for image in after[-LATELY:]]
    return Tracked(
        baseline=baseline,
        limit=min(limit, 1.0),
        after=after,
        error=float(np.mean([image.loss for image in after])) if after else math.nan,
        lately=float(np.mean(recent)) if recent else math.nan,
        chance=min(math.exp(-top), 1.0),
        crossed=crossed,
        onset=_onset(losses, [len(session) for session, _ in ordered]) if crossed else None,
    )


def units(ordered: Sequence[Answered]) -> list[tuple[list[Answered], float]]:
    """Sessions with their mean error, in the order in which their first label came."""
    groups: dict[str, list[Answered]] = {}
    for image in ordered:
        groups.setdefault(image.session, []).append(image)
    return [(group, float(np.mean([image.loss for image in group]))) for group in groups.values()]


def split(losses: Samples) -> tuple[int, float]:
    """Where a step upwards fits best (a row, the first above) and the residual sum of squares with it.

    A series without a better step has row 0 and its own sum of squares about the mean.
    """
    n = len(losses)
    plain = float(((losses - losses.mean()) ** 2).sum()) if n else 0.0
    if n < 2:
        return 0, plain
    sums, count = np.cumsum(losses)[:-1], np.arange(1, n)
    low, high = sums / count, (losses.sum() - sums) / (n - count)
    gain = np.where(high > low, count * (n - count) / n * (high - low) ** 2, 0.0)
    best = int(gain.argmax())
    return (best + 1, plain - float(gain[best])) if gain[best] > 0 else (0, plain)


def _onset(losses: Samples, sizes: Sequence[int]) -> int:
    row, _ = split(losses)
    return int(sum(sizes[:row]))
