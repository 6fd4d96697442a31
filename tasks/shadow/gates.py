"""The gates: each is one finding about challenger minus champion on the same images.

A paired difference needs two to three times fewer labels than two separate scores. `ok` means shown, `breach` means
the opposite was shown, and everything in between is `inconclusive`: a gate never opens for want of evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.domain.finding import Finding, Outcome
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.intervals import DRAWS, MIN_SESSIONS, Samples, bounds, freedom, session_weights
from tasks.domain.scoring.scored import Scored
from tasks.shadow.rules import ShadowRules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Champion and challenger on the same images in the same order."""

    champion: Scored
    challenger: Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Challenger minus champion with the bounds that leave `tail` outside on each side; nan where unknown."""

    value: float
    low: float
    high: float


def superiority(pair: Pair, rules: ShadowRules) -> Finding:
    """On recent labels the challenger is better: the lower bound of the difference lies above 0."""
    return _gate("superiority", "recent", pair, 0.0, rules.min_recent, rules)


def non_inferiority(pair: Pair, rules: ShadowRules) -> Finding:
    """On the golden set nothing was forgotten: the lower bound of the difference lies above -margin."""
    return _gate("non_inferiority", "golden", pair, -rules.golden_margin, rules.min_golden, rules)


def per_class(pair: Pair, rules: ShadowRules) -> list[Finding]:
    """No class got worse by more than the margin, one finding per class, over recent and golden images together."""
    champion, challenger = pair.champion, pair.challenger
    cameras = champion.images.cameras
    weights, free = session_weights(champion.sessions, DRAWS, rules.seed, cameras), freedom(champion.sessions, cameras)
    enough = len(set(champion.sessions)) >= MIN_SESSIONS
    points = challenger.per_class()[0] - champion.per_class()[0]
    draws: Samples = (
        challenger.per_class(weights) - champion.per_class(weights) if enough else np.zeros((0, len(points)))
    )
    found = []
    for c, name in enumerate(champion.classes):
        n = int(champion.instances[c])
        low, high = bounds(float(points[c]), draws[:, c], free, rules.tail)
        short = rules.min_instances - n
        reason = f"{n} labelled objects, {short} more needed" if short > 0 else ""
        difference = Difference(value=float(points[c]), low=low, high=high)
        found.append(_finding(("class", name, n), difference, -rules.class_margin, reason))
    return found


def finite(predictions: Sequence[Prediction]) -> Finding:
    """Every answer of the challenger is a number; without a single answer nothing is known."""
    broken = sum(not each.finite for each in predictions)
    outcome = Outcome.BREACH if broken else Outcome.OK if predictions else Outcome.INCONCLUSIVE
    return Finding(
        check="finite",
        subject="answers",
        outcome=outcome,
        value=float(broken),
        limit=0.0,
        unit="images",
        n=len(predictions),
        note=f"{broken} answers hold NaN or infinity" if broken else "",
    )


def latency(champion: Sequence[Prediction], challenger: Sequence[Prediction], rules: ShadowRules) -> Finding:
    """The challenger's median inference time against the champion's, same images, same machine, same run."""
    before, after = _median(champion), _median(challenger)
    known = math.isfinite(before) and math.isfinite(after) and before > 0
    ratio = after / before if known else None
    slow = ratio is not None and ratio > rules.latency_ratio
    return Finding(
        check="latency",
        subject="inference",
        outcome=Outcome.INCONCLUSIVE if ratio is None else Outcome.BREACH if slow else Outcome.OK,
        value=ratio,
        limit=rules.latency_ratio,
        unit="times",
        n=len(challenger),
        note=f"{after:.1f} ms, was {before:.1f} ms" if known else "no images to time",
    )


def agreed(value: float | None, n: int, rules: ShadowRules) -> Finding:
    """Agreement on unlabelled production images; without a limit it is shown and decides nothing."""
    limit = rules.min_agreement
    if limit is None:
        outcome = Outcome.OK
    elif value is None:
        outcome = Outcome.INCONCLUSIVE
    else:
        outcome = Outcome.OK if value >= limit else Outcome.BREACH
    note = "no unlabelled image" if value is None else f"{1 - value:.0%} of the answers differ: label those first"
    return Finding(
        check="agreement", subject="unlabelled", outcome=outcome, value=value, limit=limit, unit="0..1", n=n, note=note
    )


def difference(pair: Pair, rules: ShadowRules) -> Difference:
    """Paired session bootstrap of the headline difference; bounds are nan with too few sessions."""
    point = float(pair.challenger.headline()[0] - pair.champion.headline()[0])
    sessions, cameras = pair.champion.sessions, pair.champion.images.cameras
    if len(set(sessions)) < MIN_SESSIONS:
        return Difference(value=point, low=math.nan, high=math.nan)
    weights = session_weights(sessions, DRAWS, rules.seed, cameras)
    draws = pair.challenger.headline(weights) - pair.champion.headline(weights)
    low, high = bounds(point, draws, freedom(sessions, cameras), rules.tail)
    return Difference(value=point, low=low, high=high)


def _gate(check: str, where: str, pair: Pair, limit: float, needed: int, rules: ShadowRules) -> Finding:
    n = pair.champion.n
    reason = f"{n} labelled {where} images, {needed - n} more needed" if n < needed else ""
    found = difference(pair, rules) if n else Difference(value=math.nan, low=math.nan, high=math.nan)
    return _finding((check, f"{where} {pair.champion.metric}", n), found, limit, reason)


def _finding(name: tuple[str, str, int], found: Difference, limit: float, reason: str) -> Finding:
    outcome, note = _outcome(found, limit)
    return Finding(
        check=name[0],
        subject=name[1],
        outcome=Outcome.INCONCLUSIVE if reason else outcome,
        value=found.value if math.isfinite(found.value) else None,
        limit=limit,
        unit="difference",
        n=name[2],
        note=reason or note,
    )


def _outcome(found: Difference, limit: float) -> tuple[Outcome, str]:
    if not math.isfinite(found.low):
        return Outcome.INCONCLUSIVE, "no interval: too few sessions, or nothing to find in them"
    span = f"{found.value:+.3f} (90 %: {found.low:+.3f} to {found.high:+.3f}), must be above {limit:+.3f}"
    if found.low > limit:
        return Outcome.OK, span
    return (Outcome.BREACH if found.high <= limit else Outcome.INCONCLUSIVE), span


def _median(predictions: Sequence[Prediction]) -> float:
    return float(np.median([each.speed.inference for each in predictions])) if predictions else math.nan
