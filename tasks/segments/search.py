"""Segments in which the score is lower than elsewhere by more than chance and by enough to matter.

Images of a session are alike and count less (a design effect); errors are rare, so that an exact test is asked and
not a normal tail. Of all segments that were looked at those are named that Benjamini and Hochberg's procedure names;
what a stronger segment explains already is left out. Sources: Kish, Survey Sampling (1965); Rao & Scott, A simple
method for the analysis of clustered binary data, Biometrics 48 (1992); Benjamini & Hochberg, JRSS B 57 (1995).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom

from tasks.domain.discovery import benjamini_hochberg
from tasks.segments.candidates import Mask, Segment, candidates
from tasks.segments.facts import Facts, Floats
from tasks.segments.rules import SegmentRules

STILL = 0.05
"""A segment stays when, without the images of stronger ones, it is still worse at this level."""

LEAST_SPREAD = 0.05
"""Scores that hardly differ are not taken for a thousand witnesses."""

ROUNDING = 1e-9

FINER = 0.01
"""The common part of two segments is named when it is worse than the rest of either at this level: else they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weak:
    """A segment that is worse: mean score inside and elsewhere, images and sessions in it, its adjusted p-value."""

    segment: Segment
    inside: float
    elsewhere: float
    images: int
    sessions: int
    q_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """How many segments were looked at, and the weak ones, the most significant first."""

    segments: int
    weak: tuple[Weak, ...] = ()


def search(known: Facts, rules: SegmentRules) -> Searched:
    """The weak segments of these images, at most `rules.most`."""
    looked = candidates(known, rules.min_images, rules.min_sessions)
    whole = np.ones(len(known), bool)
    chances = np.array([chance(known, each.inside, whole, rules.min_sessions) for each in looked])
    adjusted = benjamini_hochberg(chances)
    order = [at for at in np.argsort(chances, kind="stable").tolist() if adjusted[at] <= rules.fdr]
    found: list[Weak] = []
    taken = np.zeros(len(known), bool)
    for at in order:
        each = looked[at]
        gap = float(known.scores[~each.inside].mean() - known.scores[each.inside].mean())
        if gap < rules.margin or len(found) == rules.most or not _finer(known, each, rules):
            continue
        if not _new(known, each.inside, taken, rules):
            continue
        found.append(_weak(known, each, float(adjusted[at])))
        taken |= each.inside
    return Searched(segments=len(looked), weak=tuple(found))


def chance(known: Facts, inside: Mask, among: Mask, least: int) -> float:
    """How often chance makes a segment so much worse than the rest of `among`, 0..1; 1 with too few sessions.

    Fisher's exact test: of all that was lost, how much falls into the segment when it is dealt out at random? Images
    count less where those of a session are alike, and more where scores spread less than all-or-nothing ones.
    """
    here, rest = inside & among, ~inside & among
    if len(np.unique(known.sessions[here])) < least or not rest.any():
        return 1.0
    spread = max(_spread(known.scores[among]), _spread(known.scores[here]))
    counts = [side.sum() / _repeats(known, side) / spread for side in (here, rest)]
    lost = [count * (1 - known.scores[side].mean()) for count, side in zip(counts, (here, rest), strict=True)]
    few, many = math.floor(lost[0] + ROUNDING), math.ceil(lost[1] - ROUNDING)  # never in favour of a finding
    size, others = round(counts[0]), round(counts[1])
    return float(hypergeom.sf(few - 1, size + others, few + many, size))


def _repeats(known: Facts, side: Mask) -> float:
    """By how much the images of a side count less because those of a session are alike (Kish's design effect)."""
    sizes = np.bincount(known.sessions[side]).astype(np.float64)
    return 1 + (float((sizes**2).sum() / sizes.sum()) - 1) * known.alike


def _spread(scores: Floats) -> float:
    """The variance of scores in parts of that of all-or-nothing ones with the same mean, above 0 and at most 1."""
    mean = float(scores.mean())
    most = mean * (1 - mean)
    return max(float(scores.var()) / most, LEAST_SPREAD) if most > 0 else 1.0


def _finer(known: Facts, segment: Segment, rules: SegmentRules) -> bool:
    """Whether a common part is more than chance made of a weak whole."""
    return all(chance(known, segment.inside, whole, rules.min_sessions) <= FINER for whole in segment.parents)


def _new(known: Facts, inside: Mask, taken: Mask, rules: SegmentRules) -> bool:
    """Whether the segment is worse by itself: without the images that stronger segments explain already."""
    if not taken.any():
        return True
    fresh = inside & ~taken
    if int(fresh.sum()) < rules.min_images:
        return False
    gap = known.scores[~inside & ~taken].mean() - known.scores[fresh].mean()
    return bool(gap >= rules.margin) and chance(known, inside, ~taken, rules.min_sessions) <= STILL


def _weak(known: Facts, segment: Segment, q_value: float) -> Weak:
    inside = segment.inside
    return Weak(
        segment=segment,
        inside=float(known.scores[inside].mean()),
        elsewhere=float(known.scores[~inside].mean()),
        images=int(inside.sum()),
        sessions=len(np.unique(known.sessions[inside])),
        q_value=q_value,
    )
