"""Segments in which the score is lower than elsewhere by more than chance and by enough to matter.

Sessions, not images, are the unit: the standard error of a difference adds up each session's part in it (a sandwich
estimate), and Student's t has one degree of freedom less than the segment has sessions. Of all segments that were
looked at those are rejected that Benjamini and Hochberg's procedure rejects; what a stronger segment explains already
is left out. Sources: Liang & Zeger, Biometrika 73 (1986); Benjamini & Hochberg, JRSS B 57 (1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from tasks.domain.discovery import benjamini_hochberg
from tasks.segments.candidates import Mask, Segment, candidates
from tasks.segments.facts import Facts
from tasks.segments.rules import SegmentRules

STILL = 0.05
"""A segment stays when, without the images of stronger ones, it is still worse at this level."""

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
    """How often chance makes a segment so much worse than the rest of `among`, 0..1; 1 with too few sessions."""
    size, rest = int((inside & among).sum()), int((~inside & among).sum())
    sessions = len(np.unique(known.sessions[inside & among]))
    if sessions < least or not rest:
        return 1.0
    means = [known.scores[side & among].mean() for side in (inside, ~inside)]
    part = np.where(inside, (known.scores - means[0]) / size, -(known.scores - means[1]) / rest) * among
    each = np.bincount(known.sessions, weights=part)
    error = float(np.sqrt((each**2).sum() * sessions / (sessions - 1)))
    if error <= 1e-12:
        return float(means[0] >= means[1])
    return float(stdtr(sessions - 1, (means[0] - means[1]) / error))


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
