"""Confusion matrix of camera faults, told apart from drift and from each other.

Every case draws its own images, camera, severity and place; the ways in which things go wrong are in
`camera_ways*.py` (tuned and held, fresh: other physics, other: a factory and its weather, unseen and second:
strangers', classic: what anyone thinks of first), the places in `camera_worlds.py`, the cases in `camera_cases.py`.
Beside the faults there are cases that are none: a healthy window, a new product, another light or texture everywhere.
Every verdict is asked for with labels that show harm: only then could a fault start a retraining at all. They are read
in two ways: as a fall of which nobody knows where, and as errors by camera (`camera_labels.py`), those of the camera at
fault, or of all where none is.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pyarrow as pa
from camera_cases import LONE, NEIGHBOUR, NONE, SENT, SETS, SICK, SOUND, Case, Told, cases, report
from camera_health import judged
from camera_labels import told as labelled
from camera_ways import Image, Rng
from camera_ways_delivery import Sent
from camera_ways_delivery import usual as as_usual
from camera_worlds import HOUR, SLOTS, WORLDS, Row, World, everywhere, profiled
from numpy.typing import NDArray

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.tables import REFERENCES
from tasks.domain.verdict import Action, CauseKind
from tasks.domain.window import Window
from tasks.drift.cause import causes_of
from tasks.drift.compare import compare
from tasks.drift.rules import DriftRules
from tasks.drift.sample import sample

START = datetime(2026, 11, 20, tzinfo=UTC)
WINDOW = Window(START + timedelta(days=2), START + timedelta(days=3))
REFERENCE, CURRENT = 64, 32
HARM = Report(stage=Stage.EVALUATE, findings=(Finding(check="performance", subject="map50", outcome=Outcome.BREACH),))
Rows = list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A reference and a window; `sent` is when images were taken and landed, `erring` who has more errors."""

    reference: Rows
    window: Rows
    sent: dict[str, Sent]
    erring: tuple[str, ...]


def dated(rows: Rows, camera: str, moments: NDArray[np.float64]) -> Rows:
    """The rows with a camera and their moments, in minutes since `START`."""
    return [
        row | {"sha256": f"{n:064x}", "image_id": f"{camera}-{moments[n]:.2f}", "key": f"{camera}/{n}",
               "camera": camera, "captured_at": START + timedelta(minutes=float(moments[n]))}
        for n, row in enumerate(rows)
    ]  # fmt: skip


def draw(world: World, case: Case, rng: Rng, struck: int = 1) -> Drawn:
    """The fault on a camera drawn at random, on so many from there on (`struck`), or a change of what all see."""
    reference: Rows = []
    window: Rows = []
    sent: dict[str, Sent] = {}
    names = sorted(world.healthy)
    first, common = names.index(str(rng.choice(names))), everywhere(case.kind, rng)
    sick = [*names, *names][first : first + struck]
    shared = int(rng.integers(1e9)) if case.kind == SOUND else 0
    for camera, pool in sorted(world.healthy.items()):
        order = shuffled(pool, rng)
        known = in_time([pool[i] for i in order[:REFERENCE]], 2)
        reference += dated([row for _, row in known], camera, moments_of(known, 0, 2))
        chosen = in_time([pool[i] for i in order[REFERENCE : REFERENCE + CURRENT]], 1)
        if case.kind == "new product, all" or (case.kind == "new product, one" and camera in sick):
            others = shuffled(world.product[camera], rng)[:CURRENT]
            chosen = in_time([world.product[camera][i] for i in others], 1)
        moments = moments_of(chosen, 2, 1)
        if common is not None:
            chosen = [profiled(image) for image in common([image for image, _ in chosen], rng)]
        sent[camera] = as_usual(moments, rng)
        if case.kind == SOUND:
            chosen = spoilt(case, chosen, np.random.default_rng(shared))
        elif camera in sick and case.kind not in NONE:
            if case.way == NEIGHBOUR:
                chosen = [
                    world.healthy[next(other for other in names[::-1] if other not in sick)][i]
                    for i in order[-CURRENT:]
                ]
            chosen = spoilt(case, chosen, rng)
            sent[camera] = delivered(case, moments, rng)
            chosen = [chosen[place] for place in sent[camera].kept]
        shown = moments[sent[camera].kept] if case.kind == "clock" else sent[camera].captured
        window += dated([row for _, row in chosen], camera, shown)
    erring = tuple(sick) if case.kind in LONE or not case.sound else tuple(names)
    return Drawn(reference=reference, window=window, sent=sent, erring=erring)


