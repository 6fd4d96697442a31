"""Whether photographs as a ground make what is around or inside objects cry wolf: parts on photographs of scikit-learn.

Four cameras, each over its own photograph: still ones, that show the same piece but for a few pixels, and moving ones,
that show another piece in every picture. Boxes are those of the scenes, so that no model is asked; no step of damage is
there that would excuse anything, which is stricter than a calibration. What damage does inside boxes is learnt as a
calibration learns it, from the first quarter of the labelled pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from label_free_fresh import cut_nuts, glove
from label_free_held import drawn_with, handed
from label_free_tables import wilson
from label_free_worlds import DAMAGES, scenes
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from tasks.domain.prediction import Prediction
from tasks.estimate.around import Around, around, sceneries
from tasks.estimate.beside import Measured, inside, measured
from tasks.estimate.flag import COLOURS, ERRORS, INSIDE, ROUGH, THINGS, TONE
from tasks.estimate.ladder import FILTERS, damaged
from tasks.estimate.likeness import Likeness, learnt
from tasks.scenarios import parts_scene
from tasks.scenarios.parts_scene import CAMERAS, SIZE, Scene

HARMLESS = {"gamma": 3, "haze": 3, "rain": 3, "row noise": 3, "vignette": 2, "defocus": 3}
"""Steps of damage that cost the models of the other tables less than five points."""

LIMITS = {"tone": TONE, "colours": COLOURS, "things": THINGS, "rough": ROUGH, "inside": INSIDE}

Window = tuple[list[str], list[Measured | None]]
Change = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[Any]]


def photographed(moving: bool, turned: bool = False) -> Callable[[Any], NDArray[np.float32]]:
    """The ground under a scene; `turned` exchanges the photographs of the cameras."""
    photographs = [np.ascontiguousarray(np.asarray(image)[:, :, ::-1]) for image in load_sample_images().images]

    def under(scene: Any) -> NDArray[np.float32]:
        rng, place = np.random.default_rng([scene.seed, 5]), list(CAMERAS).index(scene.camera)
        photograph = photographs[(place + turned) % 2]
        if moving:
            top, left = (int(rng.integers(0, side - SIZE)) for side in photograph.shape[:2])
        else:
            top, left = 40 + int(rng.integers(0, 6)), (20, 320)[place // 2] + int(rng.integers(0, 6))
        return photograph[top : top + SIZE, left : left + SIZE].astype(np.float32) * 0.8

    return under


def window(drawn: list[Scene], change: Change | None = None) -> Window:
    found: list[Measured | None] = []
    for at, scene in enumerate(drawn):
        shown = change(scene.image.copy(), np.random.default_rng([3, at])) if change else scene.image
        sent = cv2.imencode(".jpg", np.clip(np.rint(shown), 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])
        sure = np.full(len(scene.classes), 0.9, np.float32)
        answer = Prediction(boxes=scene.boxes, classes=scene.classes, confidences=sure)
        found.append(measured(np.asarray(cv2.imdecode(sent[1], 1), np.uint8), answer, 0.3))
    return [list(CAMERAS)[at % len(CAMERAS)] for at in range(len(drawn))], found


def looks(drawn: list[Scene], labelled: Window) -> Likeness:
    """What objects look like inside their boxes, and after each step of damage."""
    some = drawn[: len(drawn) // 4]
    worse = [
        inside(window(some, lambda image, rng, s=step: damaged(image, s, int(rng.integers(10**6))))[1])
        for step in FILTERS
    ]
    return learnt(labelled[0], inside(labelled[1]), worse)


def told(changed: Around) -> list[str]:
    """What is beyond its limit."""
    return [name for name, limit in LIMITS.items() if getattr(changed, name).beyond(limit, ERRORS)]


def gloved(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    glove(image, rng)
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=20, help="healthy windows of each kind")
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--labelled", type=int, default=160)
    given = parser.parse_args()
    n = given.images
    print("| photographs | healthy windows flagged | harmless damage flagged | changes flagged |\n|---|---|---|---|")
    for moving in (False, True):
        parts_scene._belt_under = photographed(moving)  # type: ignore[assignment] # a benchmark's own ground
        drawn = scenes("labelled", given.labelled)
        labelled = window(drawn)
        usual, objects = sceneries(*labelled), looks(drawn, labelled)
        healthy = [told(around(usual, *window(scenes(f"healthy {at}", n)), objects)) for at in range(given.windows)]
        harmless = []
        for kind, step in HARMLESS.items():
            damage, strengths = DAMAGES[kind]
            worse = window(scenes(kind, n), lambda image, rng, d=damage, s=strengths[step - 1]: d(image, s, rng))
            harmless.append(told(around(usual, *worse, objects)))
        changes = {
            "colours swapped": window(scenes("swap", n), lambda image, _rng: image[:, :, ::-1]),
            "hand": window(handed("hand", n)),
            "grey glove": window(scenes("glove", n), gloved),
            "cut nuts": window(drawn_with("_shape", cut_nuts)("cut", n)),
        }
        parts_scene._belt_under = photographed(moving, turned=True)  # type: ignore[assignment]
        changes["another photograph"] = window(scenes("other", n))
        seen = {name: told(around(usual, *each, objects)) for name, each in changes.items()}
        words = ", ".join(f"{name}: {' and '.join(why) or 'no'}" for name, why in seen.items())
        counts = [wilson(sum(map(bool, each)), len(each)) for each in (healthy, harmless)]
        print(f"| {'moving' if moving else 'still'} | {counts[0]} | {counts[1]} | {words} |", flush=True)


if __name__ == "__main__":
    main()
