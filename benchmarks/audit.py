"""How narrow the interval of an audit is, with guesses and without, and how often it holds the truth.

Worlds of generated scenes, every one labelled: the truth is the mean F1 of all of them. Audits of `--n` random images
are drawn from a world again and again, as if only they were labelled. Of every image the answers are seen as production
keeps them (from `--floor` on); of `--looked` random ones also what both versions answer when they are asked again, and
what this version answers about the mirrored picture (200 is what the rules allow by default). What these tell is learnt
in every audit from its own labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from label_free import Bench
from label_free_tables import wilson
from label_free_worlds import DAMAGES, scenes
from numpy.typing import NDArray

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.estimate.belief import Belief, believe
from tasks.estimate.few import FewLabels, Parts, Seen, Sheet, mean_of, ratio_of
from tasks.estimate.hints import of_records, of_views
from tasks.estimate.signs import Views
from tasks.scenarios.parts_scene import Scene

CLASSES = ("washer", "nut", "bolt")
Numbers = NDArray[np.float64]


def worlds(n: int) -> dict[str, Callable[[], list[Scene]]]:
    def worse(kind: str, severity: int) -> list[Scene]:
        damage, strengths = DAMAGES[kind]
        found = []
        for i, scene in enumerate(scenes(f"audit {kind}", n)):
            image = damage(scene.image, strengths[severity - 1], np.random.default_rng(i))
            found.append(Scene(image=_bytes(image), boxes=scene.boxes, classes=scene.classes))
        return found

    return {
        "stable": lambda: scenes("audit stable", n),
        "out of focus": lambda: worse("defocus", 3),
        "haze": lambda: worse("haze", 2),
        "30 % new finish": lambda: scenes("audit finish", n, 0.3),
    }


def _bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Known:
    """What 300 other labelled scenes told of the version, and of how it is compared with the second one."""

    belief: Belief
    confidences: tuple[float, float]


class World:
    """Scores and counts of every image of a world, and what is seen of it."""

    def __init__(self, found: tuple[list[Truth], Views], known: Known, floor: float) -> None:
        truths, views = found
        confidence = max(known.confidences[0], floor)
        recorded = [_kept(each, floor) for each in views.own]
        scored = score_detections(truths, recorded, CLASSES, confidence)
        self.score = np.array(scored.scores())
        self.kept, self.hits = (part.sum(1).astype(np.float64) for part in scored.counts())
        self.record = of_records(known.belief, recorded, confidence)
        self.views = of_views(known.belief, views, known.confidences)

    def audit(self, rng: np.random.Generator, n: int, looked: int) -> tuple[FewLabels | None, FewLabels | None]:
        """Mean F1 and precision from one random draw."""
        size = len(self.score)
        order, cameras = rng.permutation(size), [str(row % 4) for row in range(size)]
        few, again = order[:n], order[:looked]
        sheet = Sheet(size=size, labelled=few, strata=cameras)
        seen = [Seen(rows=np.arange(size), values=self.record)]
        seen += [Seen(rows=again, values=self.views[again])] if looked else []
        precision = ratio_of(Parts(top=self.hits[few], bottom=self.kept[few]), sheet, seen)
        return mean_of(self.score[few], sheet, seen), precision


def row(name: str, world: World, given: argparse.Namespace, how: tuple[int, int]) -> None:
    (n, looked), rng, pairs = how, np.random.default_rng(how[0]), []
    for _ in range(given.repeats):
        pairs.append(world.audit(rng, n, looked))
    f1, precision = ([each for each in side if each] for side in zip(*pairs, strict=True))
    truth, share = float(world.score.mean()), float(world.hits.sum() / world.kept.sum())
    inside = sum(each.interval.low <= truth <= each.interval.high for each in f1)
    held = sum(each.interval.low <= share <= each.interval.high for each in precision)
    half = 100 * float(np.mean([each.half_width for each in f1]))
    alone = 100 * float(np.mean([(each.alone.high - each.alone.low) / 2 for each in f1]))
    print(
        f"| {name} | {n} | {looked} | {truth:.3f} | {alone:.2f} | {half:.2f} | {1 - half / alone:.0%} "
        f"| {wilson(inside, len(f1))} | {wilson(held, len(precision))} |",
        flush=True,
    )


def _kept(answer: Prediction, floor: float) -> Prediction:
    sure = answer.confidences >= floor
    return Prediction(boxes=answer.boxes[sure], classes=answer.classes[sure], confidences=answer.confidences[sure])


def _known(found: tuple[Sequence[Truth], Views]) -> Known:
    truths, views = found
    belief = believe(truths, views.own, len(CLASSES))
    if belief is None:
        raise SystemExit("300 labelled scenes show too few boxes")
    own, second = (score_detections(truths, each, CLASSES).confidence for each in (views.own, views.second))
    return Known(belief=belief, confidences=(own, second))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs=2, type=Path, help="weights of the version, and of a second one")
    parser.add_argument("--cache", type=Path, default=Path(".evergreen/audits"))
    parser.add_argument("--images", type=int, default=800, help="scenes of a world")
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--floor", type=float, default=0.25, help="confidence that production keeps boxes from")
    parser.add_argument("--n", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--worlds", nargs="+", default=list(worlds(0)), help="which of the worlds")
    parser.add_argument("--looked", type=int, nargs="+", default=[0, 200, 800])
    given = parser.parse_args()
    bench = Bench(given.models, given.cache)
    known = _known(bench.answered("labelled", () if bench.kept("labelled").exists() else scenes("labelled", 300)))
    print(
        "| world | labels | looked at again | mean F1 | half width, labels alone | with guesses | narrower "
        "| holds F1 | holds precision |\n|---|---|---|---|---|---|---|---|---|"
    )
    for name in given.worlds:
        draw = worlds(given.images)[name]
        kept = f"{name} {given.images}"
        world = World(bench.answered(kept, () if bench.kept(kept).exists() else draw()), known, given.floor)
        for n in given.n:
            for looked in given.looked:
                row(name, world, given, (n, min(looked, given.images)))


if __name__ == "__main__":
    main()
