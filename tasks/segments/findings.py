"""What the search found, as findings. They accuse the version, not the window: they are told and decide nothing."""

from __future__ import annotations

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import WEAK_SEGMENT
from tasks.segments.rules import SegmentRules
from tasks.segments.search import Searched, Weak

SEGMENTS = "segments"


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
