"""What became of every label that people wrote: none is lost without a word."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from tasks.domain.contract_labels import LabelRecord, LabelVerdict
from tasks.ingest.shown import Shown, answers, seen
from tasks.ingest.supersede import Conflict, Place, Settled, Sourced

NAMED = 1_000
"""Images that are named in an account, of each sort."""

Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What verdicts say about the answers that people looked at, without saying what would be right.

    `images` were looked at, `right` of them were called correct; `share` is their ratio with its 95 % interval.
    `boxes` were shown on them: at least `sure` are right and at most `perhaps`, because a verdict about an image says
    that one of its boxes is wrong, not which and not how many.
    """

    images: int = 0
    right: int = 0
    share: tuple[float, float, float] | None = None
    boxes: int = 0
    sure: int = 0
    perhaps: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How many labels were read, and how many of them are in which place; `refused` are counted by reason.

    `queue` names images of which people only said that something is wrong: they wait for a full label.
    """

    rows: int
    places: Mapping[str, int]
    refused: Mapping[str, int]
    conflicts: Sequence[Conflict] = ()
    feedback: Feedback = field(default_factory=Feedback)
    queue: Sequence[str] = ()


def account(labels: Sequence[Sourced], settled: Settled, refused: Sequence[str], known: Shown, least: float) -> Account:
    """The account of all labels: as they were written, where they were put, and the reasons of those refused."""
    places = Counter(place.value for place in settled.places)
    waiting = [label.name for label in settled.partial]
    return Account(
        rows=len(labels) + len(refused),
        places={place.value: places[place.value] for place in Place if places[place.value]},
        refused=dict(sorted(Counter(refused).items())),
        conflicts=settled.conflicts[:NAMED],
        feedback=feedback([label for _, label in labels], known, least),
        queue=waiting[:NAMED],
    )


def feedback(labels: Sequence[LabelRecord], known: Shown, least: float) -> Feedback:
    """The newest verdict of each image that has one, counted; an answer that is not on record counts no boxes."""
    newest: dict[str, LabelRecord] = {}
    for label in sorted((each for each in labels if each.verdict), key=lambda each: (each.labelled_at, each.annotator)):
        newest[label.name] = label
    right = sum(label.verdict is LabelVerdict.CORRECT for label in newest.values())
    boxes = sure = perhaps = 0
    for name, label in newest.items():
        row = known.answers.get(name)
        if row is None or not answers(row, label):
            continue
        count = len(seen(row, label, least))
        low, high = _right(count, label.verdict)
        boxes, sure, perhaps = boxes + count, sure + low, perhaps + high
    verdicts = Counter(str(label.verdict) for label in newest.values())
    share = wilson(right, len(newest)) if newest else None
    return Feedback(
        images=len(newest),
        right=right,
        share=share,
        boxes=boxes,
        sure=sure,
        perhaps=perhaps,
        verdicts=dict(sorted(verdicts.items())),
    )


def wilson(right: int, n: int) -> tuple[float, float, float]:
    """A share and its 95 % interval. Source: Wilson, JASA 22 (1927).

    >>> [round(each, 3) for each in wilson(9, 10)]
    [0.9, 0.596, 0.982]
    """
    share, z2 = right / n, Z * Z
    middle, half = share + z2 / (2 * n), Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return share, (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)


def account_json(found: Account) -> dict[str, Any]:
    """The account as JSON values."""
    return {**asdict(found), "conflicts": [_conflict_json(each) for each in found.conflicts]}


def account_of(data: Mapping[str, Any]) -> Account:
    """The inverse of `account_json`."""
    told = {**data["feedback"], "share": tuple(data["feedback"]["share"]) if data["feedback"]["share"] else None}
    return Account(
        **{
            **data,
            "conflicts": [
                Conflict(
                    image_id=each["image_id"],
                    labelled_at=datetime.fromisoformat(each["labelled_at"]),
                    annotators=tuple(each["annotators"]),
                )
                for each in data["conflicts"]
            ],
            "feedback": Feedback(**told),
        }
    )


def _conflict_json(conflict: Conflict) -> dict[str, Any]:
    return {**asdict(conflict), "labelled_at": conflict.labelled_at.isoformat()}


def _right(count: int, verdict: LabelVerdict | None) -> tuple[int, int]:
    """How many of so many boxes are right at least and at most."""
    if verdict is LabelVerdict.CORRECT:
        return count, count
    if verdict is LabelVerdict.MISSED_OBJECT:  # nothing is said about those that were shown
        return 0, count
    return 0, max(count - 1, 0)
