"""Fisher's exact test of two shares, for yes or no per image: images without objects, images with a class."""

import numpy as np
from scipy.stats import fisher_exact

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.effect import rate_difference
from tasks.drift.permutation import counted_p_value, split_of

SEED = 29


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """Cohen's h without its sign, the exact two-sided p-value, and h with its sign; samples hold 0 and 1.

    Where images depend on each other the p-value is that of whole sessions dealt out anew.
    """
    if not usable(reference, current):
        return NO_SCORE
    before, after = round(float(reference.sum())), round(float(current.sum()))
    difference = rate_difference(before / len(reference), after / len(current))
    if sessions is None:
        table = [[before, len(reference) - before], [after, len(current) - after]]
        chance = float(fisher_exact(table).pvalue)
    else:
        pooled = np.concatenate([reference, current])
        split = split_of(len(reference), len(current), sessions)
        chance = counted_p_value(_gap, np.column_stack([pooled, 1 - pooled]), split, abs(difference) / 2, SEED)
    return Score(value=abs(difference), p_value=chance, effect=difference)


def _gap(before: FloatArray, after: FloatArray) -> FloatArray:
    """Difference of two shares after the arcsine transform; counts of yes and no (..., 2) twice -> (...)."""
    shares = [side[..., 0] / np.maximum(side.sum(axis=-1), 1) for side in (before, after)]
    gap: FloatArray = np.abs(np.arcsin(np.sqrt(shares[0])) - np.arcsin(np.sqrt(shares[1])))
    return gap


DETECTOR = Detector(
    score=score,
    data=Data.RATE,
    unit="Cohen's h",
    limit=0.25,
    min_n=25,
    source="Fisher (1922); effect size after Cohen (1988)",
)
