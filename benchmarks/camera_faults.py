"""Confusion matrix of camera faults, told apart from drift and from each other.

Every case draws its own images, camera, severity and place; the ways in which things go wrong are in
`camera_ways*.py` (tuned and held, fresh: other physics, other: a factory and its weather, unseen: a stranger's), the
places in `camera_worlds.py`. Beside the faults there are cases that are none: a healthy window, a new product, another
light or texture everywhere. Every verdict is asked for with labels that show harm: only then could a fault start a
retraining at all. They are read in two ways: as a fall of which nobody knows where, and as errors by camera
(`camera_labels.py`), those of the camera at fault, or of all where none is.
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
from camera_health import judged
from camera_labels import told as labelled
from camera_ways import Image, Rng
from camera_ways_delivery import SENT, Sent
from camera_ways_delivery import usual as as_usual
from camera_ways_fresh import FRESH
from camera_ways_optics import HELD, TUNED
from camera_ways_other import OTHER
from camera_ways_unseen import UNSEEN
from camera_worlds import WORLDS, Row, World, everywhere, profiled
from numpy.typing import NDArray
from scipy.stats import binomtest

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
SETS = {"tuned": TUNED, "held": HELD, "fresh": FRESH, "other": OTHER, "unseen": UNSEEN}
NONE = ("healthy", "new product, one", "new product, all", "light, all", "dusk, all", "texture, all", "warm, all")
SOUND = "sound, all"
LONE = ("new product, one", "sound, one", "sound, sent")
COLOUR = ("colour_lost", "colour_cast", "warm, all")
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
        return "none" if self.sound else self.kind

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with any camera."""
        return self.kind in (*NONE, *LONE, SOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A reference and a window; `sent` is when images were taken and landed, `erring` who has more errors."""

    reference: Rows
    window: Rows
    sent: dict[str, Sent]
    erring: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was found, and whether it starts a retraining: by a fall of performance, and by errors by camera."""

    name: str
    by_fall: bool
    by_camera: bool


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
        order = rng.permutation(len(pool))
        reference += dated([pool[i][1] for i in order[:REFERENCE]], camera, evenly(0, 2, REFERENCE))
        chosen = [pool[i] for i in order[REFERENCE : REFERENCE + CURRENT]]
        if case.kind == "new product, all" or (case.kind == "new product, one" and camera in sick):
            chosen = [world.product[camera][i] for i in rng.permutation(len(world.product[camera]))[:CURRENT]]
        if common is not None:
            chosen = [profiled(image) for image in common([image for image, _ in chosen], rng)]
        moments = evenly(2, 3, len(chosen))
        sent[camera] = as_usual(moments, rng)
        if case.kind == SOUND:
            chosen = spoilt(case, chosen, np.random.default_rng(shared))
        elif camera in sick and case.kind not in NONE:
            chosen = spoilt(case, chosen, rng)
            sent[camera] = delivered(case, moments, rng)
            chosen = [chosen[place] for place in sent[camera].kept]
        shown = moments[sent[camera].kept] if case.kind == "clock" else sent[camera].captured
        window += dated([row for _, row in chosen], camera, shown)
    erring = tuple(sick) if case.kind in LONE or not case.sound else tuple(names)
    return Drawn(reference=reference, window=window, sent=sent, erring=erring)


def evenly(first: int, end: int, n: int) -> NDArray[np.float64]:
    """(n,) minutes evenly over these days."""
    return 1440 * (first + np.arange(n) / max(n, 1) * (end - first))


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


def cases(worlds: list[str], runs: int, chosen: str) -> Iterator[Case]:
    """So many cases of every kind in every world, the ways of the chosen set in turn."""
    ways = {kind: tuple(found) for kind, found in SETS[chosen].items()}
    ways |= {kind: tuple(found) for kind, found in SENT.get(chosen, {}).items()}
    kinds = dict.fromkeys(NONE, ("",)) | ways if chosen == "tuned" else ways
    for world in worlds:
        for kind, known in kinds.items():
            if kind in COLOUR and world == "cells":
                continue  # they are photographed without colour
            for run in range(len(known) * runs if chosen == "unseen" else runs):
                yield Case(world=world, kind=kind, way=known[run % len(known)], run=run, set=chosen)


def interval(right: list[bool]) -> str:
    found = binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    return f"{np.mean(right):.3f} [{found.low:.3f}, {found.high:.3f}] of {len(right)}"


def shares(found: list[Told]) -> str:
    return f"{sum(each.by_fall for each in found)}, {sum(each.by_camera for each in found)}"


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
        if asked.misses and (found.name != case.truth or (retrains and not case.sound)):
            print(case, found.name, retrains, flush=True)
    report(told)


def report(told: dict[Case, Told]) -> None:
    """The matrix (a row is what happened, with everything that was answered), and the shares that are right."""
    answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    right: defaultdict[str, list[bool]] = defaultdict(list)
    retrained: defaultdict[str, list[Told]] = defaultdict(list)
    for case, answer in told.items():
        answers[case.kind][answer.name] += 1
        retrained["fault" if not case.sound else "one" if case.kind in LONE else "all"].append(answer)
        retrained[case.kind].append(answer)
        for group in (case.kind, f"world {case.world}", "all"):
            right[group].append(answer.name == case.truth)
    print("| what happened | right | answers | retrains: by fall, by camera |\n|---|---|---|---|")
    for kind, found in answers.items():
        words = ", ".join(f"{answer} {count}" for answer, count in found.most_common())
        print(f"| {kind} | {interval(right[kind])} | {words} | {shares(retrained[kind])} |")
    for group in (name for name in right if name not in answers):
        print(f"| **{group}** | {interval(right[group])} | | |")
    print(f"\nfaults that would start a retraining: {shares(retrained['fault'])} of {len(retrained['fault'])}")
    print(f"sound windows that would, errors on all cameras: {shares(retrained['all'])} of {len(retrained['all'])}")


if __name__ == "__main__":
    main()
