"""Maximum mean discrepancy with a permutation test, for one vector per image (the model's own embedding)."""

import numpy as np
from numpy.typing import NDArray

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, usable
from tasks.drift.permutation import p_value

COMPONENTS = 32
BANDWIDTHS = (0.25, 1.0, 4.0)
"""Multiples of the median squared distance."""
MOST = 500
"""Images of either sample that take part."""
SEED = 7


def score(reference: FloatArray, current: FloatArray) -> Score:
    """The distance of the kernel means in units of the reference's own spread there, and its permutation p-value.

    Samples are (m, d) and (n, d). One half of the reference, chosen by a fixed draw, fits the scaling and the
    principal components; only the other half is tested, since a projection flatters the images it was fitted on.
    No direction exists, so `effect` is nan. Fixed seed; the order of the images is of no importance.
    """
    if not usable(reference, current) or len(reference) < 4 or len(current) < 2 or not reference.shape[1]:
        return NO_SCORE
    fitted, held_out = _halves(reference)
    before, after = (_projected(fitted, _thinned(sample)) for sample in (held_out, current))
    gram = _gram(np.vstack([before, after]))
    if gram is None:
        return Score(value=0.0, p_value=1.0)
    observed = float(_statistics(gram, _first(len(before), len(gram)))[0])
    scatter = 1 - _within(gram[: len(before), : len(before)])
    value = float(np.sqrt(max(0.0, observed) / max(scatter, 1e-12)))
    chance = p_value(lambda member: _statistics(gram, member), len(before), len(gram), observed, SEED)
    return Score(value=value, p_value=chance)


def _canonical(sample: FloatArray) -> FloatArray:
    """The rows in an order of their own, so that the order they came in does not matter."""
    return sample[np.lexsort(sample.T[::-1])]


def _halves(reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    shuffled = np.random.default_rng(SEED).permutation(_canonical(reference))
    return shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]


def _thinned(sample: FloatArray) -> FloatArray:
    if len(sample) <= MOST:
        return _canonical(sample)
    return _canonical(sample)[np.random.default_rng(SEED).choice(len(sample), MOST, replace=False)]


def _projected(fitted: FloatArray, sample: FloatArray) -> FloatArray:
    """Standardised by `fitted` and turned onto its leading principal components, (n, d) -> (n, <= 32).

    A dimension that is constant in `fitted` is only centred, so that a value there is not blown up.
    """
    centre, scale = fitted.mean(axis=0), fitted.std(axis=0)
    scale = np.where(scale > 1e-9 * (1 + np.abs(centre)), scale, 1.0)
    axes = np.linalg.svd((fitted - centre) / scale, full_matrices=False)[2]
    turned: FloatArray = ((sample - centre) / scale) @ axes[:COMPONENTS].T
    return turned


def _gram(points: FloatArray) -> FloatArray | None:
    """Mean of Gaussian kernels over the bandwidths, (n, n) with a zero diagonal; None when all points coincide."""
    squares = (points**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * points @ points.T, 0)
    median = float(np.median(distances[np.triu_indices(len(points), 1)]))
    median = median or float(distances.mean())
    if median <= 1e-18:
        return None
    gram: FloatArray = sum((np.exp(-distances / (b * median)) for b in BANDWIDTHS), np.zeros_like(distances))
    gram /= len(BANDWIDTHS)
    np.fill_diagonal(gram, 0)
    return gram


def _within(gram: FloatArray) -> float:
    return float(gram.sum() / (len(gram) * (len(gram) - 1)))


def _first(size: int, total: int) -> NDArray[np.bool_]:
    return (np.arange(total) < size)[None, :]


def _statistics(gram: FloatArray, member: NDArray[np.bool_]) -> FloatArray:
    """Unbiased squared discrepancy for every row of memberships, (p, n) -> (p,)."""
    inside = member.T.astype(float)
    size, total = int(member[0].sum()), len(gram)
    weight = gram @ inside
    first = (inside * weight).sum(axis=0)
    across = weight.sum(axis=0) - first
    second = gram.sum() - first - 2 * across
    rest = total - size
    statistics: FloatArray = first / (size * (size - 1)) + second / (rest * (rest - 1)) - 2 * across / (size * rest)
    return statistics


DETECTOR = Detector(
    score=score,
    data=Data.VECTOR,
    unit="kernel sd",
    limit=0.1,
    min_n=25,
    source="Gretton et al., A kernel two-sample test, JMLR 13 (2012)",
)
