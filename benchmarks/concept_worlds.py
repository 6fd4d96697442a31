"""Does a rise of errors get its right name? Real answers of a detector, labels that change in known ways.

    python benchmarks/concept_worlds.py --weights parts-champion.pt

The detector answers drawn scenes of the `parts` scenario. Labels are exact at first, apart from careless hands; then
the world or the labels change. Told: how often the error counts as risen, whether the right sign is seen, or a wrong
one. Where `evaluate` would see what F1 at IoU 0.5 does not (boxes a little too large), it is taken to have seen it.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tasks.adapters.yolo import Yolo
from tasks.concept.answered import Answered, answered
from tasks.concept.judging import Asked, report
from tasks.concept.rules import ConceptRules
from tasks.concept.sequence import baseline_of, track
from tasks.domain.finding import Outcome
from tasks.domain.model import Kind
from tasks.scenarios.parts_scene import CAMERAS, CLASSES, SceneSpec, render

START = datetime(2026, 1, 1, tzinfo=UTC)
Things = list[dict[str, Any]]
BEFORE, AFTER = 160, 320
"""Labelled images before and after the change."""

Scene = tuple[Things, Things]
"""What was answered on a scene, and what is there."""

Change = Callable[[Things, str, np.random.Generator], Things]
"""From what is there, and who labels, to what is written down."""


def scenes(model: Yolo, count: int, first: int, new: float) -> list[Scene]:
    """Drawn scenes, answered."""
    found: list[Scene] = []
    with tempfile.TemporaryDirectory() as folder:
        paths, truths = [], []
        for number in range(first, first + count):
            scene = render(SceneSpec(seed=number, camera=list(CAMERAS)[number % 4], hour=12.0, new_share=new))
            path = Path(folder) / f"{number}.png"
            cv2.imwrite(str(path), scene.image)
            paths.append(path)
            truths.append(
                [
                    {"class_id": int(c), "box": [float(x) for x in b]}
                    for c, b in zip(scene.classes, scene.boxes, strict=True)
                ]
            )
        for told, truth in zip(model.predict(paths, 160, 0.05, 0.7, 16), truths, strict=True):
            boxes = zip(told.classes, told.confidences, told.boxes, strict=True)
            answers = [{"class_id": int(c), "confidence": float(p), "box": [float(x) for x in b]} for c, p, b in boxes]
            found.append((answers, truth))
    return found


def grown(things: Things, factor: float) -> Things:
    """Boxes about the same centres with sides that are so many times as long."""
    made = []
    for each in things:
        x1, y1, x2, y2 = each["box"]
        across, down = (x2 - x1) * (factor - 1) / 2, (y2 - y1) * (factor - 1) / 2
        made.append({**each, "box": [x1 - across, y1 - down, x2 + across, y2 + down]})
    return made


def careless(things: Things, _by: str, rng: np.random.Generator) -> Things:
    """As it is, drawn by hand: two pixels of jitter, three objects in a hundred forgotten."""
    kept = [each for each in things if rng.random() > 0.03]
    return [{**each, "box": [x + float(rng.normal(0, 1)) for x in each["box"]]} for each in kept]


WORLDS: dict[str, tuple[Change, str]] = {
    "nothing changes": (careless, ""),
    "a new finish, inputs seen to move": (careless, ""),
    "a new finish that no input shows": (careless, ""),
    "boxes drawn 1.3 times as wide": (lambda t, by, rng: grown(careless(t, by, rng), 1.3), "boxes"),
    "boxes drawn 1.5 times as wide": (lambda t, by, rng: grown(careless(t, by, rng), 1.5), "boxes"),
    "one class is not labelled any more": (
        lambda t, by, rng: [each for each in careless(t, by, rng) if each["class_id"] != 1], "classes"),
    "one class under another's name": (
        lambda t, by, rng: [{**e, "class_id": {1: 0}.get(e["class_id"], e["class_id"])} for e in careless(t, by, rng)],
        "classes"),
    "one of three people forgets half": (
        lambda t, by, rng: [e for e in careless(t, by, rng) if by != "kim" or rng.random() < 0.5], "annotators"),
}  # fmt: skip


def world(name: str, pool: list[Scene], fresh: list[Scene], rng: np.random.Generator) -> dict[str, Outcome]:
    """One line, as ever and after the change; outcomes by check and subject."""
    change, moved = WORLDS[name][0], "finish" in name
    before = [pool[n] for n in rng.permutation(len(pool))[:BEFORE]]
    after = [(fresh if moved else pool)[n] for n in rng.permutation(len(fresh if moved else pool))[:AFTER]]
    images: list[Answered] = []
    for number, (answers, truth) in enumerate([*before, *after]):
        by = ("ada", "kim", "eve")[number // 4 % 3]
        written = (change if number >= BEFORE else careless)(truth, by, rng)
        at = START + timedelta(minutes=3 * number)
        row = {"image_id": str(number), "camera": "c", "session": f"s{number // 4}", "model_version": "1",
               "captured_at": at, "kind": "detect", "detections": answers, "error": None}  # fmt: skip
        label = {"kind": "detect", "objects": written, "labelled_at": at + timedelta(hours=20), "annotator": by,
                 "golden": False}  # fmt: skip
        images += answered([row], {str(number): label}, 0.25)
    rules = ConceptRules()
    base = baseline_of(images, rules)
    seen = frozenset(str(n) for n in range(BEFORE, BEFORE + AFTER)) if "move" in name else frozenset()
    asked = Asked(moved=seen, fell="1.3" in name, audited="", rules=rules)
    told = report(images, track(images, base, rules) if base else None, asked)
    return {f"{f.check}/{f.subject}": f.outcome for f in told.findings}


def wilson(hits: int, n: int) -> str:
    """A share with its 95 % interval."""
    share, z2 = hits / n, 1.96**2
    middle, half = share + z2 / (2 * n), 1.96 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return f"{share:.0%} ({max(middle - half, 0) / (1 + z2 / n):.0%}–{(middle + half) / (1 + z2 / n):.0%})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--scenes", type=int, default=500)
    given = parser.parse_args()
    sha = hashlib.sha256(given.weights.read_bytes()).hexdigest()
    model = Yolo.load(given.weights, sha, Kind.DETECT, "cpu", tuple(CLASSES))
    pool, fresh = (
        scenes(model, given.scenes, 500_000 * (1 + number), share) for number, share in enumerate((0.0, 0.7))
    )
    print(
        f"| after {AFTER} images | error risen | audit asked for | right sign | a wrong sign |\n|---|---|---|---|---|"
    )
    for name, (_, sign) in WORLDS.items():
        found = [world(name, pool, fresh, np.random.default_rng((7, n))) for n in range(given.repeats)]
        risen = [f for f in found if f["concept/error"] is Outcome.BREACH]
        audit = sum("label_audit/labels" in f for f in found)
        signs = [
            {k.split("/")[1] for k, o in f.items() if k.startswith("label_policy") and o is Outcome.BREACH}
            for f in found
        ]
        right = wilson(sum(sign in each for each in signs), given.repeats) if sign else "–"
        wrong = wilson(sum(bool(each - {sign}) for each in signs), given.repeats)
        print(f"| {name} | {wilson(len(risen), given.repeats)} | {wilson(audit, given.repeats)} | {right} | {wrong} |")


if __name__ == "__main__":
    main()
