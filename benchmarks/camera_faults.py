"""Confusion matrix of camera faults, on drawn belts and on photographs of solar cells.

Every case draws its own severity, place and images. Beside the faults there are cases that are none: a healthy
window, a new product on one camera and on all, other light on all cameras. Every verdict is asked for with labels
that show harm: only then could a fault start a retraining at all.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import binomtest

from tasks.camera.clock import judge_clocks
from tasks.camera.delivery import judge_delivery, usual
from tasks.camera.frames import by_camera
from tasks.camera.pictures import judge_pictures
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.tables import REFERENCES
from tasks.domain.verdict import Action, CauseKind
from tasks.domain.window import Window
from tasks.drift.cause import causes_of
from tasks.drift.compare import compare
from tasks.drift.properties import of_image
from tasks.drift.rules import DriftRules
from tasks.drift.sample import sample
from tasks.scenarios.parts_scene import CAMERAS, SceneSpec, render
from tasks.scenarios.solar_cells import list_cells, read_cells

Image = NDArray[np.uint8]
Change = Callable[[Image], Image]
Row = dict[str, Any]

START = datetime(2026, 11, 20, tzinfo=UTC)
WINDOW = Window(START + timedelta(days=1), START + timedelta(days=2))
REFERENCE, CURRENT = 64, 32
PICTURES = ("covered", "frozen", "moved", "out_of_focus", "dirty_lens", "too_dark", "too_bright", "colour_lost")
DELIVERY = ("offline", "frame_rate", "clock")
NONE = ("healthy", "new product, one camera", "new product, all", "other light, all")
SICK = "fault without a name"
HARM = Report(stage=Stage.EVALUATE, findings=(Finding(check="performance", subject="map50", outcome=Outcome.BREACH),))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Cameras with their healthy images and images of the new product, each with its profile."""

    name: str
    healthy: dict[str, list[tuple[Image, Row]]]
    product: dict[str, list[tuple[Image, Row]]]


def profiled(image: Image) -> tuple[Image, Row]:
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
    names = ("line-a", "line-b", "line-c")
    found: dict[str, dict[str, list[tuple[Image, Row]]]] = {kind: {n: [] for n in names} for kind in ("mono", "poly")}
    for number, cell in enumerate(read_cells(list_cells())):
        place = found[cell.type][names[number % len(names)]]
        if len(place) < (pool if cell.type == "mono" else pool // 2):
            place.append(profiled(cell.image))
    return World(name="cells", healthy=found["mono"], product=found["poly"])


# --- what can go wrong with one image -------------------------------------------------------------------------


def gain(factor: float) -> Change:
    return lambda image: np.clip(image.astype(np.float32) * factor, 0, 255).astype(np.uint8)


def blurred(sigma: float) -> Change:
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def grey(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def knocked(rng: np.random.Generator) -> Change:
    """A turn of 5 to 15 degrees with a small shift, or a shift of 8 to 15 % alone."""
    turned = bool(rng.integers(2))
    angle = float(rng.uniform(5, 15) * rng.choice([-1, 1])) if turned else 0.0
    way, far = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0, 0.05) if turned else rng.uniform(0.08, 0.15))
    border = int(rng.choice([cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE]))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        matrix[:, 2] += (far * math.cos(way) * width, far * math.sin(way) * height)
        return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderMode=border), dtype=np.uint8)

    return change


def dirty(rng: np.random.Generator) -> Change:
    """Blobs over 2 to 12 % of the lens that stay where they are: grease, a blur, or mud."""
    area, kind, seed = (
        float(rng.uniform(0.02, 0.12)),
        str(rng.choice(["grease", "blur", "mud"])),
        int(rng.integers(1e9)),
    )
    scale = float(rng.uniform(0.03, 0.08))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        field = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
        field = cv2.GaussianBlur(field, (0, 0), scale * height)
        stuck = (field >= np.quantile(field, 1 - area)).astype(np.float32)
        film = cv2.GaussianBlur(stuck, (0, 0), 2)[:, :, None]
        soft = cv2.GaussianBlur(image, (0, 0), 6).astype(np.float32)
        mean = image.mean(axis=(0, 1), dtype=np.float32)
        under = {"grease": 0.35 * soft + 0.65 * mean, "blur": soft, "mud": np.zeros_like(soft) + 25}[kind]
        return np.clip(image * (1 - film) + under * film, 0, 255).astype(np.uint8)

    return change


