"""Is it the labels that changed? Four signs of another way of labelling, each told with what was seen.

A model whose world changed errs from a moment of capture on, with everybody's labels, in all sorts of ways. Labels that
are written in another way make it err from a moment of labelling on, or with one person, or in one systematic way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tasks.concept.answered import Answered, Pair
from tasks.concept.betting import Samples
from tasks.concept.sequence import split
from tasks.domain.concept import POLICY
from tasks.domain.finding import Finding, Outcome

FEWEST = 20
"""Images, boxes or labels of one person below which nothing is said."""

SHUFFLES, RARE = 999, 0.01
SIZE_STEP, PLACE_STEP, AGREED = math.log(1.15), 0.08, 0.75
"""A change of box area, of a centre in box widths, and the share of boxes that must go the same way."""

FIRM = 3.0
"""Natural logarithm of the likelihood ratio from which one order of time explains the rise better than the other."""

GONE, THERE = 0.25, 0.5
"""A class whose answers lose their labels: less than the one of before, of which there was at least the other."""


def signs(before: Sequence[Answered], since: Sequence[Answered], margin: float) -> tuple[Finding, ...]:
    """One finding per sign: breach where it is seen, ok where it is not, inconclusive where too little is known.

    Args:
        before: Labelled images until the error rose, the baseline among them.
        since: Those since then, in the same order (of labelling).
        margin: A difference of errors (0..1) that is let pass.
    """
    questions: tuple[tuple[str, Callable[[], tuple[str, bool] | None]], ...] = (
        ("annotators", lambda: _annotators(since, margin)),
        ("labelling_time", lambda: _labelling_time([*before, *since])),
        ("boxes", lambda: _boxes(before, since)),
        ("classes", lambda: _classes(before, since)),
    )
    return tuple(_finding(subject, ask(), len(since)) for subject, ask in questions)


def _finding(subject: str, answer: tuple[str, bool] | None, n: int) -> Finding:
    if answer is None:
        note, outcome = "too few to tell", Outcome.INCONCLUSIVE
    else:
        note, outcome = answer[0], Outcome.BREACH if answer[1] else Outcome.OK
    return Finding(check=POLICY, subject=subject, outcome=outcome, n=n, note=note)


def _annotators(since: Sequence[Answered], margin: float) -> tuple[str, bool] | None:
    """Whether the error is one person's: the largest difference between people against shuffled names.

    Whole sessions are shuffled, because one person mostly labels one session.
    """
    names = np.array([image.annotator for image in since], dtype=object)
    people = [name for name in sorted(set(names)) if (names == name).sum() >= FEWEST]
    if len(people) < 2:
        return None
    losses = np.array([image.loss for image in since])
    blocks = list({(image.session, image.annotator): None for image in since})
    place = {block: row for row, block in enumerate(blocks)}
    rows = np.array([place[image.session, image.annotator] for image in since])
    means = {name: float(losses[names == name].mean()) for name in people}
    apart = max(means.values()) - min(means.values())
    owners = np.array([name for _, name in blocks], dtype=object)
    rng = np.random.default_rng(0)
    larger = sum(_apart(rng.permutation(owners)[rows], losses, people) >= apart for _ in range(SHUFFLES))
    seen = (larger + 1) / (SHUFFLES + 1) <= RARE and apart > margin
    told = ", ".join(f"{name} {means[name]:.2f}" for name in sorted(people, key=lambda each: -means[each])[:4])
    return f"error by annotator: {told}", seen


def _apart(names: np.ndarray[tuple[int, ...], np.dtype[np.object_]], losses: Samples, people: Sequence[str]) -> float:
    means = [float(losses[names == name].mean()) for name in people if (names == name).any()]
    return max(means) - min(means)


def _labelling_time(images: Sequence[Answered]) -> tuple[str, bool] | None:
    """Whether a step in the order of labelling fits better than one in that of capture; equal orders say nothing."""
    told = sorted(images, key=lambda image: (image.labelled_at, image.image_id))
    taken = sorted(images, key=lambda image: (image.captured_at, image.image_id))
    if len(images) < 2 * FEWEST:
        return None
    (row, by_label), (other, by_capture) = (split(np.array([image.loss for image in each])) for each in (told, taken))
    if not row or not other:
        return None
    tiny = 1e-9
    ratio = len(images) / 2 * math.log((by_capture + tiny) / (by_label + tiny))
    if abs(ratio) < FIRM:
        return None
    at = (told[row].labelled_at if ratio > 0 else taken[other].captured_at).strftime("%Y-%m-%d %H:%M")
    if ratio > 0:
        return f"the error is higher in what was labelled from {at} on, whenever it was taken", True
    return f"the error is higher in what was taken from {at} on, whenever it was labelled", False


def _boxes(before: Sequence[Answered], since: Sequence[Answered]) -> tuple[str, bool] | None:
    """Whether all labelled boxes became larger or smaller, or moved one way, beside the answers."""
    old, new = (_paired(each) for each in (before, since))
    if min(len(old), len(new)) < FEWEST:
        return None
    words = (
        ("size", SIZE_STEP, "larger", "smaller"),
        ("right", PLACE_STEP, "farther right", "farther left"),
        ("down", PLACE_STEP, "lower", "higher"),
    )
    for name, step, more, less in words:
        was, now = (np.array([getattr(pair, name) for pair in each]) for each in (old, new))
        middle, change = float(np.median(was)), float(np.median(now) - np.median(was))
        share = float((np.sign(now - middle) == np.sign(change)).mean())
        if abs(change) >= step and share >= AGREED:
            how = more if change > 0 else less
            much = f"by {abs(math.expm1(change)):.0%} in area" if name == "size" else f"by {abs(change):.0%} of a box"
            return f"labelled boxes lie {how} {much}" if name != "size" else f"labelled boxes are {how} {much}", True
    return "labelled boxes lie beside the answers as before", False


def _paired(images: Sequence[Answered]) -> list[Pair]:
    return [p for image in images for p in image.pairs if p.answered == p.labelled and p.boxed]


def _classes(before: Sequence[Answered], since: Sequence[Answered]) -> tuple[str, bool] | None:
    """Whether one class is not labelled any more, or under another class's name, while the model answers it as ever."""
    old, new = ([p for image in each for p in image.pairs if p.answered >= 0] for each in (before, since))
    if min(len(old), len(new)) < FEWEST:
        return None
    for name in sorted({pair.answered for pair in new}):
        was, now = ([p.labelled for p in each if p.answered == name] for each in (old, new))
        if min(len(was), len(now)) < FEWEST // 2:
            continue
        kept, left = was.count(name) / len(was), now.count(name) / len(now)
        if kept < THERE or left > GONE * kept:
            continue
        other = max(set(now) - {name}, key=now.count)
        told = "are not labelled any more" if other < 0 else f"are labelled as class {other}"
        return f"answers of class {name} {told}: {left:.0%} still are, {kept:.0%} were", True
    return "every class that is answered is labelled as before", False
