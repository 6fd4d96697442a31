"""The detectors' numbers against scipy, scikit-learn, statsmodels' formulas and brute force: no shared code."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tasks.drift import points
from tasks.drift.detector import Sessions
from tasks.drift.detectors import (
    anderson_darling,
    chi_square,
    domain_classifier,
    energy,
    fisher,
    hellinger,
    jensen_shannon,
    ks,
)
from tasks.drift.permutation import kept, split_of


def large(kind, rng, n):
    if kind == "ties":
        return rng.poisson(3, n).astype(float)
    if kind == "skewed":
        return np.exp(3 * rng.standard_normal(n))
    return rng.standard_cauchy(n) if kind == "heavy" else 100 + rng.standard_normal(n)


@pytest.mark.parametrize("kind", ["normal", "skewed", "heavy", "ties"])
@pytest.mark.parametrize("shift", [0.0, 0.03, 0.4])
def test_the_counted_gap_of_large_samples_is_scipys_to_the_last_digit(kind, shift):
    rng = np.random.default_rng([len(kind), int(100 * shift)])
    reference, current = large(kind, rng, 30_000), large(kind, rng, 24_000) + shift
    expected = stats.ks_2samp(reference, current, method="asymp")
    score = ks.score(reference, current)
    assert score.value == pytest.approx(2 * stats.norm.ppf((1 + expected.statistic) / 2), rel=1e-9)
    assert score.p_value == pytest.approx(expected.pvalue, abs=1e-6)


def test_the_counted_shift_is_that_of_single_ranks():
    rng = np.random.default_rng(1)
    reference, current = np.exp(rng.standard_normal(30_000)), np.exp(rng.standard_normal(20_000) + 0.3)
    ranks = np.clip(np.searchsorted(np.sort(reference), current) / 30_000, 0.5 / 30_000, 1 - 0.5 / 30_000)
    assert ks.score(reference, current).effect == pytest.approx(stats.norm.ppf(ranks).mean(), abs=1e-3)


def test_one_outlier_does_not_spoil_the_bins():
    rng = np.random.default_rng(2)
    reference, current = rng.standard_normal(20_000), rng.standard_normal(20_000) + 0.3
    reference[7] = 1e300
    assert ks.score(reference, current).p_value == pytest.approx(stats.ks_2samp(reference, current).pvalue, abs=1e-6)


@pytest.mark.parametrize("ties", [False, True])
def test_the_anderson_darling_statistic_is_scipys(ties):
    rng = np.random.default_rng(12)
    one, two = rng.standard_normal(80), rng.standard_normal(50) + 0.3
    one, two = (np.round(one), np.round(two)) if ties else (one, two)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy says that its p-value is capped, and that a name will change
        found = stats.anderson_ksamp([one, two], midrank=False).statistic
    assert (anderson_darling.statistic(*anderson_darling._counts(one, two)) - 1) / _deviation(80, 50) == pytest.approx(
        found
    )


def _deviation(m, n):
    """Scholz & Stephens (1987), equation 4, for two samples."""
    total = m + n
    h = sum(1 / i for i in range(1, total))
    g = sum(1 / ((total - i) * j) for i in range(1, total - 1) for j in range(i + 1, total))
    inverse = 1 / m + 1 / n
    a = (4 * g - 6) + (10 - 6 * g) * inverse
    b = (2 * g - 4) * 4 + 8 * h * 2 + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * inverse + 4 * h
    d = (2 * h + 6) * 4 - 4 * h * 2
    return np.sqrt((a * total**3 + b * total**2 + c * total + d) / ((total - 1) * (total - 2) * (total - 3)))


@pytest.mark.parametrize("share", [0.05, 0.01, 0.001])
def test_the_tail_is_that_of_the_weighted_sum_of_squares(share):
    rng = np.random.default_rng(13)
    weights = 1 / (np.arange(1, 41) * np.arange(2, 42))
    chance = rng.standard_normal((150_000, 40)) ** 2 @ weights + 1 - weights.sum()
    assert anderson_darling.beyond(float(np.quantile(chance, 1 - share))) == pytest.approx(share, rel=0.15)


def test_a_small_shift_needs_fewer_images_than_with_the_largest_gap_alone():
    rng = np.random.default_rng(14)
    pairs = [(rng.standard_normal(800), rng.standard_normal(50) + 0.5) for _ in range(60)]
    finds = [sum(tool.score(*pair).p_value <= 0.001 for pair in pairs) for tool in (anderson_darling, ks)]
    assert finds[0] >= finds[1] + 5


def test_the_divergence_in_bits_is_scipys_distance_squared():
    before, after = np.array([30.0, 10, 5, 55]), np.array([9.0, 20, 31, 40])
    expected = jensenshannon(before + 0.5, after + 0.5, base=2) ** 2
    assert jensen_shannon.divergence(before, after) == pytest.approx(expected)


def test_the_hellinger_distance_is_one_minus_the_affinity():
    before, after = np.array([30.0, 10, 5, 55]), np.array([9.0, 20, 31, 40])
    p, q = (before + 0.5) / 102, (after + 0.5) / 102
    assert hellinger.squared(before, after) == pytest.approx(1 - np.sqrt(p * q).sum())


def test_pearsons_statistic_is_scipys():
    before, after = np.array([30.0, 10, 5]), np.array([9.0, 20, 31])
    expected = stats.chi2_contingency(np.array([before, after]), correction=False).statistic
    assert chi_square.pearson(before, after) == pytest.approx(expected)


def test_with_one_object_an_image_the_permuted_p_value_is_the_textbooks():
    rng = np.random.default_rng(3)
    before, after = np.eye(3)[rng.choice(3, 300, p=[0.5, 0.3, 0.2])], np.eye(3)[rng.choice(3, 200, p=[0.42, 0.3, 0.28])]
    table = np.array([before.sum(axis=0), after.sum(axis=0)])
    assert chi_square.score(before, after).p_value == pytest.approx(stats.chi2_contingency(table).pvalue, abs=0.03)


def test_crowded_images_make_the_textbook_cry_wolf_and_not_the_clustered_test():
    rng = np.random.default_rng(4)
    textbook = clustered = 0
    for _ in range(60):
        samples = [np.eye(3)[rng.choice(3, n)] * rng.geometric(0.1, (n, 1)) for n in (150, 60)]
        table = np.array([sample.sum(axis=0) for sample in samples])
        textbook += stats.chi2_contingency(table).pvalue <= 0.05
        clustered += chi_square.score(*samples).p_value <= 0.05
    assert textbook >= 30
    assert clustered <= 8


def test_cohens_w_reads_back_two_shares():
    before, after = np.repeat([[1.0, 0.0], [0.0, 1.0]], [2_000, 2_000], axis=0), np.zeros((4_000, 2))
    after[:2_488, 0] = after[2_488:, 1] = 1
    shares = np.array([[0.5, 0.5], [0.622, 0.378]])
    expected = np.sqrt(((shares[0] - shares[1]) ** 2 / shares.mean(axis=0)).sum())
    assert chi_square.score(before, after).value == pytest.approx(expected, abs=0.03)


def test_no_objects_on_one_side_are_no_mix():
    counts = np.ones((40, 2))
    assert np.isnan(chi_square.score(counts, np.zeros((40, 2))).p_value)


def test_the_energy_distance_is_scipys():
    rng = np.random.default_rng(5)
    one, two = rng.standard_normal(30), rng.standard_normal(20) + 1
    closeness = energy.negative_distances(np.concatenate([one, two])[:, None])
    within = [-closeness[:30, :30].mean(), -closeness[30:, 30:].mean()]
    across = -closeness[:30, 30:].mean()
    assert stats.energy_distance(one, two) ** 2 == pytest.approx(2 * across - within[0] - within[1])
    unbiased = 2 * across - within[0] * 30 / 29 - within[1] * 20 / 19
    member = (np.arange(50) < 30)[None, :]
    assert points.discrepancies(closeness, member)[0] == pytest.approx(unbiased)


def test_the_classifier_tells_apart_as_well_as_one_fitted_by_hand():
    rng = np.random.default_rng(6)
    before, after = rng.standard_normal((600, 3)), rng.standard_normal((600, 3)) + np.array([1.0, 0, 0])
    half = LogisticRegression().fit(np.vstack([before[::2], after[::2]]), np.repeat([0, 1], 300))
    scores = half.decision_function(np.vstack([before[1::2], after[1::2]]))
    expected = 2 * roc_auc_score(np.repeat([0, 1], 300), scores) - 1
    assert domain_classifier.score(before, after).value == pytest.approx(expected, abs=0.08)


def test_the_property_that_moved_is_named_first_and_the_others_hardly_count():
    rng = np.random.default_rng(7)
    before, after = rng.standard_normal((400, 4)), rng.standard_normal((300, 4))
    after[:, 2] *= 3  # only the spread
    ranked = domain_classifier.importances(before, after, ["a", "b", "c", "d"])
    assert ranked[0].name == "c"
    assert ranked[0].fall > 5 * sum(one.fall for one in ranked[1:])


def test_nothing_is_named_when_nothing_tells_them_apart():
    sample = np.random.default_rng(8).standard_normal((200, 3))
    assert domain_classifier.importances(sample, sample.copy(), ["a", "b", "c"]) == ()


def test_a_session_is_never_cut_in_two():
    rng = np.random.default_rng(9)
    before, after = rng.integers(0, 20, 90), rng.integers(0, 15, 60)
    split = split_of(90, 60, Sessions(reference=before, current=after))
    assert split.units == len(set(before)) + len(set(after))
    for member in split.memberships(1)[:50, split.owner]:
        sides = {(part, label, bool(side)) for part, label, side in zip(*_parts(before, after), member, strict=True)}
        assert len(sides) == split.units


def _parts(before, after):
    return ["before"] * len(before) + ["after"] * len(after), [*before.tolist(), *after.tolist()]


def test_thinning_keeps_whole_sessions():
    owner = np.random.default_rng(10).integers(0, 40, 1_000)
    rows = kept(owner, 300, 1)
    assert 200 < len(rows) <= 300
    assert not set(owner[rows]) & set(np.delete(owner, rows))


def test_fisher_by_session_agrees_with_fisher_when_every_image_is_a_session():
    rng = np.random.default_rng(11)
    before, after = (rng.random(200) < 0.3).astype(float), (rng.random(120) < 0.4).astype(float)
    alone = Sessions(reference=np.arange(200), current=np.arange(120))
    expected = stats.fisher_exact([[before.sum(), 200 - before.sum()], [after.sum(), 120 - after.sum()]]).pvalue
    assert fisher.score(before, after, alone).p_value == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("outlier", [1e3, 1e6])
def test_one_outlier_a_side_does_not_blind_the_domain_classifier(outlier):
    rng = np.random.default_rng(31)
    before, after = rng.standard_normal((200, 4)), rng.standard_normal((200, 4))
    after[:, 1] += 1.5
    plain = domain_classifier.score(before, after).value
    before[0], after[0] = outlier, outlier
    blinded = domain_classifier.score(before, after)
    assert blinded.value >= 0.8 * plain
    assert blinded.p_value < 0.01
    assert domain_classifier.importances(before, after, list("abcd"))[0].name == "b"
