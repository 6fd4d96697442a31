"""Places with cameras: drawn belts, photographs of solar cells, fixed views in which things pass, and plants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from camera_ways import Image, Rng, Way, clipped, field
from camera_ways_optics import drifting, gained
from camera_worlds_third import PLANTS
from sklearn.datasets import load_sample_images

from tasks.drift.properties import of_image
from tasks.scenarios.parts_scene import CAMERAS, SceneSpec, daylight, render
from tasks.scenarios.solar_cells import list_cells, read_cells

Row = dict[str, Any]
Pictures = dict[str, list[tuple[Image, Row]]]
HOUR = "hour"
SLOTS = 16
"""Of a row whose picture shows the hour of the day: it was taken then; and parts of a day, in each as many pictures."""
STATIONS = ("line-a", "line-b", "line-c")
VIEWS = {"gate": (0, 40, 60), "hall": (0, 100, 300), "dock": (1, 60, 100), "yard": (1, 90, 310)}
"""Photograph, top and left of the piece that a camera sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Cameras with their healthy images and images of a new product, each with its profile."""

    name: str
    healthy: Pictures
    product: Pictures


def profiled(image: Image) -> tuple[Image, Row]:
    """The image and its profile; for an embedding, the picture in 64 cells."""
    row = of_image(image).row()
    vector = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (8, 8), interpolation=cv2.INTER_AREA)
    return image, row | {"embedding": (vector.astype(np.float32).ravel() / 64).tolist()}


def belts(pool: int) -> World:
    """The four belts of the demonstration, from morning to night."""
    rng = np.random.default_rng(7)

    def scenes(camera: str, first: int, count: int, new: float) -> list[tuple[Image, Row]]:
        hours = rng.uniform(6, 22, count)
        specs = (SceneSpec(seed=first + i, camera=camera, hour=float(hours[i]), new_share=new) for i in range(count))
        return [profiled(render(spec).image) for spec in specs]

    return World(
        name="belts",
        healthy={camera: scenes(camera, 0, pool, 0.0) for camera in CAMERAS},
        product={camera: scenes(camera, 10_000, pool // 2, 0.9) for camera in CAMERAS},
    )


def cells(pool: int) -> World:
    """Three stations that photograph solar cells; the new product are polycrystalline ones."""
    found: dict[str, Pictures] = {kind: {name: [] for name in STATIONS} for kind in ("mono", "poly")}
    known = list_cells()
    order = np.random.default_rng(7).permutation(len(known))
    for number, cell in enumerate(read_cells(known[place] for place in order)):
        place = found[cell.type][STATIONS[number % len(STATIONS)]]
        if len(place) < (pool if cell.type == "mono" else pool // 2):
            place.append(profiled(cell.image))
    return World(name="cells", healthy=found["mono"], product=found["poly"])


def views(pool: int) -> World:
    """Four cameras that look at a fixed scene, each a piece of a photograph, through which coloured boxes pass."""
    photographs = [np.asarray(image)[:, :, ::-1] for image in load_sample_images().images]
    rng = np.random.default_rng(7)

    def scene(camera: str, new: bool) -> tuple[Image, Row]:
        number, top, left = VIEWS[camera]
        picture = photographs[number][top : top + 256, left : left + 256].astype(np.float32)
        for _ in range(int(rng.integers(1, 5))):
            place, size = rng.uniform(30, 226, 2), rng.uniform(20, 60, 2)
            frame = (tuple(map(float, place)), tuple(map(float, size)), float(rng.uniform(0, 180)))
            tone = rng.uniform(20, 235, 3) if not new else np.array([40.0, 220.0, 240.0])
            corners = np.asarray(cv2.boxPoints(frame)).astype(np.int32)
            cv2.fillPoly(picture, [corners], tone.tolist(), cv2.LINE_AA)
            if new:
                cv2.polylines(picture, [corners], True, (10, 10, 10), 5, cv2.LINE_AA)
        return profiled(clipped(picture * daylight(float(rng.uniform(6, 22))) + rng.normal(0, 2, picture.shape)))

    return World(
        name="views",
        healthy={camera: [scene(camera, new=False) for _ in range(pool)] for camera in VIEWS},
        product={camera: [scene(camera, new=True) for _ in range(pool // 2)] for camera in VIEWS},
    )


def photos(pool: int) -> World:
    """Three cameras with a photograph of scikit-image behind round pieces of others; the new product is tissue."""
    from skimage import data  # not a dependency of Evergreen: only this world needs it

    rng = np.random.default_rng(7)
    behind = {"bench": data.coffee(), "pad": data.rocket(), "stand": data.stereo_motorcycle()[0]}
    passing = {False: (data.chelsea(), data.astronaut()), True: (data.immunohistochemistry(), data.retina())}
    square = {name: cv2.resize(found[:, :, ::-1], (300, 256)).astype(np.float32) for name, found in behind.items()}

    def scene(camera: str, new: bool) -> tuple[Image, Row]:
        picture = square[camera].copy()
        for _ in range(int(rng.integers(1, 4))):
            source = passing[new][int(rng.integers(2))][:, :, ::-1]
            size = int(rng.integers(30, 70))
            y, x = (int(rng.integers(0, end - 90)) for end in source.shape[:2])
            top, left = int(rng.integers(0, 256 - size)), int(rng.integers(0, 300 - size))
            mask = np.zeros((size, size), np.uint8)
            cv2.circle(mask, (size // 2, size // 2), size // 2 - 1, 1, -1)
            piece = cv2.resize(source[y : y + 90, x : x + 90], (size, size)).astype(np.float32)
            picture[top : top + size, left : left + size][mask > 0] = piece[mask > 0]
        return profiled(clipped(picture * daylight(float(rng.uniform(6, 22))) + rng.normal(0, 2, picture.shape)))

    return World(
        name="photos",
        healthy={camera: [scene(camera, new=False) for _ in range(pool)] for camera in behind},
        product={camera: [scene(camera, new=True) for _ in range(pool // 2)] for camera in behind},
    )


def plant(name: str, pool: int) -> World:
    """One of the plants of the third stranger."""
    cameras, make = PLANTS[name]
    rng, scene = np.random.default_rng(7), make()

    def pictures(camera: str, count: int, new: bool) -> list[tuple[Image, Row]]:
        hours = (np.arange(count) % SLOTS + rng.uniform(0, 1, count)) * 24 / SLOTS
        made = [profiled(scene(camera, new, hour, rng)) for hour in map(float, hours)]
        return [(image, row | {HOUR: hour}) for (image, row), hour in zip(made, hours, strict=True)]

    return World(
        name=name,
        healthy={camera: pictures(camera, pool, False) for camera in cameras},
        product={camera: pictures(camera, pool // 2, True) for camera in cameras},
    )


WORLDS: dict[str, Callable[[int], World]] = {"belts": belts, "cells": cells, "views": views, "photos": photos}
WORLDS |= {name: partial(plant, name) for name in PLANTS}


def everywhere(kind: str, rng: Rng) -> Way | None:
    """What is done to the images of every camera alike."""
    bright, seed, tint = bool(rng.integers(2)), int(rng.integers(1e9)), rng.uniform(0.85, 1.15, 3)

    def texture(images: list[Image], rng: Rng) -> list[Image]:
        pattern = 1 + 0.06 * field(images[0].shape, 0.012, seed)[:, :, None] / 0.06
        return [clipped(image * np.clip(pattern, 0.8, 1.2)) for image in images]

    def warm(images: list[Image], rng: Rng) -> list[Image]:
        return [clipped(image * tint) for image in images]

    low, high = (1.4, 1.8) if bright else (0.4, 0.7)
    factor = float(rng.uniform(low, high))
    ways: dict[str, Way] = {
        "light, all": gained(factor * 0.95, factor * 1.05),
        "dusk, all": drifting(0.3, 0.45),
        "texture, all": texture,
        "warm, all": warm,
    }
    return ways.get(kind)
