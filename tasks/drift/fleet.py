"""What shows over all cameras together: is it more than what single cameras, already blamed, put into it?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import FLEET

OWN = 0.5
"""Share of a change over all cameras that unblamed cameras must show, for it to be a cause of its own."""


def product_groups(
    breaches: Sequence[Finding], drift: Sequence[Finding], faulty: frozenset[str]
) -> list[list[Finding]]:
    """The breaches that no faulty camera explains, one list for each cause: of some cameras, and of all together."""
    single = [f for f in breaches if f.camera and f.camera not in faulty]
    blamed = faulty | {f.camera for f in single if f.camera}
    whole = [f for f in breaches if not f.camera]
    if len({f.camera for f in drift if f.camera}) == 1 and blamed:  # all cameras together are this one
        asked = {f.subject for f in single}
        lone = [*single, *(replace(f, slice=single[0].slice) for f in whole if single and f.subject not in asked)]
        return [lone] if lone else []
    fleet = [f for f in whole if independent(f, drift, blamed, faulty)]
    sound = {f.camera for f in drift if f.camera} - faulty
    if shown_by([*single, *fleet], len(sound)):  # what all show together is what most of them show
        return [[*single, *fleet]]
    joined = [f for f in single if any(alike(f, each) for each in fleet)]
    return [group for group in ([f for f in single if f not in joined], fleet + joined) if group]


def shown_by(group: Sequence[Finding], sound: int) -> tuple[str, ...]:
    """The cameras that a cause names, in alphabetical order: () for one that shows over all cameras together only.

    `sound` counts the cameras that are not at fault: a change that most of them show is a change of these cameras,
    whatever else all of them show together.
    """
    shown = tuple(sorted({f.camera for f in group if f.camera}))
    return shown if all(f.camera for f in group) or 2 * len(shown) > sound else ()


def independent(finding: Finding, drift: Sequence[Finding], blamed: frozenset[str], faulty: frozenset[str]) -> bool:
    """Whether a breach over all cameras needs a cause beside those of the `blamed` cameras.

    The same question's answers camera by camera decide, significant or not: do the cameras that nothing blames show
    half of the change by themselves? Where a blamed camera has breached in this very subject, they must carry half of
    the whole: else its cause says it already. Where no camera was asked, a camera at fault explains it (what a sick
    lens does shows everywhere), and a new product on some cameras does not. An incident of the fleet is about the
    fleet. Of what has no direction (places, the model's own view) only breaches count: the distance between few scenes
    is never small, and does not cancel out as shifts do.
    """
    if not blamed or finding.check == FLEET:
        return True
    same = [
        f
        for f in drift
        if f.camera
        and (f.check, f.subject) == (finding.check, finding.subject)
        and f.outcome is not Outcome.INCONCLUSIVE
        and f.n
    ]
    others = [f for f in same if f.camera not in blamed] or [f for f in same if f.camera not in faulty]
    if not others:
        return not faulty
    if finding.effect is None and not any(f.outcome is Outcome.BREACH for f in others):
        return False
    size, count = _sum(others, finding), sum(f.n for f in others)
    if any(f.outcome is Outcome.BREACH and f.camera not in faulty for f in same):
        return all(f.camera not in blamed for f in others) and size >= OWN * _sum(same, finding)
    return size >= OWN * count * _size(finding)


def _sum(parts: Sequence[Finding], whole: Finding) -> float:
    return math.fsum(_signed(f, whole) * f.n for f in parts)


def _signed(part: Finding, whole: Finding) -> float:
    """The camera's shift in the direction of the whole; of what has no direction the square, as squares add up."""
    if whole.effect is None:
        return (part.value or 0.0) ** 2
    return (part.effect or 0.0) * math.copysign(1.0, whole.effect)


def _size(finding: Finding) -> float:
    return (finding.value or 0.0) ** 2 if finding.effect is None else abs(finding.effect)


def alike(first: Finding, second: Finding) -> bool:
    """Whether two findings tell of the same change: the same subject into the same direction."""
    return first.subject == second.subject and (first.effect or 0.0) * (second.effect or 0.0) >= 0
