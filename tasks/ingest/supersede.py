"""Which label of an image counts: the newest one; the older ones stay in the bucket."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tasks.domain.contract_labels import LabelRecord


def newest(labels: Iterable[tuple[str, LabelRecord]]) -> list[LabelRecord]:
    """One label per image id, in order of ids: the one with the latest `labelled_at`.

    Args:
        labels: Pairs of source (`<key>#<row>`) and label; of labels with the same time the later source counts.
    """
    best: dict[str, tuple[datetime, str, LabelRecord]] = {}
    for source, label in labels:
        offered = (label.labelled_at, source, label)
        if label.image_id not in best or offered[:2] > best[label.image_id][:2]:
            best[label.image_id] = offered
    return [best[image_id][2] for image_id in sorted(best)]
