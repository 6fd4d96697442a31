"""Fisher's exact test of two shares, for yes or no per image: images without objects, images with a class."""

from scipy.stats import fisher_exact

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, usable
from tasks.drift.effect import rate_difference


def score(reference: FloatArray, current: FloatArray) -> Score:
    """Cohen's h without its sign, the exact two-sided p-value, and h with its sign; samples hold 0 and 1."""
    if not usable(reference, current):
        return NO_SCORE
    before, after = int(reference.sum()), int(current.sum())
    table = [[before, len(reference) - before], [after, len(current) - after]]
    difference = rate_difference(before / len(reference), after / len(current))
    return Score(value=abs(difference), p_value=float(fisher_exact(table).pvalue), effect=difference)


DETECTOR = Detector(
    score=score,
    data=Data.RATE,
    unit="Cohen's h",
    limit=0.25,
    min_n=25,
    source="Fisher (1922); effect size after Cohen (1988)",
)
