"""How narrow the interval of an audit is, with the model's own guesses and without, and how often it holds the truth.

Worlds of generated scenes, every one labelled: the truth is the mean F1 of all of them. Audits of `--n` random images
are drawn from a world again and again, as if only they were labelled; the rest is the pool. Guesses come from the
answers as production keeps them (from `--floor` on) and a calibration on 300 other scenes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from label_free import _answers, _sent, _truths, wilson
from label_free_worlds import DAMAGES, scenes
from numpy.typing import NDArray

from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_load import sha256_of
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.estimate.belief import Belief, believe
from tasks.estimate.few import FewLabels, Parts, Side, mean_of, ratio_of
from tasks.estimate.signs import soft_counts, soft_f1
from tasks.scenarios.parts_scene import Scene

CLASSES = ("washer", "nut", "bolt")
Numbers = NDArray[np.float64]


def worlds(n: int) -> dict[str, list[Scene]]:
    def worse(kind: str, severity: int) -> list[Scene]:
        damage, strengths = DAMAGES[kind]
        found = []
        for i, scene in enumerate(scenes(f"audit {kind}", n)):
            image = damage(scene.image, strengths[severity - 1], np.random.default_rng(i))
            found.append(Scene(image=_bytes(image), boxes=scene.boxes, classes=scene.classes))
        return found

    return {
        "stable": scenes("audit stable", n),
        "drifted: out of focus": worse("defocus", 3),
        "drifted: haze": worse("haze", 2),
        "drifted: 30 % in a new finish": scenes("audit finish", n, 0.3),
    }


def _bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


class World:
    """Scores, guesses and counts of every image of a world."""

    def __init__(
        self, truths: Sequence[Truth], answers: Sequence[Prediction], belief: Belief, confidence: float
    ) -> None:
        scored = score_detections(truths, answers, CLASSES, confidence)
        self.score = np.array(scored.scores())
        self.kept, self.hits = (part.sum(1).astype(np.float64) for part in scored.counts())
        self.guess = np.array([soft_f1(belief, answer, confidence) for answer in answers])
        self.soft = np.array([soft_counts(belief, answer, confidence) for answer in answers]).T

    def audit(self, few: NDArray[np.intp], rest: NDArray[np.intp]) -> tuple[FewLabels | None, FewLabels | None]:
        """Mean F1 and precision from these labelled images and the rest as a pool."""
        sides = Side(guesses=self.guess[few]), Side(guesses=self.guess[rest])
        parts = [Parts(top=self.soft[1][rows], bottom=self.soft[0][rows]) for rows in (few, rest)]
        ratio = ratio_of(Parts(top=self.hits[few], bottom=self.kept[few]), (parts[0], sides[0]), (parts[1], sides[1]))
        return mean_of(self.score[few], *sides), ratio


def row(name: str, world: World, n: int, repeats: int) -> None:
    rng, f1, precision = np.random.default_rng(n), [], []
    for _ in range(repeats):
        order = rng.permutation(len(world.score))
        mean, ratio = world.audit(order[:n], order[n:])
        f1 += [mean] if mean else []
        precision += [ratio] if ratio else []
    truth, share = float(world.score.mean()), float(world.hits.sum() / world.kept.sum())
    inside = sum(each.interval.low <= truth <= each.interval.high for each in f1)
    held = sum(each.interval.low <= share <= each.interval.high for each in precision)
    half = 100 * float(np.mean([each.half_width for each in f1]))
    alone = 100 * float(np.mean([(each.alone.high - each.alone.low) / 2 for each in f1]))
    known = float(np.corrcoef(world.score, world.guess)[0, 1])
    print(
        f"| {name} | {n} | {truth:.3f} | {known:.2f} | {alone:.2f} | {half:.2f} | {1 - half / alone:.0%} "
        f"| {wilson(inside, len(f1))} | {wilson(held, len(precision))} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="weights of the version")
    parser.add_argument("--images", type=int, default=1500, help="scenes of a world")
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--floor", type=float, nargs="+", default=[0.25, 0.01])
    parser.add_argument("--n", type=int, nargs="+", default=[50, 100, 200])
    given = parser.parse_args()
    model = Yolo.load(given.model, sha256_of(given.model), device="cpu")
    known = scenes("labelled", 300)
    answers = _answers(model, [_sent(scene.image) for scene in known])
    belief = believe(_truths(known), answers, 3)
    best = score_detections(_truths(known), answers, CLASSES).confidence
    if belief is None:
        raise SystemExit("300 labelled scenes show too few boxes")
    print("| world | boxes kept from | labels | mean F1 | correlation | half width, labels alone | with guesses "
          "| narrower | holds F1 | holds precision |\n|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for name, drawn in worlds(given.images).items():
        found = _answers(model, [_sent(scene.image) for scene in drawn])
        for floor in given.floor:
            world = World(_truths(drawn), [_kept(each, floor) for each in found], belief, max(best, floor))
            for n in given.n:
                row(f"{name} | {floor:g}", world, n, given.repeats)


def _kept(answer: Prediction, floor: float) -> Prediction:
    sure = answer.confidences >= floor
    return Prediction(boxes=answer.boxes[sure], classes=answer.classes[sure], confidences=answer.confidences[sure])


if __name__ == "__main__":
    main()
