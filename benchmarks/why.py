"""Does the answer to "why" hold? Shares of planted causes, weak segments, discoveries in fleets."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.stats import binomtest

from tasks.domain.tables import PROPERTIES
from tasks.domain.window import Window
from tasks.drift.answers import Answers
from tasks.drift.explained import explained
from tasks.drift.sample import Sample
from tasks.segments.facts import Facts
from tasks.segments.rules import SegmentRules
from tasks.segments.search import search
from tasks.watch.alarm import Line
from tasks.watch.chances import day_chance, day_change, either
from tasks.watch.digest import standing_out
from tasks.watch.history import Course
from tasks.watch.rules import Dependence, WatchRules
from tasks.watch.shape import Shape

CAMERAS = [f"c{n}" for n in range(6)]
START = datetime(2026, 9, 1, tzinfo=UTC)
DAYS, SICK = 14, 5
CORRELATED = 0.5 * np.eye(len(PROPERTIES)) + 0.5


def share(hits: int, of: int) -> str:
    """A share with its 95 % interval after Wilson."""
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return f"{hits / of:.3f} [{interval.low:.3f}, {interval.high:.3f}] of {of}"


def scenes(rng: np.random.Generator, each: int, shifts: dict[tuple[str, str], float]) -> Sample:
    """Scenes of six cameras whose properties correlate at 0.5; shifts in standard deviations."""
    cameras = np.repeat(np.asarray(CAMERAS, dtype=object), each)
    values = rng.multivariate_normal(np.zeros(len(PROPERTIES)), CORRELATED, len(cameras))
    for (camera, name), shift in shifts.items():
        values[cameras == camera, PROPERTIES.index(name)] += shift
    scalars = {name: values[:, place] for place, name in enumerate(PROPERTIES)}
    return Sample(
        cameras=cameras,
        photometric=Answers(scalars=scalars),
        answers=Answers(),
        embedding=np.zeros((len(cameras), 0)),
        images=dict.fromkeys(CAMERAS, each),
    )


def shares(runs: int) -> None:
    """Two planted causes whose parts of the whole shift are known."""
    print("| scenes per camera | planted parts | measured parts (mean ± sd) | right one first |\n|---|---|---|---|")
    for each in (30, 100):
        for first, second in ((1.0, 1.0), (1.2, 0.8), (1.5, 0.5)):
            truth = first**2 / (first**2 + second**2)
            found, ahead = [], 0
            for run in range(runs):
                rng = np.random.default_rng(run)
                shifts = {("c1", "sharpness"): -first, ("c4", "sharpness"): second}
                told = {f.camera: f.value or 0.0 for f in explained(
                    scenes(rng, 500, {}), scenes(rng, each, shifts), CAMERAS)}  # fmt: skip
                found.append((told.get("c1", 0.0), told.get("c4", 0.0)))
                ahead += found[-1][0] >= found[-1][1]
            mean, sd = np.mean(found, axis=0), np.std(found, axis=0)
            first_one = "–" if first == second else share(ahead, runs)
            print(
                f"| {each} | {truth:.2f}, {1 - truth:.2f} | {mean[0]:.2f} ± {sd[0]:.2f}, {mean[1]:.2f} ± {sd[1]:.2f} "
                f"| {first_one} |",
                flush=True,
            )


def labelled(seed: int, sessions: int, right: float, weak: float, frames: int) -> Facts:
    """Images in sessions that are alike; a quarter of the brightness on one of four cameras is answered worse."""
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(sessions), frames)
    size = len(session)
    camera = rng.integers(0, 4, sessions)[session]
    numbers = rng.normal(size=(sessions, len(PROPERTIES)))[session] + 0.3 * rng.normal(size=(size, len(PROPERTIES)))
    planted = (camera == 1) & (numbers[:, 0] < np.quantile(numbers[:, 0], 0.25))
    drawn = np.where(rng.random(size) < 0.3, rng.random(sessions)[session], rng.random(size))
    names = {
        "camera": np.array([f"c{n}" for n in camera]),
        "hour": np.array([f"h{n}" for n in rng.integers(0, 8, sessions)[session]]),
        "answer": np.array([f"k{n}" for n in rng.integers(0, 3, size)]),
    }
    return Facts(
        image_ids=tuple(map(str, range(size))),
        scores=(drawn < np.where(planted, right - weak, right)).astype(float),
        sessions=session.astype(np.intp),
        numbers=dict(zip(PROPERTIES, numbers.T, strict=True)),
        names=names,
    )


def segments(runs: int) -> None:
    """How often noise names a segment, and how often a planted one is the first that is named."""
    rules = SegmentRules()
    careless = rules.model_copy(update={"margin": 0.0})
    print(
        "| images (sessions) | right | noise names one, no margin | planted fall | named first |\n|---|---|---|---|---|"
    )
    for sessions, frames, right in ((200, 1, 0.8), (200, 3, 0.95), (60, 10, 0.9)):
        named = sum(bool(search(labelled(run, sessions, right, 0, frames), careless).weak) for run in range(runs))
        print(f"| {sessions * frames} ({sessions}) | {right} | {share(named, runs)} | | |", flush=True)
    for sessions, weak in ((200, 0.3), (200, 0.5), (400, 0.3), (400, 0.5), (800, 0.3)):
        hits = 0
        for run in range(runs // 2):
            weakest = search(labelled(run, sessions, 0.92, weak, 2), rules).weak
            words = weakest[0].segment.words if weakest else ""
            hits += "camera c1" in words and "brightness" in words
        print(f"| {sessions * 2} ({sessions}) | 0.92 | | {weak} | {share(hits, runs // 2)} |", flush=True)


def fleet(rng: np.random.Generator, weather: float, shift: float) -> list[Line]:
    """One fleet of 50 cameras with 8 properties after 14 healthy days; five cameras moved on one property."""
    shape = (DAYS + 1, 50, len(PROPERTIES))
    own = np.sqrt(0.5) * rng.normal(size=shape) + np.sqrt(0.5) * rng.normal(size=(*shape[:2], 1))
    values = np.sqrt(1 - weather) * own + np.sqrt(weather) * rng.normal(size=(shape[0], 1, shape[2]))
    values[-1, :SICK, 0] += shift
    flat = values.reshape(len(values), -1)
    learnt = np.arange(len(values)) < DAYS
    course = Course(
        camera="all", windows=tuple(Window(START + timedelta(days=d), START + timedelta(days=d + 1)) for d in
                                    range(DAYS + 1)),
        properties=tuple(map(str, range(flat.shape[1]))), scores=flat, contexts=np.zeros(len(flat), np.int64),
        scenes=np.full(len(flat), 100.0), healthy=learnt, learnt=learnt, later=~learnt, summed=~learnt, days=DAYS,
    )  # fmt: skip
    chances, changes = either(day_chance(course, 24), np.ones(flat.shape[1])), day_change(course, 24)
    return [
        Line(
            camera=str(at // len(PROPERTIES)), subject=PROPERTIES[at % len(PROPERTIES)], value=0, limit=15, effect=0,
            scenes=100, checks=1, since=None, shape=Shape.UNKNOWN, alarm=False, today=change, chance=chance,
        )
        for at, (chance, change) in enumerate(zip(chances.tolist(), changes.tolist(), strict=True))
    ]  # fmt: skip


def fleets(runs: int) -> None:
    """The share of chance finds among what the daily digest names, and how many of the five sick cameras it names."""
    print(
        "| weather in common | procedure | sick by | false discovery rate | sick cameras named |\n|---|---|---|---|---|"
    )
    for weather in (0.0, 0.6):
        for dependence in Dependence:
            for shift in (6.0, 8.0):
                rules, rng = WatchRules(dependence=dependence), np.random.default_rng(5)
                wrong, right = [], 0
                for _ in range(runs):
                    named = [
                        int(line.camera) < SICK and line.subject == PROPERTIES[0]
                        for line in standing_out(fleet(rng, weather, shift), rules)
                    ]
                    wrong.append(1 - np.mean(named) if named else 0.0)
                    right += sum(named)
                error = 1.96 * np.std(wrong) / np.sqrt(runs)
                print(
                    f"| {weather} | {dependence.value} | {shift:g} sd | {np.mean(wrong):.3f} ± {error:.3f} "
                    f"| {share(right, SICK * runs)} |",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=["shares", "segments", "fleets"], required=True)
    parser.add_argument("--runs", type=int, default=100)
    args = parser.parse_args()
    {"shares": shares, "segments": segments, "fleets": fleets}[args.part](args.runs)


if __name__ == "__main__":
    main()
