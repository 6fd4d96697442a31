"""Shortcuts: does one property of the picture, or the camera, tell the label by itself, and does it still?

A model may learn the lamp instead of the crack. That shows when the lamp tells the label in the training images and no
longer does among recent ones, or the other way round. Power is the balanced accuracy of a shallow tree on images that
it was not fitted to, scaled so that guessing is 0 and knowing is 1 (as in a predictive power score, but fair to rare
classes). Sessions are the unit: their images are alike in light and label, and would vouch for each other.

Source of the score: Wetschoreck, RIP correlation. Introducing the Predictive Power Score (2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from tasks.domain.scoring.truth import Truth
from tasks.segments.facts import Facts, Floats

FOLDS = 4
LEAST = 60
"""Sessions with a label below which nothing is said."""
LEAST_OF_A_LABEL = 12
"""Sessions of a label below which it does not take part."""
LABELS = 8
"""Labels that take part, the most frequent."""
MOST = 1_000
"""Sessions that take part: of more, the first so many in a fixed random order."""
DRAWS = 200
PERMUTATIONS = 99
MATTERS = 0.1
"""Power below which nobody asks whether it is chance."""
SEED = 17

Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Sessions with their label (n,) as a number, the numbers of their pictures (median) and names as numbers (n,)."""

    labels: Codes
    numbers: dict[str, Floats]
    names: dict[str, Codes]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """How well something tells the label, 0..1, its standard error, and how often chance does as well."""

    value: float
    error: float
    p_value: float


def main_label(truth: Truth, classes: Sequence[str]) -> str:
    """The class that an image has most objects of, "nothing" for an empty one; for classify its class."""
    if not len(truth.classes):
        return "nothing"
    most = int(np.bincount(truth.classes).argmax())
    return classes[most] if most < len(classes) else f"#{most}"


def units(known: Facts) -> Units | None:
    """The sessions of labelled images (`names["answer"]` holds the label); None when there is too little to ask."""
    first = np.unique(known.sessions, return_index=True)[1]
    order = np.random.default_rng(SEED).permutation(first)[:MOST]
    label = known.names["answer"][order]
    found, counts = np.unique(label, return_counts=True)
    ranked = sorted(zip(counts.tolist(), found.tolist(), strict=True), reverse=True)[:LABELS]
    kept = [name for count, name in ranked if count >= LEAST_OF_A_LABEL and name]
    rows = order[np.isin(label, kept)]
    if len(kept) < 2 or len(rows) < LEAST:
        return None
    members = [np.flatnonzero(known.sessions == known.sessions[row]) for row in rows.tolist()]
    return Units(
        labels=np.searchsorted(sorted(kept), known.names["answer"][rows]).astype(np.intp),
        numbers={
            name: np.array([np.median(values[places]) for places in members]) for name, values in known.numbers.items()
        },
        names={
            name: np.unique(known.names[name][rows], return_inverse=True)[1].astype(np.intp)
            for name in ("camera", "hour")
        },
    )


def powers(known: Units) -> dict[str, Power]:
    """What each property, the camera and the part of the day tell of the label; what never varies is left out."""
    return {name: power(columns, known.labels) for name, columns in _columns(known)}


def power(columns: Floats, labels: Codes) -> Power:
    """The power of (n, k) columns to tell labels (n,)."""
    told = _told(columns, labels)
    value = score(told, labels)
    rng = np.random.default_rng(SEED)
    draws = rng.integers(0, len(labels), (DRAWS, len(labels)))
    error = float(np.std([score(told[draw], labels[draw]) for draw in draws]))
    return Power(value=value, error=max(error, 0.02), p_value=_chance(columns, labels, value, rng))


def score(told: Codes, labels: Codes) -> float:
    """Balanced accuracy, scaled: 0 for guessing or worse, 1 for all right; over the labels that occur.

    >>> score(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])), score(np.array([0, 0, 0, 0]), np.array([0, 0, 1, 1]))
    (1.0, 0.0)
    """
    seen = np.unique(labels)
    if len(seen) < 2:
        return 0.0
    right = float(np.mean([(told[labels == each] == each).mean() for each in seen]))
    return max(0.0, (right - 1 / len(seen)) / (1 - 1 / len(seen)))


def _told(columns: Floats, labels: Codes) -> Codes:
    """What a shallow tree answers (n,) on each quarter of the rows after it was fitted to the others.

    Some hundred times for each column: nothing is looked through that was looked through before, which is half of it.
    """
    rows, told = np.ascontiguousarray(columns, np.float32), np.empty(len(labels), np.intp)  # the tree's own precision
    tree = DecisionTreeClassifier(
        max_depth=3, min_samples_leaf=max(3, len(labels) // 50), class_weight="balanced", random_state=SEED
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    with config_context(skip_parameter_validation=True):
        for others, part in folds.split(rows, labels):
            told[part] = tree.fit(rows[others], labels[others], check_input=False).predict(
                rows[part], check_input=False
            )
    return told


def _chance(columns: Floats, labels: Codes, value: float, rng: np.random.Generator) -> float:
    """Share of random labellings that do as well, the real one counted; 1 for what is too weak to matter anyway."""
    if value < MATTERS:
        return 1.0
    reached = 0
    for done in range(1, PERMUTATIONS + 1):
        shuffled = rng.permutation(labels)
        reached += score(_told(columns, shuffled), shuffled) >= value
        if reached >= 5:
            return (1 + reached) / (1 + done)
    return (1 + reached) / (1 + PERMUTATIONS)


def _columns(known: Units) -> Iterator[tuple[str, Floats]]:
    for name, values in known.numbers.items():
        usable = np.isfinite(values)
        if usable.mean() >= 0.9 and np.ptp(values[usable]) > 0:
            yield name, np.where(usable, values, np.median(values[usable]))[:, None]
    for name, codes in known.names.items():
        if codes.max(initial=0) > 0:
            yield name, np.eye(int(codes.max()) + 1)[codes]
