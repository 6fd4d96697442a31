"""How long the interval of a score takes: mAP50-95 of a COCO-sized set, bootstrapped over sessions.

    python benchmarks/scoring_speed.py
    python benchmarks/scoring_speed.py --images 500 --boxes 40   # a quick look

Matched boxes are simulated: what is timed starts after matching, with the sets that a model of mAP50 around 0.6
leaves. Processor time of one thread; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from tasks.domain.scoring.detection import DetectionScores, assemble
from tasks.domain.scoring.found import Found
from tasks.domain.scoring.images import Images
from tasks.domain.scoring.intervals import session_weights
from tasks.domain.scoring.matching import IOUS


def simulated(images: int, classes: int, boxes: int, objects: float, seed: int = 0) -> DetectionScores:
    """A scored set: `boxes` per image, `objects` per image, classes as unequal as those of COCO."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, classes + 1) ** 0.8
    share /= share.sum()
    counts = rng.poisson(objects, images)
    owner = np.repeat(np.arange(images), counts)
    label = rng.choice(classes, len(owner), p=share)
    found = rng.random(len(owner)) < 0.75
    quality = rng.beta(5, 2, len(owner))
    image = np.r_[owner[found], rng.integers(0, images, max(0, images * boxes - int(found.sum())))]
    extra = len(image) - int(found.sum())
    hits = np.zeros(len(image), np.uint16)
    for bit, iou in enumerate(IOUS):
        hits[: int(found.sum())] |= ((quality[found] > iou - 0.3) * (1 << bit)).astype(np.uint16)
    sure = np.r_[rng.beta(4, 2, int(found.sum())), rng.beta(0.4, 6, extra)].astype(np.float32)
    named = np.r_[label[found], rng.choice(classes, extra, p=share)]
    order = np.lexsort((-sure, named, image))
    nothing = np.zeros((len(order), 3), np.uint16)
    columns = Found(
        image=image[order],
        label=named[order],
        confidence=sure[order],
        hits=hits[order],
        ignored=np.zeros(len(order), np.uint16),
        size_hits=nothing,
        size_ignored=nothing,
        error=np.zeros(len(order), np.int8),
        object=np.full(len(order), -1),
        label_image=owner,
        label_class=label,
        label_area=np.full(len(owner), 1e4),
        unseen=np.zeros(len(owner), bool),
    )
    facts = Images(
        image_ids=tuple(map(str, range(images))),
        sessions=tuple(str(i // 5) for i in range(images)),
        cameras=tuple(str(i // 5 % 8) for i in range(images)),
        captured_at=(None,) * images,
        chances=np.full(images, np.nan),
    )
    return assemble(tuple(map(str, range(classes))), facts, columns, np.zeros(images, bool), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--boxes", type=int, nargs="*", default=[20, 100, 200], help="boxes kept per image")
    parser.add_argument("--objects", type=float, default=7.3, help="labelled objects per image (COCO val: 7.3)")
    parser.add_argument("--draws", type=int, default=1_000)
    asked = parser.parse_args()
    print("| boxes | labelled objects | draws | mAP50-95 | one score | draws of weights | bootstrap |")
    print("|---|---|---|---|---|---|---|")
    for boxes in asked.boxes:
        scored = simulated(asked.images, asked.classes, boxes, asked.objects)
        start = time.process_time()
        point = scored.headline()[0]
        once = time.process_time() - start
        start = time.process_time()
        weights = session_weights(scored.sessions, asked.draws, 0, scored.images.cameras)
        drawn = time.process_time() - start
        start = time.process_time()
        samples = scored.headline(weights)
        whole = time.process_time() - start
        total = len(scored.found.image)
        print(
            f"| {total:,} | {int(scored.instances.sum()):,} | {asked.draws:,} | {point:.3f} ± {samples.std():.4f} "
            f"| {once:.2f} s | {drawn:.2f} s | {whole:.1f} s |"
        )


if __name__ == "__main__":
    main()