def shuffled(pool: list[tuple[Image, Row]], rng: Rng) -> NDArray[np.int64]:
    """Places in the pool in an order drawn at random, as many of every part of the day among the first of them."""
    order = rng.permutation(len(pool))
    slots = np.array([int(pool[place][1].get(HOUR, 0.0) / 24 * SLOTS) for place in order])
    rank = np.array([np.count_nonzero(slots[:n] == slot) for n, slot in enumerate(slots)])
    return np.asarray(order[np.argsort(rank, kind="stable")])


def in_time(chosen: list[tuple[Image, Row]], days: int) -> list[tuple[Image, Row]]:
    """Pictures of so many days in the order of the hours that they show; as they are where they show none."""
    size = -(-len(chosen) // days)
    parts = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    return [each for part in parts for each in sorted(part, key=lambda each: each[1].get(HOUR, 0.0))]


def moments_of(chosen: list[tuple[Image, Row]], first: int, days: int) -> NDArray[np.float64]:
    """(n,) minutes at the hours that pictures show, or evenly over these days."""
    n = len(chosen)
    shown = [row[HOUR] / 24 + days * place // n for place, (_, row) in enumerate(chosen) if HOUR in row]
    return 1440 * (first + (np.array(shown) if shown else np.arange(n) / max(n, 1) * days))


def alone(drawn: Drawn, rng: Rng) -> Drawn:
    """One camera only: one that errs."""
    camera = str(rng.choice(drawn.erring))
    before, after = ([row for row in rows if row["camera"] == camera] for rows in (drawn.reference, drawn.window))
    return Drawn(reference=before, window=after, sent={camera: drawn.sent[camera]}, erring=(camera,))


def spoilt(case: Case, chosen: list[tuple[Image, Row]], rng: Rng) -> list[tuple[Image, Row]]:
    """The images of a camera that something happens to."""
    way = SETS[case.set].get(case.kind, {}).get(case.way)
    return list(map(profiled, way([image for image, _ in chosen], rng))) if way else chosen


def delivered(case: Case, moments: NDArray[np.float64], rng: Rng) -> Sent:
    """How the images come of a camera that something happens to."""
    return SENT.get(case.set, {}).get(case.kind, {}).get(case.way, as_usual)(moments, rng)


def verdict(drawn: Drawn, rng: Rng) -> Told:
    """The name of what was found, and whether it would start a retraining while labels show harm."""
    before, after = (pa.Table.from_pylist(rows, schema=REFERENCES) for rows in (drawn.reference, drawn.window))
    health = judged(before, after, drawn.sent, WINDOW)
    moved = compare(*(sample(each, [], "", DriftRules()) for each in (before, after)), DriftRules())
    drift = Report(stage=Stage.DRIFT, findings=moved)
    reports = (drift, health)
    causes = causes_of(reports, {})
    named = sorted({each.subject for each in health.breaches()})
    return Told(
        name=" + ".join(named) or (SICK if any(cause.kind is CauseKind.CAMERA for cause in causes) else "none"),
        by_fall=judge(reports, causes, HARM).action is Action.RETRAIN,
        by_camera=judge((*reports, labelled(drift, sorted(drawn.sent), drawn.erring, rng)), causes, HARM).action
        is Action.RETRAIN,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--pool", type=int, default=160)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worlds", nargs="*", default=["belts", "cells", "views"], choices=list(WORLDS))
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--held", action="store_true", help="the ways that the rules were not tuned on")
    parser.add_argument("--fresh", action="store_true", help="ways of other physics")
    parser.add_argument("--other", action="store_true", help="things of a factory and of its weather")
    parser.add_argument("--unseen", action="store_true", help="ways of a stranger, and healthy twins; runs of each way")
    parser.add_argument("--second", action="store_true", help="ways of a second stranger, likewise")
    parser.add_argument("--classic", action="store_true", help="what anyone would think of first, likewise")
    parser.add_argument("--alone", action="store_true", help="the camera that it strikes is the only one")
    parser.add_argument("--struck", type=int, default=1, help="cameras on which the fault comes about at once")
    parser.add_argument("--misses", action="store_true", help="print every case that is wrong")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    worlds = {name: WORLDS[name](asked.pool) for name in asked.worlds}
    told: dict[Case, Told] = {}
    chosen = next((name for name in SETS if getattr(asked, name, False)), "tuned")
    for case in cases(asked.worlds, asked.runs, chosen):
        if asked.kinds and case.kind not in asked.kinds:
            continue
        rng = np.random.default_rng([asked.seed, case.run, sum(map(ord, case.world + case.kind))])
        drawn = draw(worlds[case.world], case, rng, asked.struck)
        found = told[case] = verdict(alone(drawn, rng) if asked.alone else drawn, rng)
        retrains = "RETRAIN by fall " * found.by_fall + "RETRAIN by camera" * found.by_camera
        if asked.misses and (not case.right(found.name) or (retrains and not case.sound)):
            print(case, found.name, retrains, flush=True)
    report(told)


if __name__ == "__main__":
    main()
