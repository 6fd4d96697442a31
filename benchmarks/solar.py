"""Real photographs of solar cells (ELPV), eight ways in which a camera goes wrong, and a small model to see them.

The photographs come with the package `elpv-dataset` (CC BY-NC-SA 4.0): used here, never shipped. The ladder of
changes goes from what nobody sees to what everybody sees. The "deployed model" is a perceptron with one hidden layer on
HOG features, trained here in seconds to tell defective cells; its hidden layer is the embedding.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from elpv_dataset.utils import load_dataset
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from tasks.domain.tables import PROPERTIES
from tasks.drift import looks
from tasks.drift.answers import Answers
from tasks.drift.decoding import Picture
from tasks.drift.properties import of_picture
from tasks.drift.sample import CLIPPED, Sample

Image = NDArray[np.uint8]
Change = Callable[[Image, float, np.random.Generator], NDArray[np.float64]]
TRAINED, POOL, HIDDEN = 900, 500, 64
RELATIONS = ("fine_detail", "grain", "relative_contrast")


def _gain(image, level, rng):
    return image * level


def _blur(image, level, rng):
    return cv2.GaussianBlur(image, (0, 0), level).astype(np.float64)


def _noise(image, level, rng):
    return image + rng.standard_normal(image.shape) * level


def _dirt(image, level, rng):
    height, width = image.shape
    y, x = np.mgrid[:height, :width]
    radius = np.sqrt(level * height * width / np.pi)
    near = np.clip(1.25 - np.hypot(y - 0.62 * height, x - 0.35 * width) / radius, 0, 0.5) / 0.5
    return image * (1 - 0.6 * near)


def _bump(image, level, rng):
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), level, 1.0)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT).astype(np.float64)


def _jpeg(image, level, rng):
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(level)])[1]
    return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.float64)


def _night(image, level, rng):
    return 255 * (image / 255) ** level + rng.standard_normal(image.shape) * 3 * (level - 1)


def _fog(image, level, rng):
    return image * (1 - level) + 200 * level


LADDER: Mapping[str, tuple[Change, tuple[float, ...]]] = {
    "gain": (_gain, (0.97, 0.94, 0.90, 0.80, 0.65)),
    "blur": (_blur, (0.3, 0.5, 0.8, 1.2, 2.0)),
    "noise": (_noise, (1, 2, 4, 8, 16)),
    "lens dirt": (_dirt, (0.005, 0.01, 0.02, 0.05, 0.10)),
    "bump": (_bump, (1, 2, 4, 8, 15)),
    "jpeg": (_jpeg, (90, 75, 50, 30, 15)),
    "night": (_night, (1.05, 1.1, 1.25, 1.5, 2.0)),
    "fog": (_fog, (0.02, 0.05, 0.10, 0.20, 0.35)),
}
PHOTOMETRIC = tuple(family for family in LADDER if family != "bump")


def change(image: Image, family: str, step: int, seed: int) -> Image:
    """The picture changed by a family's step 0..4."""
    function, levels = LADDER[family]
    changed = function(image, levels[step], np.random.default_rng(seed))
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


_CELLS = (np.arange(128) // 16)[:, None] * 8 + (np.arange(128) // 16)[None, :]


def hog(image: Image) -> NDArray[np.float32]:
    """Histograms of oriented gradients: 8 x 8 cells, 9 directions, blocks of 2 x 2 cells normalised, (1764,)."""
    small = cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0, ksize=1), cv2.Sobel(small, cv2.CV_32F, 0, 1, ksize=1)
    direction = np.minimum((np.arctan2(down, across) % np.pi) * (9 / np.pi), 8.999).astype(np.intp)
    cells = np.bincount((_CELLS * 9 + direction).ravel(), weights=np.hypot(across, down).ravel(), minlength=576)
    grid = cells.reshape(8, 8, 9)
    blocks = np.concatenate([grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]], axis=2)
    return (blocks / (np.linalg.norm(blocks, axis=2, keepdims=True) + 30)).ravel().astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known about n pictures: properties (n, p) in the order of PROPERTIES, embedding, chance of a defect.

    Beside them the relations of the properties, and the places of light and detail, (n, 512).
    """

    properties: NDArray[np.float64]
    relations: NDArray[np.float64]
    places: NDArray[np.uint8]
    embedding: NDArray[np.float64]
    defect: NDArray[np.float64]

    def sample(self, rows: NDArray[np.intp]) -> Sample:
        """These pictures as one camera's sample."""
        columns = dict(zip(PROPERTIES, self.properties[rows].T, strict=False))
        columns |= dict(zip(RELATIONS, self.relations[rows].T, strict=True))
        clipped = {f"{side}_images": (self.clipped(side)[rows] > CLIPPED).astype(float) for side in ("dark", "bright")}
        defect = self.defect[rows]
        answer = {"defect": (defect >= 0.5).astype(float), "sound": (defect < 0.5).astype(float)}
        return Sample(
            cameras=np.full(len(rows), "line", dtype=object),
            photometric=Answers(scalars=columns, rates=clipped),
            answers=Answers(
                scalars={"confidence": np.maximum(defect, 1 - defect)},
                rates={f"class[{name}]": values for name, values in answer.items()},
                mix=answer,
            ),
            embedding=self.embedding[rows],
            images={"line": len(rows)},
            places=self.places[rows],
        )

    def clipped(self, side: str) -> NDArray[np.float64]:
        return self.properties[:, -2 if side == "dark" else -1]


