"""What the search found, as findings. They accuse the version, not the window: they are told and decide nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping

from scipy.special import ndtr

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import SHORTCUT, WEAK_SEGMENT
from tasks.segments.rules import SegmentRules
from tasks.segments.search import Searched, Weak
from tasks.segments.shortcut import Power

SEGMENTS, LABEL = "segments", "label"
POWER = "power 0..1"

REAL = 0.05
"""Level at which a power, and a change of it, is more than chance."""


def segment_findings(searched: Searched, metric: str, n: int, rules: SegmentRules) -> tuple[Finding, ...]:
    """One finding a weak segment; one that is ok when none is; `metric` says what the score of an image is."""
    if not searched.weak:
        note = f"none of {searched.segments} segments is worse than the other images by {rules.margin:g} beyond chance"
        outcome = Outcome.OK if searched.segments else Outcome.INCONCLUSIVE
        note = (
            note if searched.segments else f"no segment has {rules.min_images} images of {rules.min_sessions} sessions"
        )
        return (
            Finding(
                check=WEAK_SEGMENT, subject=SEGMENTS, outcome=outcome, value=0, limit=1, unit="segments", n=n, note=note
            ),
        )
    return tuple(_finding(each, metric, Outcome.BREACH, "", rules) for each in searched.weak)


def unsure_findings(searched: Searched, n: int, rules: SegmentRules) -> tuple[Finding, ...]:
    """The same of a search over confidence: an indicator, for nobody knows which answers were wrong."""
    told = "an indicator only: without labels nobody knows whether its answers there are wrong"
    return tuple(_finding(each, "confidence", Outcome.INCONCLUSIVE, f"; {told}", rules) for each in searched.weak)


def too_few(n: int, rules: SegmentRules) -> Finding:
    """Said when there are not enough labelled images to search."""
    note = f"{n} labelled images, {rules.min_labels - n} more are needed to look for weak segments"
    return Finding(check=WEAK_SEGMENT, subject=SEGMENTS, outcome=Outcome.INCONCLUSIVE, n=n, note=note)


def _finding(each: Weak, metric: str, outcome: Outcome, end: str, rules: SegmentRules) -> Finding:
    camera = each.segment.camera
    return Finding(
        check=WEAK_SEGMENT,
        subject=each.segment.words,
        slice=f"camera={camera}" if camera else ALL,
        outcome=outcome,
        value=round(each.inside, 4),
        limit=round(each.elsewhere - rules.margin, 4),
        unit=metric,
        n=each.images,
        note=(
            f"{metric} {each.inside:.2f} on {each.images} images of {each.sessions} sessions, "
            f"{each.elsewhere:.2f} on all others; q = {each.q_value:.2g}{end}"
        ),
    )


def shortcut_findings(
    before: Mapping[str, Power] | None, now: Mapping[str, Power] | None, n: int, rules: SegmentRules
) -> tuple[Finding, ...]:
    """One finding for every property that told the label and does no longer, or the other way round; else one ok.

    `before` are the training images, `now` recent ones; None where there is too little to ask.
    """
    if now is None or before is None:
        side = "recent labels" if now is None else "the training set"
        note = f"{side}: too few sessions of at least two labels to see whether a property tells the label by itself"
        return (Finding(check=SHORTCUT, subject=LABEL, outcome=Outcome.INCONCLUSIVE, n=n, note=note),)
    both = {name: (before[name], now[name]) for name in before if name in now}
    found = [_shortcut(name, pair, n, rules) for name, pair in both.items() if _parted(pair, len(both), rules)]
    if found or not both:
        return tuple(sorted(found, key=lambda finding: -abs(finding.effect or 0.0)))
    name = max(both, key=lambda name: both[name][1].value)
    then, today = (each.value for each in both[name])
    note = (
        f"most is told by the {_word(name)}: power {then:.2f} in training, {today:.2f} now (0 is guessing, 1 knowing)"
    )
    return (
        Finding(
            check=SHORTCUT, subject=LABEL, outcome=Outcome.OK, value=round(abs(today - then), 4), limit=rules.shortcut,
            unit=POWER, n=n, note=note,
        ),
    )  # fmt: skip


def _parted(pair: tuple[Power, Power], asked: int, rules: SegmentRules) -> bool:
    """Whether the power differs by enough, by more than chance among all that were asked, and was no chance itself."""
    then, today = pair
    change = abs(today.value - then.value)
    far = change / math.hypot(then.error, today.error)
    real = min(then.p_value if then.value > today.value else today.p_value, 1.0) <= REAL
    return change >= rules.shortcut and real and 2 * ndtr(-far) * asked <= REAL


def _shortcut(name: str, pair: tuple[Power, Power], n: int, rules: SegmentRules) -> Finding:
    then, today = (each.value for each in pair)
    lost = then > today
    if lost:
        words = f"told the label in training (power {then:.2f}) and does no longer ({today:.2f}): who leans on it fails"
    else:
        words = f"tells the label now (power {today:.2f}), not in training ({then:.2f}): the next training may learn it"
    return Finding(
        check=SHORTCUT,
        subject=_word(name),
        outcome=Outcome.BREACH,
        value=round(abs(today - then), 4),
        limit=rules.shortcut,
        unit=POWER,
        n=n,
        effect=round(today - then, 4),
        note=f"the {_word(name)} {words}",
    )


def _word(name: str) -> str:
    return "hour of the day" if name == "hour" else name.replace("_", " ")
