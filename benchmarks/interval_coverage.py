"""How often the 95 % interval of mAP50-95 holds the true number, when frames come in sessions and from cameras.

    python benchmarks/interval_coverage.py --images 50 100 200
    python benchmarks/interval_coverage.py --images 400 800 --frames 5

A world has fixed cameras; every session brings a mood of its own (light, mess) that all its frames share. Its true
mAP50-95 is that of `--world` images. Then small sets of whole sessions are drawn again and again, and each gets the
interval that an evaluation would show. "plain" is the percentile bootstrap over sessions without anything added.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from tasks.domain.scoring.detection import DetectionScores, assemble
from tasks.domain.scoring.found import Found
from tasks.domain.scoring.images import Images
from tasks.domain.scoring.intervals import interval, session_weights
from tasks.domain.scoring.matching import IOUS

SHARES = np.array([0.4, 0.25, 0.2, 0.1, 0.05])
CAMERAS = np.array([0.5, 0.0, -0.4, -0.1])


def drawn(images: int, frames: int, rng: np.random.Generator, objects: float = 3.5) -> DetectionScores:
    """A scored set of so many images in sessions of `frames` frames, matched boxes and all."""
    session = np.arange(images) // frames
    camera = session % len(CAMERAS)
    mood = (rng.normal(0, 0.6, session.max() + 1)[session] + CAMERAS[camera]).astype(float)
    owner = np.repeat(np.arange(images), rng.poisson(objects, images))
    label = rng.choice(len(SHARES), len(owner), p=SHARES)
    found = rng.random(len(owner)) < 1 / (1 + np.exp(-(1.6 + mood[owner] - 0.3 * label)))
    right = int(found.sum())
    quality = 1 / (1 + np.exp(-(1.5 + 0.5 * mood[owner[found]] + rng.normal(0, 0.8, right))))
    false = rng.poisson(1.5 * np.exp(-0.7 * mood))
    image = np.r_[owner[found], np.repeat(np.arange(images), false)]
    hits = np.zeros(len(image), np.uint16)
    for bit, iou in enumerate(IOUS):
        hits[:right] |= ((quality > iou) * (1 << bit)).astype(np.uint16)
    sure = 1 / (1 + np.exp(-np.r_[rng.normal(1, 1, right), rng.normal(-1, 1, len(image) - right)]))
    named = np.r_[label[found], rng.choice(len(SHARES), len(image) - right, p=SHARES)]
    return _assembled(session, camera, (image, named, sure, hits), (owner, label))


def _assembled(
    session: NDArray[np.int64],
    camera: NDArray[np.int64],
    boxes: tuple[NDArray[np.generic], ...],
    objects: tuple[NDArray[np.generic], ...],
) -> DetectionScores:
    image, named, sure, hits = boxes
    order = np.lexsort((-sure, named, image))
    count = len(session)
    found = Found(
        image=image[order],
        label=named[order],
        confidence=sure[order].astype(np.float32),
        hits=hits[order],
        ignored=np.zeros(len(order), np.uint16),
        size_hits=np.zeros((len(order), 3), np.uint16),
        size_ignored=np.zeros((len(order), 3), np.uint16),
        error=np.zeros(len(order), np.int8),
        object=np.full(len(order), -1),
        label_image=objects[0],
        label_class=objects[1],
        label_area=np.full(len(objects[0]), 1e4),
        unseen=np.zeros(len(objects[0]), bool),
    )
    facts = Images(
        image_ids=tuple(map(str, range(count))),
        sessions=tuple(map(str, session)),
        cameras=tuple(map(str, camera)),
        captured_at=(None,) * count,
        chances=np.full(count, np.nan),
    )
    names = tuple(f"class {c}" for c in range(len(SHARES)))
    return assemble(names, facts, found, np.zeros(count, bool), 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="*", default=[50, 100, 200, 400, 800])
    parser.add_argument("--frames", type=int, nargs="*", default=[1, 5], help="frames per session")
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--world", type=int, default=100_000, help="images that the true number is taken from")
    asked = parser.parse_args()
    print("| images | frames per session | coverage | too high, too low | half-width | plain percentile | bias |")
    print("|---|---|---|---|---|---|---|")
    for frames in asked.frames:
        true = float(drawn(asked.world, frames, np.random.default_rng(10**6)).headline()[0])
        for images in asked.images:
            _line(images, frames, true, asked)


def _line(images: int, frames: int, true: float, asked: argparse.Namespace) -> None:
    rows = []
    for repeat in range(asked.repeats):
        scored = drawn(images, frames, np.random.default_rng(repeat))
        cameras = scored.images.cameras
        samples = scored.headline(session_weights(scored.sessions, asked.draws, repeat, cameras))
        point = float(scored.headline()[0])
        found = interval(point, samples, scored.sessions, cameras)
        low, high = np.quantile(samples[np.isfinite(samples)], [0.025, 0.975])
        rows.append((found.low > true, found.high < true, low <= true <= high, found.high - found.low, point))
    above, below, plain, width, points = np.array(rows, float).T
    held = int(len(rows) - above.sum() - below.sum())
    low, high = binomtest(held, len(rows)).proportion_ci(method="wilson")
    print(
        f"| {images} | {frames} | {held / len(rows):.1%} ({low:.1%} to {high:.1%}) | {above.mean():.1%}, "
        f"{below.mean():.1%} | {width.mean() / 2:.3f} | {plain.mean():.1%} | {points.mean() - true:+.4f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