def _measured(images: list[Image]) -> dict[str, NDArray[Any]]:
    """What is kept of some pictures: properties, maps of light, octaves of detail, HOG features."""
    found = [of_picture(Picture(luma=image, colour=None)) for image in images]
    names = [*PROPERTIES, "dark_fraction", "bright_fraction"]
    return {
        "properties": np.array([[getattr(one, name) for name in names] for one in found]),
        "light": np.array([np.frombuffer(one.luma_map, np.uint8) for one in found]),
        "detail": np.array([np.frombuffer(one.detail_map, np.uint8) for one in found]),
        "octaves": np.array([one.octaves for one in found]),
        "hog": np.array([hog(image) for image in images]),
    }


def prepared(cache: Path) -> dict[str, NDArray[np.float64]]:
    """Properties and HOG features of clean and changed pictures, from the cache when they lie there."""
    if cache.exists():
        with np.load(cache) as stored:
            return dict(stored)
    images, chance, _ = load_dataset()
    order = np.random.default_rng(1).permutation(len(images))
    images, chance = images[order], chance[order]
    started = time.process_time()
    table: dict[str, NDArray[np.float64]] = {"truth": (chance >= 0.5).astype(float)}
    table |= {f"clean/{name}": values for name, values in _measured(list(images)).items()}
    pool = images[-POOL:]
    for family in LADDER:
        for step in range(5):
            changed = [change(image, family, step, seed) for seed, image in enumerate(pool)]
            table |= {f"{family}/{step}/{name}": values for name, values in _measured(changed).items()}
    np.savez(cache, **table)
    print(f"measured {len(images) + 40 * POOL} pictures in {time.process_time() - started:.0f} s of CPU", flush=True)
    return table


@dataclass(frozen=True, kw_only=True)
class World:
    """Clean pictures that the model was not trained on, the last POOL of them also changed; loss in accuracy points."""

    clean: Seen
    changed: dict[tuple[str, int], Seen]
    loss: dict[tuple[str, int], float]
    accuracy: float


def world(cache: Path) -> World:
    """Everything the benchmarks draw from."""
    table = prepared(cache)
    features, truth = table["clean/hog"], table["truth"] > 0
    centre, scale = features[:TRAINED].mean(axis=0), features[:TRAINED].std(axis=0) + 1e-3
    model = MLPClassifier((HIDDEN,), alpha=10.0, max_iter=15, random_state=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
        model.fit((features[:TRAINED] - centre) / scale, truth[:TRAINED])

    def seen(name: str, rows: slice) -> Seen:
        properties, light, detail, octaves, hogs = (
            table[f"{name}/{each}"][rows] for each in ("properties", "light", "detail", "octaves", "hog")
        )
        hogs = (hogs - centre) / scale
        hidden = np.maximum(hogs @ model.coefs_[0] + model.intercepts_[0], 0)
        light_of = dict(zip(PROPERTIES, properties.T, strict=False))
        related = looks.relations(light_of["noise"], light_of["contrast"], light_of["brightness"], octaves)
        return Seen(
            properties=properties,
            relations=np.column_stack([related[each] for each in RELATIONS]),
            places=looks.places(light, detail),
            embedding=hidden.astype(np.float64),
            defect=model.predict_proba(hogs)[:, 1],
        )

    def accuracy(one: Seen) -> float:
        return float(((one.defect >= 0.5) == truth[-POOL:])[-POOL:].mean())

    clean, pool = seen("clean", slice(TRAINED, None)), seen("clean", slice(-POOL, None))
    changed = {(family, step): seen(f"{family}/{step}", slice(None)) for family in LADDER for step in range(5)}
    loss = {key: 100 * (accuracy(pool) - accuracy(one)) for key, one in changed.items()}
    return World(clean=clean, changed=changed, loss=loss, accuracy=accuracy(pool))
