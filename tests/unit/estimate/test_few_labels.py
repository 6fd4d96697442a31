"""Few labels and many guesses: the interval holds the truth, guesses only ever make it narrower, chances count."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.estimate.crossed import crossed
from tasks.estimate.few import FewLabels, Parts, mean_of, needed, ratio_of
from tasks.estimate.sheet import Seen, Sheet


def world(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of images as F1 is spread (many are perfect), and hints that know some of it."""
    score = np.clip(1 - rng.gamma(0.6, 0.12, n), 0, 1)
    return score, np.clip(score + rng.normal(0, noise, n), 0, 1)


def hints(*columns: np.ndarray, rows: np.ndarray | None = None) -> Seen:
    values = np.stack(columns, 1)
    places = np.arange(len(values)) if rows is None else rows
    return Seen(rows=places, values=values[places])


def drawn(rng: np.random.Generator, score: np.ndarray, n: int, *seen: Seen) -> FewLabels:
    few = rng.permutation(len(score))[:n]
    found = mean_of(score[few], Sheet(size=len(score), labelled=few), seen)
    assert found is not None
    return found


@pytest.mark.parametrize("noise", [0.05, 0.15, 5.0])
def test_the_interval_holds_the_truth_whatever_the_hints_are_worth(noise: float) -> None:
    rng = np.random.default_rng(2)
    truth = float(world(np.random.default_rng(9), 400_000, noise)[0].mean())
    inside = 0
    for _ in range(300):
        score, hint = world(rng, 1100, noise)
        found = drawn(rng, score, 100, hints(hint, rng.random(1100)))
        inside += found.interval.low <= truth <= found.interval.high
    assert inside / 300 >= 0.92  # 0.95 less two standard errors of the share, and the skew of F1


def test_the_interval_holds_the_truth_with_unequal_chances_and_a_second_look_at_some() -> None:
    rng, inside, widths = np.random.default_rng(12), 0, []
    for _ in range(300):
        score, hint = world(rng, 800, 0.1)
        rough, place = np.clip(score + rng.normal(0, 0.2, 800), 0, 1), rng.random(800)
        worth = np.where(rough < 0.8, 1.6, 0.8)
        few, again = np.argsort(place / worth)[:100], np.argsort(place)[:250]
        sheet = Sheet(size=800, labelled=few, chances=worth[few])
        found = mean_of(score[few], sheet, [hints(rough), hints(hint, rough, rows=again)])
        assert found is not None
        inside += found.interval.low <= score.mean() <= found.interval.high
        widths.append(found.gain)
    assert inside / 300 >= 0.92
    assert np.mean(widths) > 0.15


def test_good_hints_make_it_narrower_and_noise_is_switched_off() -> None:
    rng = np.random.default_rng(2)
    score, hint = world(rng, 2000, 0.05)
    good = drawn(np.random.default_rng(3), score, 100, hints(hint))
    noise = [drawn(np.random.default_rng(seed), score, 100, hints(*rng.random((8, 2000)))) for seed in range(20)]
    assert good.gain > 0.3
    assert np.mean([each.trust == 0.0 for each in noise]) > 0.5
    assert min(each.gain for each in noise) > -0.03


def test_several_weak_hints_say_more_than_the_best_of_them() -> None:
    rng = np.random.default_rng(11)
    score, _ = world(rng, 2000, 0.05)
    each = [score + rng.normal(0, 0.2, 2000) for _ in range(5)]
    one, five = (drawn(np.random.default_rng(3), score, 200, hints(*each[:count])) for count in (1, 5))
    assert five.gain > one.gain + 0.1


def test_hints_that_are_all_too_high_do_not_move_the_mean() -> None:
    rng = np.random.default_rng(4)
    score, hint = world(rng, 5_000, 0.05)
    honest = drawn(np.random.default_rng(5), score, 200, hints(hint))
    kind = drawn(np.random.default_rng(5), score, 200, hints(hint + 0.3))
    assert kind.interval.value == pytest.approx(honest.interval.value, abs=1e-9)


def test_a_look_at_too_few_labelled_images_is_passed_over() -> None:
    score, hint = world(np.random.default_rng(6), 300, 0.05)
    sheet = Sheet(size=300, labelled=np.arange(100))
    found = mean_of(score[:100], sheet, [hints(hint, rows=np.arange(90, 300))])
    assert found is not None and found.trust == 0.0 and found.interval == found.alone


@pytest.mark.parametrize("n", [20, 50, 100])
def test_labels_that_are_all_right_do_not_prove_that_nothing_is_ever_wrong(n: int) -> None:
    right = np.ones(n)
    sheet = Sheet(size=2000, labelled=np.arange(n))
    found = mean_of(right, sheet, [hints(np.random.default_rng(0).random(2000))])
    ratio = ratio_of(Parts(top=right, bottom=right), sheet)
    assert found is not None and ratio is not None
    for each in (found.interval, found.alone, ratio.interval):
        # a rate that n right answers in a row leave a chance of 2.5 %
        assert each.value == 1.0 == each.high and each.low < 0.025 ** (1 / n)


