"""The look inside boxes on small sets: learnt from few labelled pictures, asked about few, or about some cameras only.

Boxes are those of the labels, as a model that finds everything would give them: what is counted is this sign alone, and
no weights are needed. Clean windows and harmless damage have to pass, changes of objects have to be told.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import numpy as np
from label_free import as_sent
from label_free_after import AFTER, MILD_AFTER
from label_free_fresh import FRESH
from label_free_mild import MILD
from label_free_unseen import UNSEEN
from label_free_worlds import damaged as worse
from label_free_worlds import scenes
from scipy.stats import binomtest

from tasks.domain.prediction import Prediction
from tasks.estimate.flag import ERRORS, INSIDE
from tasks.estimate.inside import Objects, looked_into
from tasks.estimate.ladder import FILTERS, Image, damaged
from tasks.estimate.likeness import Likeness, changed, learnt
from tasks.scenarios.parts_scene import CAMERAS, Scene

LEARNT = (40, 60, 100)
LOOKED_AT = 50
CLEAN = 16
CHANGES = (
    *("cut nuts", "filled nuts", "octagon nuts", "toothed washers", "threaded bolts", "round-headed bolts"),
    *("square bores", "bevelled washers", "cracked parts", "greasy nuts", "capped bolts", "nuts on bolts"),
)
HARMLESS = ("gamma", "vignette", "rain")


def seen(image: Image, scene: Scene) -> Objects:
    """What the boxes of the labels show in a picture of the scene."""
    sure = np.full(len(scene.boxes), 0.9, np.float32)
    answer = Prediction(boxes=scene.boxes.astype(np.float32), classes=scene.classes, confidences=sure)
    return looked_into(as_sent(image), answer, 0.5)


def cameras(count: int) -> list[str]:
    """Scenes take turns at the cameras."""
    return [list(CAMERAS)[at % len(CAMERAS)] for at in range(count)]


def known(count: int) -> Likeness:
    """Learnt from so many labelled pictures, and from the same ones damaged."""
    drawn = scenes("small labelled", count)
    steps = [[seen(damaged(scene.image, step, at), scene) for at, scene in enumerate(drawn)] for step in FILTERS]
    return learnt(cameras(count), [seen(scene.image, scene) for scene in drawn], steps)


def windows(drawn: Sequence[Scene]) -> list[tuple[list[str], list[Objects]]]:
    """Of twice as many scenes as a window has: one of all cameras, one of two of them."""
    shown, who = [seen(scene.image, scene) for scene in drawn], cameras(len(drawn))
    part = [at for at in range(len(drawn)) if at % len(CAMERAS) < len(CAMERAS) // 2]
    return [(who[:LOOKED_AT], shown[:LOOKED_AT]), ([who[at] for at in part], [shown[at] for at in part])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learnt", nargs="+", type=int, default=list(LEARNT), help="labelled pictures to learn from")
    given = parser.parse_args()
    everything = FRESH | UNSEEN | AFTER | MILD | MILD_AFTER
    n = 2 * LOOKED_AT
    sets = {
        **{f"clean {i}": ("clean", scenes(f"small clean {i}", n)) for i in range(CLEAN)},
        **{f"{kind} {s}": ("harmless", worse(kind, s, n)) for kind in HARMLESS for s in (1, 2)},
        **{name: ("harmless", everything[name](f"small {name}", n)) for name in (*MILD, *MILD_AFTER)},
        **{name: ("changed", everything[name](f"small {name}", n)) for name in CHANGES},
    }
    asked = {name: (group, windows(drawn)) for name, (group, drawn) in sets.items()}
    print(
        "| learnt from | clean windows flagged | harmless ones flagged | changes of objects flagged | missed or wrong |"
    )
    print("|---|---|---|---|---|")
    for count in given.learnt:
        likeness, told, of, odd = known(count), Counter[str](), Counter[str](), []
        for name, (group, both) in asked.items():
            for place, (who, shown) in zip(("all cameras", "two cameras"), both, strict=True):
                flagged = changed(likeness, who, shown).beyond(INSIDE, ERRORS)
                told[group] += flagged
                of[group] += 1
                odd += [f"{name}, {place}"] if flagged != (group == "changed") else []
        cells = [_share(told[group], of[group]) for group in ("clean", "harmless", "changed")]
        print(f"| {count} | {' | '.join(cells)} | {'; '.join(odd) or '–'} |")


def _share(k: int, n: int) -> str:
    low, high = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k} of {n} (95 %: {low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
