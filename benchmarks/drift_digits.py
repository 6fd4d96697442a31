"""The shift list of "Failing Loudly" on digits: how often the window test detects it, with Wilson intervals.

Source of the list: Rabanser, Günnemann & Lipton, NeurIPS 2019, and its published code (ten kinds of shift, each on
10, 50 and 100 % of the pictures). Adversarial pictures are made here (fast gradient sign against a linear model). The
"deployed model" is a perceptron fitted to 300 digits of its own; reference and window are disjoint from them and from
each other: 497 digits and n.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from tasks.domain.finding import Outcome
from tasks.domain.tables import PROPERTIES
from tasks.drift import looks
from tasks.drift.answers import Answers
from tasks.drift.compare import compare
from tasks.drift.properties import of_image
from tasks.drift.rules import DriftRules
from tasks.drift.sample import CLIPPED, Sample

TRAINED, REFERENCE = 300, 497
Digits = NDArray[np.float64]
"""(n, 8, 8), 0..1."""
IMAGE_SHIFTS = {
    "small": (10, 0.05, 0.1, 0.1, False, False),
    "medium": (40, 0.2, 0.2, 0.2, True, False),
    "large": (90, 0.4, 0.3, 0.4, True, True),
}
"""Range of rotation in degrees, of translation, of shear in degrees, of zoom; flipped across, flipped down."""


class Model:
    """A perceptron on pixels, with its hidden layer as the embedding, and a linear model to be attacked."""

    def __init__(self, pictures: Digits, truth: NDArray[np.intp], seed: int) -> None:
        flat = pictures.reshape(len(pictures), -1)
        self.net = MLPClassifier((64,), max_iter=150, alpha=1e-2, random_state=seed, tol=1e-3).fit(flat, truth)
        self.line = LogisticRegression(max_iter=200).fit(flat, truth)

    def sample(self, pictures: Digits) -> Sample:
        flat = pictures.reshape(len(pictures), -1)
        found = [of_image(_shown(picture)) for picture in pictures]
        chance = self.net.predict_proba(flat)
        first = chance.argmax(axis=1)
        answer = {str(digit): (first == digit).astype(float) for digit in range(10)}
        sides = ("dark", "bright")
        light = {name: np.array([getattr(one, name) for one in found]) for name in PROPERTIES}
        octaves = np.array([one.octaves for one in found])
        maps = [
            np.frombuffer(b"".join(side), np.uint8)
            for side in zip(*((m.luma_map, m.detail_map) for m in found), strict=True)
        ]
        return Sample(
            cameras=np.full(len(pictures), "line", dtype=object),
            photometric=Answers(
                scalars=light | looks.relations(light["noise"], light["contrast"], light["brightness"], octaves),
                rates={
                    f"{s}_images": np.array([getattr(one, f"{s}_fraction") > CLIPPED for one in found], dtype=float)
                    for s in sides
                },
            ),
            answers=Answers(
                scalars={"confidence": chance.max(axis=1)},
                rates={f"class[{name}]": values for name, values in answer.items()},
                mix=answer,
            ),
            embedding=np.maximum(flat @ self.net.coefs_[0] + self.net.intercepts_[0], 0),
            images={"line": len(pictures)},
            places=looks.places(*(side.reshape(len(pictures), -1) for side in maps)),
        )

    def attacked(self, pictures: Digits, truth: NDArray[np.intp]) -> Digits:
        weights = self.line.coef_
        worst = np.array(
            [np.argmin(np.linalg.norm(weights - weights[t], axis=1) + 99 * (np.arange(10) == t)) for t in truth]
        )
        step = np.sign(weights[worst] - weights[truth]).reshape(pictures.shape)
        return np.clip(pictures + 0.25 * step, 0, 1)


def _shown(picture: NDArray[np.float64]) -> NDArray[np.uint8]:
    grey = np.rint(255 * picture).astype(np.uint8)
    return cv2.cvtColor(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_NEAREST), cv2.COLOR_GRAY2BGR)


def _warped(pictures: Digits, strength: str, rng: np.random.Generator) -> Digits:
    turn, move, shear, zoom, across, down = IMAGE_SHIFTS[strength]
    moved = []
    for picture in pictures:
        angle, lean = np.deg2rad(rng.uniform(-turn, turn)), np.deg2rad(rng.uniform(-shear, shear))
        rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = (
            rotate @ np.array([[1, -np.sin(lean)], [0, np.cos(lean)]]) @ np.diag(rng.uniform(1 - zoom, 1 + zoom, 2))
        )
        offset = np.array([3.5, 3.5]) - linear @ np.array([3.5, 3.5]) + 8 * rng.uniform(-move, move, 2)
        matrix = np.column_stack([linear, offset])
        one = cv2.warpAffine(picture, matrix, (8, 8), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        one = one[:, ::-1] if across and rng.random() < 0.5 else one
        moved.append(one[::-1] if down and rng.random() < 0.5 else one)
    return np.array(moved)


Shift = Callable[[Digits, NDArray[np.intp], float, Model, np.random.Generator], Digits]


def _some(pictures: Digits, part: float, rng: np.random.Generator) -> NDArray[np.intp]:
    return rng.choice(len(pictures), int(np.ceil(part * len(pictures))), replace=False)


def _noise(grey_levels: float) -> Shift:
    def shift(pictures, truth, part, model, rng):
        rows = _some(pictures, part, rng)
        pictures[rows] = np.clip(pictures[rows] + rng.normal(0, grey_levels / 255, pictures[rows].shape), 0, 1)
        return pictures

    return shift


def _image(strength: str) -> Shift:
    def shift(pictures, truth, part, model, rng):
        rows = _some(pictures, part, rng)
        pictures[rows] = _warped(pictures[rows], strength, rng)
        return pictures

    return shift


def _attack(pictures, truth, part, model, rng):
    rows = _some(pictures, part, rng)
    pictures[rows] = model.attacked(pictures[rows], truth[rows])
    return pictures


def _knock_out(pictures, truth, part, model, rng):
    zeros = np.flatnonzero(truth == 0)
    return np.delete(pictures, zeros[: int(np.ceil(part * len(zeros)))], axis=0)


def _moved_and_knocked_out(pictures, truth, part, model, rng):
    return _knock_out(_image("medium")(pictures, truth, 0.5, model, rng), truth, part, model, rng)


def _only_zeros(pictures, truth, part, model, rng):
    return _image("medium")(pictures[truth == 0], truth, part, model, rng)


SHIFTS: dict[str, Shift] = {
    "small noise": _noise(1.0),
    "medium noise": _noise(10.0),
    "large noise": _noise(100.0),
    "small image": _image("small"),
    "medium image": _image("medium"),
    "large image": _image("large"),
    "adversarial": _attack,
    "knock-out": _knock_out,
    "medium image + knock-out": _moved_and_knocked_out,
    "only zeros + medium image": _only_zeros,
}


def breach(reference: Sample, window: Sample) -> bool:
    rules = DriftRules(alpha=0.05, min_scenes=10, min_camera_scenes=10, explainer="")
    return any(finding.outcome is Outcome.BREACH for finding in compare(reference, window, rules))


def repetition(n: int, seed: int) -> dict[tuple[str, float], bool]:
    """Every shift once, and none at all, with a split and a model of this repetition."""
    rng = np.random.default_rng([seed, n])
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    pictures, truth = digits.images[order] / 16, digits.target[order]
    model = Model(pictures[:TRAINED], truth[:TRAINED], seed)
    reference = model.sample(pictures[TRAINED : TRAINED + REFERENCE])
    rest, known = pictures[TRAINED + REFERENCE :], truth[TRAINED + REFERENCE :]
    found = {("none", 0.0): breach(reference, model.sample(rest[:n]))}
    for name, shift in SHIFTS.items():
        for part in (0.1, 0.5, 1.0):
            changed = shift(rest.copy(), known, part, model, rng)
            window = changed[rng.permutation(len(changed))[:n]]
            found[name, part] = breach(reference, model.sample(window))
    return found


def share(found: int, runs: int) -> str:
    interval = binomtest(found, runs).proportion_ci(method="wilson")
    return f"{found / runs:.3f} [{interval.low:.3f}, {interval.high:.3f}] of {runs}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--n", type=int, nargs="+", default=[100, 1000])
    chosen = parser.parse_args()
    for n in chosen.n:
        found = [repetition(n, seed) for seed in range(chosen.runs)]
        print(f"\nn = {n}, alpha .05, {chosen.runs} repetitions\n\n| shift | 10 % | 50 % | 100 % |\n|---|---|---|---|")
        for name in SHIFTS:
            cells = [f"{sum(one[name, part] for one in found) / chosen.runs:.2f}" for part in (0.1, 0.5, 1.0)]
            print(f"| {name} | " + " | ".join(cells) + " |")
        hits = sum(hit for one in found for (name, _), hit in one.items() if name != "none")
        target = {100: " (target >= .50)", 1000: " (target >= .70)"}.get(n, "")
        print(f"\nall shifts: {share(hits, 30 * chosen.runs)}{target}")
        print(f"no shift: {share(sum(one['none', 0.0] for one in found), chosen.runs)}", flush=True)


if __name__ == "__main__":
    main()
