"""Cameras over drawn belts and over photographed cells, healthy once and spoilt on demand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property

import cv2
import numpy as np
import pyarrow as pa
import pytest

from tasks.camera import pictures
from tasks.camera.frames import Frames, by_camera
from tasks.camera.pictures import judge_pictures
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Outcome
from tasks.domain.tables import REFERENCES
from tasks.drift.properties import of_image
from tasks.scenarios.parts_scene import SceneSpec, render
from tasks.scenarios.solar_cells import list_cells, read_cells

START = datetime(2026, 11, 20, tzinfo=UTC)
KNOWN, SEEN = 40, 20
SIDE = 160
"""Pixels of a picture: enough for every measure, and quick."""


def small(image):
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="session", autouse=True)
def known_once():
    """The numbers of the same images are worked out once: of a reference, and of cameras that nothing is done to."""

    def once(real):
        kept = {}

        def found(*sides):
            name = hash(
                tuple(
                    getattr(each, part).tobytes() if isinstance(each, Frames) else each
                    for each in sides
                    for part in Frames.__slots__
                )
            )
            if name not in kept:
                kept[name] = real(*sides)
            return kept[name]

        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "healthy", once(pictures.healthy))
        patch.setattr(pictures, "measures", once(pictures.measures))
        yield


class Place:
    """Three cameras: what they were like, and what they see now unless something is done to it."""

    def __init__(self, reference, current, new):
        self.images, self.new = current, new
        self.reference = {camera: [of_image(image).row() for image in found] for camera, found in reference.items()}
        self.current = {camera: [of_image(image).row() for image in found] for camera, found in current.items()}
        self.before = by_camera(self.table(self.reference))

    @cached_property
    def product(self):
        """camera -> images of a new product, drawn when they are asked for."""
        return {camera: self.new(camera) for camera in self.images}

    def table(self, rows):
        """A `references` table, images of every camera evenly over a day."""
        full = [
            row | {"camera": camera, "captured_at": START + n * timedelta(days=1) / len(found), "sha256": f"{n:064x}",
                   "image_id": f"{camera}-{n}", "key": f"{camera}/{n}", "embedding": []}
            for camera, found in rows.items() for n, row in enumerate(found)
        ]  # fmt: skip
        return pa.Table.from_pylist(full, schema=REFERENCES)

    def judged(self, changes, product=()):
        """What is found when every image of a camera is changed so (camera -> change)."""
        rows = dict(self.current)
        for camera in product:
            rows[camera] = [of_image(image).row() for image in self.product[camera]]
        for camera, change in changes.items():
            rows[camera] = [of_image(change(image)).row() for image in self.images[camera]]
        return judge_pictures(self.before, by_camera(self.table(rows)), CameraRules())

    def named(self, changes, product=()):
        """camera -> fault."""
        found = self.judged(changes, product)
        return {each.camera: each.subject for each in found if each.outcome is Outcome.BREACH}


@pytest.fixture(scope="session")
def belts():
    rng = np.random.default_rng(3)

    def scenes(camera, first, count, new=0.0):
        hours = rng.uniform(6, 22, count)
        return [
            small(render(SceneSpec(seed=first + n, camera=camera, hour=float(hours[n]), new_share=new)).image)
            for n in range(count)
        ]

    cameras = ("cam-1", "cam-2", "cam-4")
    return Place(
        {camera: scenes(camera, 0, KNOWN) for camera in cameras},
        {camera: scenes(camera, 1000, SEEN) for camera in cameras},
        lambda camera: scenes(camera, 2000, SEEN, 0.9),
    )


@pytest.fixture(scope="session")
def cells():
    pytest.importorskip("elpv_dataset", reason="the photographs are an optional extra")
    known = list_cells()
    shuffled = [known[place] for place in np.random.default_rng(5).permutation(len(known))]
    kinds = {kind: [cell for cell in shuffled if cell.type == kind] for kind in ("mono", "poly")}
    cameras = ("line-a", "line-b", "line-c")

    def images(kind, first, count):
        return [small(cell.image) for cell in read_cells(kinds[kind][first : first + count])]

    return Place(
        {camera: images("mono", n * KNOWN, KNOWN) for n, camera in enumerate(cameras)},
        {camera: images("mono", 3 * KNOWN + n * SEEN, SEEN) for n, camera in enumerate(cameras)},
        lambda camera: images("poly", cameras.index(camera) * SEEN, SEEN),
    )


@pytest.fixture(scope="session")
def views():
    """Cameras that look at a fixed scene full of edges, through which boxes pass."""
    rng = np.random.default_rng(9)

    def scenes(background, count, bright=False):
        found = []
        for _ in range(count):
            picture = background.copy()
            for _ in range(int(rng.integers(1, 4))):
                frame = (tuple(rng.uniform(20, 140, 2)), tuple(rng.uniform(12, 34, 2)), float(rng.uniform(0, 180)))
                tone = (40, 230, 240) if bright else rng.uniform(20, 235, 3).tolist()
                cv2.fillPoly(picture, [np.asarray(cv2.boxPoints(frame)).astype(np.int32)], tone)
            found.append(np.clip(picture * rng.uniform(0.85, 1.1) + rng.normal(0, 2, picture.shape), 0, 255))
        return [image.astype(np.uint8) for image in found]

    def background(seed):
        made = np.random.default_rng(seed)
        coarse = cv2.resize(made.uniform(40, 190, (12, 12, 3)).astype(np.float32), (SIDE, SIDE))
        return coarse + 25 * np.sign(cv2.GaussianBlur(made.normal(0, 1, (SIDE, SIDE, 3)), (0, 0), 3))

    fixed = {camera: background(number) for number, camera in enumerate(("gate", "hall", "yard"))}
    return Place(
        {camera: scenes(each, KNOWN) for camera, each in fixed.items()},
        {camera: scenes(each, SEEN) for camera, each in fixed.items()},
        lambda camera: scenes(fixed[camera], SEEN, bright=True),
    )


@pytest.fixture(params=["belts", "cells"])
def place(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def one(place):
    """The camera that something happens to."""
    return sorted(place.images)[1]
