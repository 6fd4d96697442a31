"""Few labels and many guesses: the interval holds the truth, guesses only ever make it narrower, chances count."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.estimate.few import FewLabels, Parts, Side, helpful, mean_of, needed, ratio_of


def world(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of images as F1 is spread (many are perfect), and guesses that know some of it."""
    score = np.clip(1 - rng.gamma(0.6, 0.12, n), 0, 1)
    return score, np.clip(score + rng.normal(0, noise, n), 0, 1)


def drawn(rng: np.random.Generator, score: np.ndarray, guess: np.ndarray, n: int) -> FewLabels:
    order = rng.permutation(len(score))
    few, rest = order[:n], order[n:]
    found = mean_of(score[few], Side(guesses=guess[few]), Side(guesses=guess[rest]))
    assert found is not None
    return found


@pytest.mark.parametrize("noise", [0.05, 0.15, 5.0])
def test_the_interval_holds_the_truth_whatever_the_guesses_are_worth(noise: float) -> None:
    rng = np.random.default_rng(1)
    truth = float(world(np.random.default_rng(9), 400_000, noise)[0].mean())
    inside = 0
    for _ in range(600):
        score, guess = world(rng, 1100, noise)
        found = drawn(rng, score, guess, 100)
        inside += found.interval.low <= truth <= found.interval.high
    assert inside / 600 >= 0.925  # 0.95 less two standard errors of the share, and the skew of F1


def test_good_guesses_make_it_narrower_and_wrong_ones_are_switched_off() -> None:
    rng = np.random.default_rng(2)
    score, guess = world(rng, 2000, 0.05)
    good = drawn(np.random.default_rng(3), score, guess, 100)
    wrong = drawn(np.random.default_rng(3), score, 1 - guess, 100)
    noise = drawn(np.random.default_rng(3), score, rng.random(2000), 100)
    assert good.gain > 0.3
    assert wrong.trust == 0.0 and wrong.interval == wrong.alone
    assert noise.trust < 0.2 and noise.gain > -0.02


def test_guesses_that_are_all_too_high_do_not_move_the_mean() -> None:
    rng = np.random.default_rng(4)
    score, guess = world(rng, 20_000, 0.05)
    honest = drawn(np.random.default_rng(5), score, guess, 200)
    kind = drawn(np.random.default_rng(5), score, guess + 0.3, 200)
    assert kind.interval.value == pytest.approx(honest.interval.value, abs=1e-9)


def test_a_pool_of_none_is_labels_alone() -> None:
    score, guess = world(np.random.default_rng(6), 100, 0.05)
    found = mean_of(score, Side(guesses=guess), Side(guesses=np.zeros(0)))
    assert found is not None and found.trust == 0.0
    assert found.interval.value == pytest.approx(float(score.mean()))


def test_too_few_labels_give_no_interval() -> None:
    score, guess = world(np.random.default_rng(6), 19, 0.05)
    assert mean_of(score, Side(guesses=guess), Side(guesses=guess)) is None


def test_images_that_had_less_chance_count_for_more() -> None:
    rng = np.random.default_rng(7)
    rare, common = np.full(100, 0.2), np.full(900, 0.9)
    truth = (rare.sum() + common.sum()) / 1000
    seen = np.concatenate([rng.choice(rare, 60), rng.choice(common, 60)]) + rng.normal(0, 0.01, 120)
    weights = np.concatenate([np.full(60, 100 / 60), np.full(60, 900 / 60)])
    pool = Side(guesses=np.zeros(0))
    weighted = mean_of(seen, Side(guesses=np.zeros(120), weights=weights), pool)
    plain = mean_of(seen, Side(guesses=np.zeros(120)), pool)
    assert weighted is not None and plain is not None
    assert weighted.interval.value == pytest.approx(truth, abs=0.01)
    assert plain.interval.value < truth - 0.2


def test_strata_that_differ_make_it_narrower() -> None:
    rng = np.random.default_rng(8)
    names = np.where(rng.random(1000) < 0.5, "a", "b")
    score = np.where(names == "a", 0.9, 0.5) + rng.normal(0, 0.03, 1000)
    few, pool = slice(0, 100), slice(100, 1000)
    sides = [
        (
            Side(guesses=np.zeros(100), strata=names[few] if told else ()),
            Side(guesses=np.zeros(900), strata=names[pool] if told else ()),
        )
        for told in (True, False)
    ]
    apart, together = (mean_of(score[few], *side) for side in sides)
    assert apart is not None and together is not None
    assert apart.half_width < 0.3 * together.half_width


def test_frames_of_one_session_are_one_piece_of_evidence() -> None:
    rng = np.random.default_rng(9)
    score = np.repeat(np.clip(rng.normal(0.8, 0.1, 20), 0, 1), 5)
    names = [str(n // 5) for n in range(100)]
    none = Side(guesses=np.zeros(0))
    alone = mean_of(score, Side(guesses=np.zeros(100)), none)
    grouped = mean_of(score, Side(guesses=np.zeros(100), sessions=names), none)
    assert alone is not None and grouped is not None
    assert grouped.half_width > 2 * alone.half_width


def test_a_ratio_of_totals_has_an_interval_that_holds_it() -> None:
    rng, inside = np.random.default_rng(10), 0
    for _ in range(300):
        boxes = rng.integers(0, 8, 1100).astype(float)
        hard = rng.beta(8, 1.5, 1100)
        hits = rng.binomial(boxes.astype(int), hard).astype(float)
        guess = boxes * np.clip(hard + rng.normal(0, 0.05, 1100), 0, 1)
        few, pool = slice(0, 150), slice(150, 1100)
        found = ratio_of(
            Parts(top=hits[few], bottom=boxes[few]),
            (Parts(top=guess[few], bottom=boxes[few]), Side(guesses=np.zeros(150))),
            (Parts(top=guess[pool], bottom=boxes[pool]), Side(guesses=np.zeros(950))),
        )
        assert found is not None
        inside += found.interval.low <= 8 / 9.5 <= found.interval.high
    assert inside / 300 >= 0.91


def test_a_ratio_of_nothing_is_none() -> None:
    nothing = Parts(top=np.zeros(30), bottom=np.zeros(30))
    side = Side(guesses=np.zeros(30))
    assert ratio_of(nothing, (nothing, side), (nothing, side)) is None


def test_guesses_help_from_the_correlation_on_that_the_literature_names() -> None:
    assert not helpful(1 / np.sqrt(48), 50)
    assert helpful(1 / np.sqrt(48) + 1e-9, 50)
    assert not helpful(1.0, 3)


def test_more_labels_are_needed_for_a_narrower_interval_and_fewer_with_good_guesses() -> None:
    assert needed(0.2, 0.025) > needed(0.2, 0.05) > needed(0.2, 0.05, 0.7)
