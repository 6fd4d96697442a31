"""After an alarm: which properties gave the window away, by a classifier that tells the samples apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import PICTURES, Topic, topic
from tasks.drift.detector import Sessions, detector
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample

NAMED = 3
"""Properties that the note names."""


def told_apart(where: str, pair: tuple[Sample, Sample], found: Sequence[Finding], rules: DriftRules) -> list[Finding]:
    """One finding that ranks the properties, when the pictures of this slice breached; it accuses nobody by itself.

    Properties with unreadable pictures do not take part. Nothing when the classifier cannot tell the samples apart.
    """
    alarmed = any(f.outcome is Outcome.BREACH and topic(f.subject) is Topic.PHOTOMETRIC for f in found)
    ranker = detector(rules.explainer) if alarmed and rules.explainer else None
    if ranker is None or ranker.importances is None or min(map(len, pair)) < ranker.min_n:
        return []
    before, after = (sample.photometric.scalars for sample in pair)
    names = [n for n in before if n in after and np.isfinite(before[n]).all() and np.isfinite(after[n]).all()]
    if not names:
        return []
    rows = [np.column_stack([side[name] for name in names]) for side in (before, after)]
    known, seen = (sample.sessions for sample in pair)
    sessions = None if known is None or seen is None else Sessions(reference=known, current=seen)
    ranked = ranker.importances(rows[0], rows[1], names, sessions)
    if not ranked:
        return []
    total = sum(one.fall for one in ranked)
    parts = ", ".join(f"{one.name.replace('_', ' ')} {100 * one.fall / total:.0f} %" for one in ranked[:NAMED])
    return [
        Finding(
            check=rules.explainer,
            subject=PICTURES,
            slice=where,
            outcome=Outcome.OK,
            value=ranked[0].fall,
            unit=ranker.unit,
            n=len(rows[1]),
            note=f"told apart by {parts}",
        )
    ]