def hidden(rng: np.random.Generator) -> Change:
    """A grey thing in front of 20 to 100 % of the picture, from one side."""
    share, side, shade = float(rng.uniform(0.2, 1.0)), int(rng.integers(4)), float(rng.uniform(5, 160))

    def change(image: Image) -> Image:
        turned = np.rot90(image, side).astype(np.float32)
        width = round(turned.shape[1] * share)
        turned[:, :width] = shade + rng.normal(0, 2, turned[:, :width].shape)
        return np.clip(np.rot90(turned, -side), 0, 255).astype(np.uint8)

    return change


def change_of(kind: str, rng: np.random.Generator) -> Change:
    factories: dict[str, Callable[[], Change]] = {
        "covered": lambda: hidden(rng),
        "moved": lambda: knocked(rng),
        "out_of_focus": lambda: blurred(float(rng.uniform(1.2, 4))),
        "dirty_lens": lambda: dirty(rng),
        "too_dark": lambda: gain(float(rng.uniform(0.25, 0.65))),
        "too_bright": lambda: gain(float(rng.uniform(1.5, 2.5))),
        "colour_lost": lambda: grey,
    }
    return factories[kind]()


# --- a case ---------------------------------------------------------------------------------------------------


def stamped(rows: list[Row], camera: str, day: int) -> list[Row]:
    """The rows with a camera and moments evenly over the day."""
    step = timedelta(days=1) / max(len(rows), 1)
    return [
        row | {"sha256": f"{n:064x}", "image_id": f"{camera}-{day}-{n}", "key": f"{camera}/{n}", "camera": camera,
               "captured_at": START + timedelta(days=day) + n * step}
        for n, row in enumerate(rows)
    ]  # fmt: skip


