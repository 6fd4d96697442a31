"""Shares of classes: in labels, in training, in answers; each image counts as one witness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.domain.finding import Finding, Outcome
from tasks.quality.rules import QualityRules

Z = 4.0
"""Standard errors that a difference of shares must exceed: about 1 in 16,000 by chance, as many are asked about."""

Counts = NDArray[np.int64]
"""`(images, classes)`: objects of each class in each image."""


def counts(objects: Sequence[Sequence[int]], classes: int) -> Counts:
    """How often each class occurs in each image; class ids beyond the known ones are left out."""
    table = np.zeros((len(objects), classes), dtype=np.int64)
    for row, ids in enumerate(objects):
        for class_id in ids:
            if 0 <= class_id < classes:
                table[row, class_id] += 1
    return table


def shares(
    table: Counts, weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean share of every class among an image's objects `(classes,)`, and its standard error over images.

    Images without objects do not speak; none at all gives zeros and infinite errors. `weights` (images,) is how many
    images each stands for: rare classes are drawn more often than others.
    """
    speaks = table.any(axis=1)
    counted = np.ones(len(table)) if weights is None else weights
    table, counted = table[speaks], counted[speaks]
    if not len(table):
        return np.zeros(table.shape[1]), np.full(table.shape[1], np.inf)
    each, part = table / table.sum(axis=1, keepdims=True), counted / counted.sum()
    mean = part @ each
    error = np.sqrt(part**2 @ (each - mean) ** 2)
    return mean, np.maximum(error, 1.0 / len(each))


def label_mix(labels: Counts, trained: Counts, answers: Counts, rules: QualityRules) -> Finding:
    """Whether the classes of labels are neither those that the champion learnt nor those that it answers now.

    A changed product moves labels and answers together, a changed selection leaves training far away but not the
    answers; labels that are far from both were given by a broken tool or to a wrong question. `value` is the smaller
    of the two total variation distances (0..1), less what chance explains.
    """
    witnesses = int((labels > 0).any(axis=1).sum())
    known = [other for other in (trained, answers) if other.sum() >= rules.min_labels]
    if labels.sum() < rules.min_labels or not known:
        missing = "labelled objects" if labels.sum() < rules.min_labels else "objects to compare with"
        return _mixed(Outcome.INCONCLUSIVE, witnesses, None, f"too few {missing}: {rules.min_labels} needed")
    far = min(_distance(labels, other) for other in known)
    if far <= rules.max_label_shift:
        return _mixed(Outcome.OK, witnesses, (far, rules.max_label_shift), "")
    share = shares(labels)[0]
    most = f"class {int(share.argmax())} is {share.max():.0%} of all labelled objects"
    note = f"{most}; neither training nor the model's answers look like that"
    return _mixed(Outcome.BREACH, witnesses, (far, rules.max_label_shift), note)


def _mixed(outcome: Outcome, witnesses: int, measured: tuple[float, float] | None, note: str) -> Finding:
    value, limit = measured or (None, None)
    return Finding(
        check="class_mix",
        subject="label_objects.class_id",
        outcome=outcome,
        value=value,
        limit=limit,
        unit="share",
        n=witnesses,
        note=note,
    )


def _distance(left: Counts, right: Counts) -> float:
    (p, p_error), (q, q_error) = shares(left), shares(right)
    beyond = np.abs(p - q) - Z * np.hypot(p_error, q_error)
    return float(np.clip(beyond, 0.0, None).sum() / 2)
