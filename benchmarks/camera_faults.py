"""Confusion matrix of camera faults, told apart from drift and from each other.

Every case draws its own images, camera, severity and place; the ways in which things go wrong are in
`camera_ways.py` and `camera_ways_optics.py`, those of other physics in `camera_ways_fresh.py`, those of a factory and
its weather in `camera_ways_other.py`, the places in `camera_worlds.py`. Beside the faults there are cases that are
none: a healthy window, a new product, another light or texture everywhere. Every verdict is asked for with labels that
show harm: only then could a fault start a retraining at all. They are read in two ways: as a fall of which nobody knows
where, and as errors by camera (`camera_labels.py`), those of the camera at fault, or of all where none is.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pyarrow as pa
from camera_labels import told as labelled
from camera_ways import Image, Rng
from camera_ways_fresh import FRESH
from camera_ways_optics import HELD, TUNED
from camera_ways_other import OTHER
from camera_worlds import WORLDS, Row, World, everywhere, profiled
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
from tasks.drift.rules import DriftRules
from tasks.drift.sample import sample

START = datetime(2026, 11, 20, tzinfo=UTC)
WINDOW = Window(START + timedelta(days=2), START + timedelta(days=3))
REFERENCE, CURRENT = 64, 32
SETS = {"tuned": TUNED, "held": HELD, "fresh": FRESH, "other": OTHER}
DELIVERY = {"offline": ("silent",), "frame_rate": ("slow",), "clock": ("hours", "minutes", "days", "in between")}
NONE = ("healthy", "new product, one", "new product, all", "light, all", "dusk, all", "texture, all", "warm, all")
LONE = "new product, one"
SICK = "fault without a name"
HARM = Report(stage=Stage.EVALUATE, findings=(Finding(check="performance", subject="map50", outcome=Outcome.BREACH),))
Rows = list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What happens: `kind` is the fault (or none of them), `way` how it comes about."""

    world: str
    kind: str
    way: str
    run: int
    set: str = "tuned"

    @property
    def truth(self) -> str:
        return "none" if self.kind in NONE else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A reference and a window; `delays` are minutes from capture to landing, `erring` the cameras with more errors."""

    reference: Rows
    window: Rows
    delays: dict[str, NDArray[np.float64]]
    erring: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was found, and whether it starts a retraining: by a fall of performance, and by errors by camera."""

    name: str
    by_fall: bool
    by_camera: bool


def dated(rows: Rows, camera: str, day: int, days: int = 1) -> Rows:
    """The rows with a camera and moments evenly over so many days."""
    step = timedelta(days=days) / max(len(rows), 1)
    return [
        row | {"sha256": f"{n:064x}", "image_id": f"{camera}-{day}-{n}", "key": f"{camera}/{n}", "camera": camera,
               "captured_at": START + timedelta(days=day) + n * step}
        for n, row in enumerate(rows)
    ]  # fmt: skip


def draw(world: World, case: Case, rng: Rng, struck: int = 1) -> Drawn:
    """The fault on a camera drawn at random, on so many from there on (`struck`), or a change of what all see."""
    reference: Rows = []
    window: Rows = []
    delays: dict[str, NDArray[np.float64]] = {}
    names = sorted(world.healthy)
    first, common = names.index(str(rng.choice(names))), everywhere(case.kind, rng)
    sick = [*names, *names][first : first + struck]
    for camera, pool in sorted(world.healthy.items()):
        order = rng.permutation(len(pool))
        reference += dated([pool[i][1] for i in order[:REFERENCE]], camera, 0, 2)
        chosen = [pool[i] for i in order[REFERENCE : REFERENCE + CURRENT]]
        if case.kind == "new product, all" or (case.kind == LONE and camera in sick):
            chosen = [world.product[camera][i] for i in rng.permutation(len(world.product[camera]))[:CURRENT]]
        if common is not None:
            chosen = [profiled(image) for image in common([image for image, _ in chosen], rng)]
        delay = rng.exponential(0.2, CURRENT)
        if camera in sick and case.kind not in NONE:
            chosen, delay = spoilt(case, chosen, delay, rng)
        window += dated([row for _, row in chosen], camera, 2)
        delays[camera] = delay
    everybody = case.kind in NONE and case.kind != LONE
    erring = tuple(names) if everybody else tuple(sick)
    return Drawn(reference=reference, window=window, delays=delays, erring=erring)


