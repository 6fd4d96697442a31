"""Kolmogorov-Smirnov: the largest gap between two distribution functions, for one number per image."""

from scipy.stats import ks_2samp

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, usable
from tasks.drift.effect import gap_as_shift, normal_score_shift


def score(reference: FloatArray, current: FloatArray) -> Score:
    """The gap as the normal shift that would open it, its asymptotic p-value, and the signed mean shift.

    Samples are (m,) and (n,). A change of spread alone has a value and no effect. Ties make p too large,
    never too small.
    """
    if not usable(reference, current):
        return NO_SCORE
    test = ks_2samp(reference, current, method="asymp")
    value = gap_as_shift(float(test.statistic))
    return Score(value=value, p_value=float(test.pvalue), effect=normal_score_shift(reference, current))


DETECTOR = Detector(
    score=score,
    data=Data.SCALAR,
    unit="sd",
    limit=0.25,
    min_n=25,
    source="Smirnov (1948); effect in normal scores after van der Waerden (1952)",
)