def table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=REFERENCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A reference and a window; `delays` are minutes from capture to landing."""

    reference: list[Row]
    window: list[Row]
    delays: dict[str, NDArray[np.float64]]


def draw(world: World, kind: str, rng: np.random.Generator) -> Drawn:
    """One case: the fault on a camera drawn at random, or a change of what all see."""
    reference: list[Row] = []
    window: list[Row] = []
    delays: dict[str, NDArray[np.float64]] = {}
    sick = str(rng.choice(sorted(world.healthy)))
    light = float(rng.choice([rng.uniform(0.4, 0.7), rng.uniform(1.4, 1.8)]))
    for camera, pool in sorted(world.healthy.items()):
        order = rng.permutation(len(pool))
        reference += stamped([pool[i][1] for i in order[:REFERENCE]], camera, 0)
        chosen = [pool[i] for i in order[REFERENCE : REFERENCE + CURRENT]]
        if kind == "new product, all" or (kind == "new product, one camera" and camera == sick):
            chosen = [world.product[camera][i] for i in rng.permutation(len(world.product[camera]))[:CURRENT]]
        if kind == "other light, all":
            factor = gain(light * float(rng.uniform(0.95, 1.05)))
            chosen = [profiled(factor(image)) for image, _ in chosen]
        rows = [row for _, row in chosen]
        delay = rng.exponential(0.2, len(rows))
        if camera == sick:
            rows = faulty(kind, chosen, rng)
            delay = rng.exponential(0.2, len(rows)) + (clock_error(rng) if kind == "clock" else 0)
        window += stamped(rows, camera, 1)
        delays[camera] = delay
    return Drawn(reference=reference, window=window, delays=delays)


def clock_error(rng: np.random.Generator) -> float:
    return float(60 * rng.uniform(0.5, 5) * rng.choice([-1, 1]))


def faulty(kind: str, chosen: list[tuple[Image, Row]], rng: np.random.Generator) -> list[Row]:
    if kind == "offline":
        return []
    if kind == "frame_rate":
        return [row for _, row in chosen[: int(CURRENT * rng.uniform(0.15, 0.45))]]
    if kind == "frozen":
        return [profiled(jpeg(chosen[0][0], int(rng.integers(85, 96))))[1] for _ in chosen]
    if kind in PICTURES:
        change = change_of(kind, rng)
        return [profiled(change(image))[1] for image, _ in chosen]
    return [row for _, row in chosen]


def jpeg(image: Image, quality: int) -> Image:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)


def verdict(drawn: Drawn) -> tuple[str, bool]:
    """The name of what was found, and whether it would start a retraining while labels show harm."""
    before, after, rules = table(drawn.reference), table(drawn.window), CameraRules()
    found = judge_pictures(by_camera(before), by_camera(after), rules)
    expected = usual(before["captured_at"].to_pylist(), before["camera"].to_pylist(), WINDOW)
    found += judge_delivery(expected, Counter(after["camera"].to_pylist()), rules)
    found += judge_clocks(drawn.delays, rules)
    health = Report(stage=Stage.CAMERA, findings=found)
    moved = compare(*(sample(each, [], "", DriftRules()) for each in (before, after)), DriftRules())
    reports = (Report(stage=Stage.DRIFT, findings=moved), health)
    causes = causes_of(reports, {})
    named = sorted({each.subject for each in health.breaches()})
    sick = any(cause.kind is CauseKind.CAMERA for cause in causes)
    answer = " + ".join(named) or (SICK if sick else "none")
    return answer, judge(reports, causes, HARM).action is Action.RETRAIN


def cases(worlds: list[World], runs: int) -> Iterator[tuple[str, str, int]]:
    for world in worlds:
        for kind in (*NONE, *PICTURES, *DELIVERY):
            if kind == "colour_lost" and world.name == "cells":
                continue  # they are photographed without colour
            for run in range(runs):
                yield world.name, kind, run


def interval(right: int, n: int) -> str:
    found = binomtest(right, n).proportion_ci(method="wilson")
    return f"{right / n:.3f} [{found.low:.3f}, {found.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--pool", type=int, default=160)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worlds", nargs="*", default=["belts", "cells"])
    parser.add_argument("--kinds", nargs="*")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    worlds = {name: make(asked.pool) for name, make in (("belts", belts), ("cells", cells)) if name in asked.worlds}
    tally: dict[tuple[str, str], Counter[str]] = {}
    retrained: Counter[str] = Counter()
    for name, kind, run in cases(list(worlds.values()), asked.runs):
        if asked.kinds and kind not in asked.kinds:
            continue
        seed = [asked.seed, run, sum(map(ord, name + kind))]
        answer, retrains = verdict(draw(worlds[name], kind, np.random.default_rng(seed)))
        tally.setdefault((name, kind), Counter())[answer] += 1
        retrained[kind] += retrains and kind in (*PICTURES, *DELIVERY)
    report(tally, retrained)


def report(tally: dict[tuple[str, str], Counter[str]], retrained: Counter[str]) -> None:
    print("| world | what happened | right | answers | would retrain |")
    print("|---|---|---|---|---|")
    right_of_all: Counter[str] = Counter()
    n_of_all: Counter[str] = Counter()
    for (world, kind), answers in tally.items():
        truth, n = "none" if kind in NONE else kind, sum(answers.values())
        words = ", ".join(f"{answer} {count}" for answer, count in answers.most_common())
        would = retrained[kind] if kind not in NONE else "-"
        print(f"| {world} | {kind} | {interval(answers[truth], n)} | {words} | {would} |")
        right_of_all[world] += answers[truth]
        n_of_all[world] += n
    for world, n in n_of_all.items():
        print(f"| {world} | **all** | {interval(right_of_all[world], n)} | | |")
    total, n = sum(right_of_all.values()), sum(n_of_all.values())
    print(f"\n{interval(total, n)} of {n} cases are right; {sum(retrained.values())} faults would start a retraining")


if __name__ == "__main__":
    main()
