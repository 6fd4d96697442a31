"""Guesses of scores from what is seen of every image: learnt on the labelled few, never on the image that is guessed.

A ridge regression on standardised covariates, its strength by generalised cross-validation. Labelled images are guessed
by a fit that left out their own fold (whole sessions), all others by the mean of the folds' fits: so a guess knows
nothing of the label that it is held against, and intervals that are built on the difference keep their promise.

Sources: Zrnic and Candes, Cross-prediction-powered inference (PNAS 2024); Golub, Heath and Wahba, Generalized
cross-validation as a method for choosing a good ridge parameter (Technometrics 1979).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

FOLDS = 10

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Penalties that are tried, per labelled image."""

SEED = 5


def crossed(
    scores: Numbers, labelled: NDArray[np.intp], seen: Numbers, weights: Numbers, sessions: NDArray[np.intp]
) -> Numbers:
    """(m,) a guess for each row of `seen` (m, p); `scores`, `weights` and `sessions` (n,) belong to rows `labelled`.

    Guesses lie within the scores that were seen. Without a covariate that differs everything is guessed alike.

    >>> x = np.linspace(0, 1, 200)[:, None]
    >>> guesses = crossed(x[::2, 0], np.arange(0, 200, 2), x, np.ones(100), np.arange(100))
    >>> bool(np.abs(guesses - x[:, 0]).max() < 0.1)
    True
    """
    columns = _standardised(seen)
    fold = _folds(sessions)
    guesses, fits = np.zeros(len(seen)), []
    for each in np.unique(fold):
        learn = fold != each
        fits.append(_fit(columns[labelled[learn]], scores[learn], weights[learn]))
        guesses[labelled[~learn]] = _guess(columns[labelled[~learn]], fits[-1])
    others = np.setdiff1d(np.arange(len(seen)), labelled)
    guesses[others] = np.mean([_guess(columns[others], fit) for fit in fits], axis=0)
    return np.clip(guesses, scores.min(), scores.max())


def _folds(sessions: NDArray[np.intp]) -> NDArray[np.intp]:
    """(n,) the fold of each labelled image: sessions are dealt out at random, the same way every time."""
    names, place = np.unique(sessions, return_inverse=True)
    dealt = np.random.default_rng(SEED).permutation(len(names)) % max(min(FOLDS, len(names)), 1)
    return np.asarray(dealt[place], np.intp)


def _standardised(seen: Numbers) -> Numbers:
    spread = seen.std(0)
    used = spread > 1e-9
    return np.asarray((seen[:, used] - seen[:, used].mean(0)) / spread[used], np.float64)


def _fit(columns: Numbers, scores: Numbers, weights: Numbers) -> tuple[float, Numbers]:
    """Level and slopes; the penalty is the one with the least generalised cross-validation error."""
    share = weights / weights.sum()
    middle, level = share @ columns, float(share @ scores)
    root = np.sqrt(share * len(scores))[:, None]
    left, sizes, right = np.linalg.svd((columns - middle) * root, full_matrices=False)
    target = (scores - level) * root[:, 0]
    along = left.T @ target
    best, slopes = np.inf, np.zeros(columns.shape[1])
    for strength in STRENGTHS:
        kept = sizes**2 / (sizes**2 + strength * len(scores))
        rest = float(((target - left @ (kept * along)) ** 2).sum())
        error = rest / max(len(scores) - 1 - float(kept.sum()), 1e-9) ** 2
        if error < best:
            best, slopes = error, right.T @ (kept * along / np.maximum(sizes, 1e-12))
    return level - float(middle @ slopes), slopes


def _guess(columns: Numbers, fit: tuple[float, Numbers]) -> Numbers:
    return np.asarray(fit[0] + columns @ fit[1], np.float64)
