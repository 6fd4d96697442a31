"""Labels that the champion was not evaluated on: how many there are, and when that is worth an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tasks.adapters.objects import ObjectInfo
from tasks.domain.contract_labels import LabelRecord

LABELS_ARRIVED = "labels_arrived"
"""Kind of the outbox entry that remembers what was announced."""

SLACK = timedelta(days=1)
"""An evaluation is noted when it ends. Labels that landed so long before that are looked at once more: they may have
come while it ran. What it knew is left out by name, so nothing is counted twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLook:
    """What the champion was last evaluated on.

    `number` is the decision that says so, 0 when it never was: then labels count that landed after the version was
    made, for it was trained on earlier ones. `known` maps an image id, and an object key, to the `labelled_at` of the
    label that counted.
    """

    number: int
    at: datetime
    known: Mapping[str, datetime] = field(default_factory=dict)

    def candidates(self, listed: Iterable[ObjectInfo]) -> list[ObjectInfo]:
        """The files that may hold a label it does not know; the others need not be read."""
        since = self.at - SLACK if self.number else self.at
        return [info for info in listed if info.modified > since]

    def unseen(self, labels: Iterable[LabelRecord]) -> int:
        """How many of these labels (one per image) it does not know; an older label of a known image is nothing new."""
        moments = [(each.labelled_at, self.known.get(each.image_id or each.key or "")) for each in labels]
        return sum(before is None or at > before for at, before in moments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Enough new labels for an evaluation; the same `key` is announced once."""

    key: str
    champion_sha256: str
    labels: int

    def summary(self) -> dict[str, str | int]:
        """The payload of an event."""
        return {"champion": self.champion_sha256, "labels": self.labels}


def arrived(model: str, champion_sha256: str, last: LastLook, count: int, least: int) -> Arrived | None:
    """What to announce for so many new labels; None when they are too few.

    The key changes with the champion, with every evaluation of it, and with every further `least` labels, so an
    evaluation that never came about is asked for again, but not every hour.
    """
    if count < least:
        return None
    key = f"{LABELS_ARRIVED}/{model}/{champion_sha256[:16]}/{last.number}/{count // least}"
    return Arrived(key=key, champion_sha256=champion_sha256, labels=count)
