"""The cases of `camera_faults.py`: what happens in which place, in which way, and what counts as the right answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from camera_ways_classic import CLASSIC
from camera_ways_classic_sent import CLASSIC as CLASSIC_SENT
from camera_ways_delivery import SENT as USUALLY_SENT
from camera_ways_fresh import FRESH
from camera_ways_optics import HELD, TUNED
from camera_ways_other import OTHER
from camera_ways_second import SECOND
from camera_ways_second_sent import SECOND as SECOND_SENT
from camera_ways_unseen import UNSEEN
from scipy.stats import binomtest

SETS = {"tuned": TUNED, "held": HELD, "fresh": FRESH, "other": OTHER, "unseen": UNSEEN, "second": SECOND}
SETS["classic"] = CLASSIC
SENT = USUALLY_SENT | {"second": SECOND_SENT, "classic": CLASSIC_SENT}
STRANGERS = ("unseen", "second", "classic")
"""Sets of which every way is drawn so many times, not every kind."""
NONE = ("healthy", "new product, one", "new product, all", "light, all", "dusk, all", "texture, all", "warm, all")
SOUND = "sound, all"
LONE = ("new product, one", "sound, one", "sound, sent")
COLOUR = ("colour_lost", "colour_cast", "warm, all")
SICK = "fault without a name"
ANY = "any name"
"""Of faults that a site engineer would give one name or another: only that the camera is found at fault counts."""
MONOCHROME = ("cells", "web")
"""Worlds photographed without colour."""
SENSELESS = (("web", "translated"), ("web", "busier"), ("bottles", "busier"))
"""An endless web looks the same further on; and there are no more things in a picture than one web, one bottle."""
NEIGHBOUR = "neighbour"
"""Pictures of another camera; not where all of them see the same."""


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

    def right(self, name: str) -> bool:
        """Whether this is the answer, and nothing beside it."""
        return name == self.truth or (self.kind == ANY and name != "none" and " + " not in name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was found, and whether it starts a retraining: by a fall of performance, and by errors by camera."""

    name: str
    by_fall: bool
    by_camera: bool


def cases(worlds: list[str], runs: int, chosen: str) -> Iterator[Case]:
    """So many cases of every kind in every world, the ways of the chosen set in turn."""
    ways = {kind: tuple(found) for kind, found in SETS[chosen].items()}
    ways |= {kind: tuple(found) for kind, found in SENT.get(chosen, {}).items()}
    kinds = dict.fromkeys(NONE, ("",)) | ways if chosen == "tuned" else ways
    for world in worlds:
        for kind, known in kinds.items():
            if kind in COLOUR and world in MONOCHROME:
                continue
            for run in range(len(known) * runs if chosen in STRANGERS else runs):
                way = known[run % len(known)]
                if (world, way) not in (("cells", NEIGHBOUR), *SENSELESS):
                    yield Case(world=world, kind=kind, way=way, run=run, set=chosen)


def interval(right: list[bool]) -> str:
    found = binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    return f"{np.mean(right):.3f} [{found.low:.3f}, {found.high:.3f}] of {len(right)}"


def shares(found: list[Told]) -> str:
    return f"{sum(each.by_fall for each in found)}, {sum(each.by_camera for each in found)}"


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
            right[group].append(case.right(answer.name))
    print("| what happened | right | answers | retrains: by fall, by camera |\n|---|---|---|---|")
    for kind, found in answers.items():
        words = ", ".join(f"{answer} {count}" for answer, count in found.most_common())
        print(f"| {kind} | {interval(right[kind])} | {words} | {shares(retrained[kind])} |")
    for group in (name for name in right if name not in answers):
        print(f"| **{group}** | {interval(right[group])} | | |")
    print(f"\nfaults that would start a retraining: {shares(retrained['fault'])} of {len(retrained['fault'])}")
    print(f"sound windows that would, errors on all cameras: {shares(retrained['all'])} of {len(retrained['all'])}")