def spoilt(
    case: Case, chosen: list[tuple[Image, Row]], delay: NDArray[np.float64], rng: Rng
) -> tuple[list[tuple[Image, Row]], NDArray[np.float64]]:
    """The images and delays of the camera that is at fault."""
    if case.kind == "offline":
        return [], delay[:0]
    if case.kind == "frame_rate":
        kept = np.sort(rng.permutation(CURRENT)[: int(CURRENT * rng.uniform(0.2, 0.55))])
        return [chosen[i] for i in kept], delay[kept]
    if case.kind == "clock":
        sign = float(rng.choice([-1, 1]))
        hours, minutes = sign * float(rng.integers(1, 13)) * 60, sign * float(rng.uniform(15, 60))
        error = {"hours": hours, "minutes": minutes, "days": hours * 48}.get(case.way, hours)
        late = np.arange(CURRENT) >= (CURRENT * rng.uniform(0.3, 0.6) if case.way == "in between" else 0)
        return chosen, delay + error * late
    way = SETS[case.set][case.kind][case.way]
    return [profiled(image) for image in way([image for image, _ in chosen], rng)], delay


def verdict(drawn: Drawn, rng: Rng) -> Told:
    """The name of what was found, and whether it would start a retraining while labels show harm."""
    before, after = (pa.Table.from_pylist(rows, schema=REFERENCES) for rows in (drawn.reference, drawn.window))
    found = judge_pictures(by_camera(before), by_camera(after), CameraRules())
    expected = usual(before["captured_at"].to_pylist(), before["camera"].to_pylist(), WINDOW)
    found += judge_delivery(expected, Counter(after["camera"].to_pylist()), CameraRules())
    found += judge_clocks(drawn.delays, CameraRules())
    health = Report(stage=Stage.CAMERA, findings=found)
    moved = compare(*(sample(each, [], "", DriftRules()) for each in (before, after)), DriftRules())
    drift = Report(stage=Stage.DRIFT, findings=moved)
    reports = (drift, health)
    causes = causes_of(reports, {})
    named = sorted({each.subject for each in health.breaches()})
    sick = any(cause.kind is CauseKind.CAMERA for cause in causes)
    errors = labelled(drift, sorted(drawn.delays), drawn.erring, rng)
    return Told(
        name=" + ".join(named) or (SICK if sick else "none"),
        by_fall=judge(reports, causes, HARM).action is Action.RETRAIN,
        by_camera=judge((*reports, errors), causes, HARM).action is Action.RETRAIN,
    )


def cases(worlds: list[str], runs: int, chosen: str) -> Iterator[Case]:
    """So many cases of every kind in every world, the ways of the chosen set in turn."""
    ways = {kind: tuple(found) for kind, found in SETS[chosen].items()}
    kinds = dict.fromkeys(NONE, ("",)) | ways | DELIVERY if chosen == "tuned" else ways
    for world in worlds:
        for kind, known in kinds.items():
            if (kind, world) == ("colour_lost", "cells") or (kind, world) == ("warm, all", "cells"):
                continue  # they are photographed without colour
            for run in range(runs):
                yield Case(world=world, kind=kind, way=known[run % len(known)], run=run, set=chosen)


def interval(right: int, n: int) -> str:
    found = binomtest(right, n).proportion_ci(method="wilson")
    return f"{right / n:.3f} [{found.low:.3f}, {found.high:.3f}]"


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
        found = told[case] = verdict(draw(worlds[case.world], case, rng, asked.struck), rng)
        retrains = "RETRAIN by fall " * found.by_fall + "RETRAIN by camera" * found.by_camera
        if asked.misses and (found.name != case.truth or (retrains and case.kind not in NONE)):
            print(case, found.name, retrains, flush=True)
    report(told)


def report(told: dict[Case, Told]) -> None:
    """The matrix (a row is what happened, with everything that was answered), and the shares that are right."""
    answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    right: defaultdict[str, list[bool]] = defaultdict(list)
    retrained: defaultdict[str, list[Told]] = defaultdict(list)
    for case, answer in told.items():
        answers[case.kind][answer.name] += 1
        retrained["fault" if case.kind not in NONE else "one" if case.kind == LONE else "all"].append(answer)
        retrained[case.kind].append(answer)
        for group in (case.kind, f"world {case.world}", "all"):
            right[group].append(answer.name == case.truth)
    print("| what happened | right | answers | retrains: by fall, by camera |\n|---|---|---|---|")
    for kind, found in answers.items():
        words = ", ".join(f"{answer} {count}" for answer, count in found.most_common())
        share = interval(sum(right[kind]), len(right[kind]))
        print(f"| {kind} | {share} of {len(right[kind])} | {words} | {retrainings(retrained[kind])} |")
    for group in (name for name in right if name not in answers):
        print(f"| **{group}** | {interval(sum(right[group]), len(right[group]))} of {len(right[group])} | | |")
    print(f"\nfaults that would start a retraining: {retrainings(retrained['fault'])} of {len(retrained['fault'])}")
    print(
        f"sound windows that would, errors on all cameras: {retrainings(retrained['all'])} of {len(retrained['all'])}"
    )


def retrainings(found: list[Told]) -> str:
    return f"{sum(each.by_fall for each in found)}, {sum(each.by_camera for each in found)}"


if __name__ == "__main__":
    main()