@pytest.mark.parametrize(("accuracy", "n"), [(0.99, 50), (0.99, 100), (0.96, 50)])
def test_the_interval_of_a_model_that_is_nearly_always_right_holds_the_truth(accuracy: float, n: int) -> None:
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        score = (rng.random(2000) < accuracy).astype(float)
        found = drawn(rng, score, n, hints(rng.normal(size=2000)))
        inside += found.interval.low <= score.mean() <= found.interval.high
    assert inside / 200 >= 0.92  # it was .44 of 50 labels and .65 of 100 where 99 of 100 are right


def test_without_hints_it_is_labels_alone() -> None:
    score, _ = world(np.random.default_rng(6), 100, 0.05)
    found = mean_of(score, Sheet(size=100, labelled=np.arange(100)))
    assert found is not None and found.trust == 0.0
    assert found.interval.value == pytest.approx(float(score.mean()))


def test_too_few_labels_give_no_interval() -> None:
    score, hint = world(np.random.default_rng(6), 100, 0.05)
    assert mean_of(score[:19], Sheet(size=100, labelled=np.arange(19)), [hints(hint)]) is None


def test_images_that_had_less_chance_count_for_more() -> None:
    rng = np.random.default_rng(7)
    truth = (0.2 * 100 + 0.9 * 900) / 1000
    seen = np.concatenate([np.full(60, 0.2), np.full(60, 0.9)]) + rng.normal(0, 0.01, 120)
    asked = np.concatenate([np.full(60, 60 / 100), np.full(60, 60 / 900)])
    weighted = mean_of(seen, Sheet(size=1000, labelled=np.arange(120), chances=asked))
    plain = mean_of(seen, Sheet(size=1000, labelled=np.arange(120)))
    assert weighted is not None and plain is not None
    assert weighted.interval.value == pytest.approx(truth, abs=0.01)
    assert plain.interval.value < truth - 0.2


def test_strata_that_differ_make_it_narrower() -> None:
    rng = np.random.default_rng(8)
    names = np.where(rng.random(1000) < 0.5, "a", "b")
    score = np.where(names == "a", 0.9, 0.5) + rng.normal(0, 0.03, 1000)
    few = np.arange(100)
    apart, together = (mean_of(score[few], Sheet(size=1000, labelled=few, strata=s)) for s in (names.tolist(), ()))
    assert apart is not None and together is not None
    assert apart.half_width < 0.3 * together.half_width


def test_frames_of_one_session_are_one_piece_of_evidence() -> None:
    rng = np.random.default_rng(9)
    score = np.repeat(np.clip(rng.normal(0.8, 0.1, 20), 0, 1), 5)
    names = [str(n // 5) for n in range(100)]
    alone = mean_of(score, Sheet(size=100, labelled=np.arange(100)))
    grouped = mean_of(score, Sheet(size=100, labelled=np.arange(100), sessions=names))
    assert alone is not None and grouped is not None
    assert grouped.half_width > 2 * alone.half_width


def test_a_guess_knows_nothing_of_its_own_label_or_session() -> None:
    rng = np.random.default_rng(13)
    columns, names = rng.random((200, 3)), np.arange(120) // 4
    score, rows = rng.random(120), np.arange(120)
    before = crossed(score, rows, columns, np.ones(120), names)
    score[8:12] = 0.999 * score[8:12].max()  # all of session 2
    assert crossed(score, rows, columns, np.ones(120), names)[8:12] == pytest.approx(before[8:12])


def test_a_ratio_of_totals_has_an_interval_that_holds_it() -> None:
    rng, inside, gains = np.random.default_rng(10), 0, []
    for _ in range(300):
        boxes = rng.integers(0, 8, 1100).astype(float)
        hard = rng.beta(8, 1.5, 1100)
        hits = rng.binomial(boxes.astype(int), hard).astype(float)
        guess = boxes * np.clip(hard + rng.normal(0, 0.05, 1100), 0, 1)
        sheet = Sheet(size=1100, labelled=np.arange(150))
        found = ratio_of(Parts(top=hits[:150], bottom=boxes[:150]), sheet, [hints(guess, boxes)])
        assert found is not None
        inside += found.interval.low <= 8 / 9.5 <= found.interval.high
        gains.append(found.gain)
    assert inside / 300 >= 0.91
    assert np.mean(gains) > 0.05


def test_a_ratio_of_nothing_is_none() -> None:
    nothing = Parts(top=np.zeros(30), bottom=np.zeros(30))
    assert ratio_of(nothing, Sheet(size=30, labelled=np.arange(30))) is None


def test_more_labels_are_needed_for_a_narrower_interval_and_fewer_with_good_guesses() -> None:
    assert needed(0.2, 0.025) > needed(0.2, 0.05) > needed(0.2, 0.05, 0.7)
