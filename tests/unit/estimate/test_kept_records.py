"""An answer is recorded whether its image was kept or not: only what needs the image is weighed by that chance."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tasks.domain.few import lot
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.estimate.checking import quality_drawn
from tasks.estimate.few import mean_of
from tasks.estimate.fitting import quality_of
from tasks.estimate.framed import ALWAYS, frames, one
from tasks.estimate.records import WANTED, answered, candidates, drawn
from tasks.estimate.sheet import Seen, Sheet

FIELDS = pa.schema([PREDICTIONS.field(name) for name in WANTED])


def table(chance: float | None, draw: float | None, n: int = 1) -> pa.Table:
    rows = [
        {"image_id": f"i{k}", "camera": "a", "session": "s", "width": 9, "height": 9, "model_version": "1",
         "detections": [], "sampling_probability": chance, "drawn": draw} for k in range(n)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=FIELDS)


@pytest.mark.parametrize(
    ("chance", "draw", "told"),
    [(0.05, 0.5, (0.5, 0.1)), (0.1, 1.0, (1.0, 0.1)), (None, 1.0, (1.0, 1.0)), (0.25, None, (0.25, 1.0))],
    ids=["kept and drawn", "kept", "neither", "before they were told apart"],
)
def test_both_chances_of_an_answer_are_known(
    chance: float | None, draw: float | None, told: tuple[float, float]
) -> None:
    found = answered(table(chance, draw), "1")
    assert (found.chances[0], found.kept[0]) == pytest.approx(told)


def test_a_draw_of_answers_says_nothing_of_how_their_images_were_kept() -> None:
    [piece] = table(0.05, 0.5, 2_000).to_batches()
    some = drawn(piece, 0.25, {"i7"})
    found = answered(some, "1")
    assert len(found) == int((lot(piece["image_id"].to_pylist(), 0.25) | (np.arange(2_000) == 7)).sum())
    assert dict(zip(found.image_ids, found.chances, strict=True))["i7"] == 0.5
    assert set(found.chances) == {0.5, 0.125} and np.allclose(found.kept, 0.1)


def test_an_image_is_asked_for_with_the_chance_of_its_draw() -> None:
    """That it was kept comes from its answer: lists that were written before it was known stay right."""
    row = {"key": "k", "image_id": "i", "sha256": "s", "camera": "a", "verdict": "accepted", "size": 1, "etag": "e",
           "reason": "", "note": "", "captured_at": 0, "sampling_probability": 0.05}  # fmt: skip
    for draw, told in ((0.5, 0.5), (None, 0.05)):
        [found] = candidates(pa.Table.from_pylist([{**row, "drawn": draw}], schema=CATALOG).to_batches())
        assert found.chance == told


def test_what_is_seen_of_kept_images_only_is_weighed_by_how_they_were_kept() -> None:
    """1 of 10 images is unsure and bad; without their own weights the guesses pull the mean to what is kept."""
    off = {True: 0.0, False: 0.0}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        unsure = rng.random(3_000) < 0.1
        score = np.where(unsure, 0.5, 0.95) + rng.normal(0, 0.03, 3_000)
        chance = np.where(unsure, 1.0, 0.1)
        kept = np.flatnonzero(rng.random(3_000) < chance)
        ours, looked = np.sort(kept[:: len(kept) // 80]), kept
        sheet = Sheet(size=3_000, labelled=ours, chances=chance[ours] * len(ours) / len(kept), weights=np.ones(3_000))
        whole = Seen(rows=np.arange(3_000), values=(score + rng.normal(0, 0.1, 3_000))[:, None])
        for weighed in off:
            weights = 1 / chance[looked] if weighed else np.zeros(0)
            closer = Seen(
                rows=looked, values=(score[looked] + rng.normal(0, 0.02, len(looked)))[:, None], weights=weights
            )
            found = mean_of(score[ours], sheet, [whole, closer])
            assert found is not None
            off[weighed] += (found.interval.value - score.mean()) / 20
    assert abs(off[True]) < 0.004 < abs(off[False])


def test_the_spread_of_an_accuracy_is_that_of_the_same_weighed_images() -> None:
    """Of 40 wrong answers all were kept, of 200 right ones 20."""
    truths = [
        Truth(image_id=f"{n}", session=f"{n}", classes=np.array([0]), boxes=frames(1), chance=1.0 if n < 40 else 0.1)
        for n in range(60)
    ]
    answers: list[Prediction] = [one(int(n < 40), 0.9) for n in range(60)]
    scored = score_detections(truths, answers, ["a", "b"], ALWAYS)
    assert quality_of(scored, True) == pytest.approx(200 / 240)
    assert np.nanmean(quality_drawn(scored, True)) == pytest.approx(200 / 240, abs=0.02)
