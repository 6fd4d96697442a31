"""How far estimates without labels are off, and whether changes that no confidence knows of get no number.

Sets of 250 generated scenes with exact labels; a calibration from 300 other labelled scenes of the same version, its
damage from the ladder of `tasks.estimate`. The sets' kinds of damage are not on that ladder. The drift stage is left
out: its alarms can only make an estimate more careful. Answers are kept below `--cache`, so that a second run only
computes; `--first N` answers at most N sets that are not there yet and stops. `--plain` asks this version about the
plain images and nobody else: a third of the time, and what only the others see is not withheld.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from label_free_held import HELD, SEEN
from label_free_worlds import CHANGES, DAMAGES, damaged, scenes
from scipy.stats import binomtest

from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_load import sha256_of
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.estimate import flag
from tasks.estimate.alarms import alarms_of
from tasks.estimate.calibration import Calibration
from tasks.estimate.fitting import Labelled, calibrate, looking_at
from tasks.estimate.flag import Flag
from tasks.estimate.ladder import Image
from tasks.estimate.look import Look, shifts
from tasks.estimate.posture import Posture, measured, postures, turned
from tasks.estimate.signs import Views, mirrored, signs_of
from tasks.scenarios.parts_scene import CAMERAS, SIZE, Scene

CLEAN, LABELLED, REFERENCE, DAMAGED = 8, 300, 300, 120
FELL = 0.05


@dataclass(frozen=True)
class Row:
    """One set: what it is, the mAP50 by labels and as estimated, and the flag."""

    name: str
    group: str
    measured: float
    estimated: float
    flag: Flag
    reasons: tuple[str, ...]


class Bench:
    """Two loaded versions and the answers that were kept."""

    def __init__(self, models: Sequence[Path], cache: Path, alone: bool = False, plain: bool = False) -> None:
        self.models = [Yolo.load(path, sha256_of(path), device="cpu") for path in models]
        self.cache, self.alone, self.plain = cache, alone or plain, plain
        cache.mkdir(parents=True, exist_ok=True)

    def kept(self, name: str) -> Path:
        """Where the answers of a set lie."""
        return self.cache / f"{name.replace(' ', '-').replace('%', '')}.pickle"

    def views(self, images: Sequence[Image]) -> Views:
        """The answers of both versions, and of the first about mirrored pictures."""
        first, second = self.models
        if self.plain:
            own = _answers(first, images)
            return Views(own=own, mirrored=own)
        turned = [np.ascontiguousarray(image[:, ::-1]) for image in images]
        return Views(
            own=_answers(first, images),
            mirrored=mirrored(_answers(first, turned), [SIZE] * len(images)),
            second=() if self.alone else _answers(second, images),
        )

    def answered(self, name: str, drawn: Sequence[Scene]) -> tuple[list[Truth], Views]:
        """The labels and answers of a set; kept."""
        if self.kept(name).exists():
            kept, views = pickle.loads(self.kept(name).read_bytes())  # noqa: S301 - written by this program
            truths = [Truth(image_id=t.image_id, session=t.session, classes=t.classes, boxes=t.boxes) for t in kept]
        else:
            sent = [_sent(scene.image) for scene in drawn]
            truths, views = _truths(drawn), self.views(sent)
            self.kept(name).write_bytes(pickle.dumps((truths, views)))
            self.kept(f"{name} held").write_bytes(pickle.dumps(postures(_cameras(sent), [measured(i) for i in sent])))
        own, turned, second = (_fresh(each) for each in (views.own, views.mirrored, views.second))
        return truths, Views(own=own, mirrored=turned, second=() if self.alone else second)

    def held(self, name: str) -> dict[str, Posture]:
        """How the cameras of a set hold their pictures."""
        found: dict[str, Posture] = pickle.loads(self.kept(f"{name} held").read_bytes())  # noqa: S301
        return found

    def calibration(self) -> Calibration:
        """Fitted once; kept."""
        path = self.kept(f"calibration{' plain' if self.plain else ' alone' if self.alone else ''}")
        if not path.exists():
            drawn = scenes("labelled", LABELLED)
            labelled = Labelled(
                truths=_truths(drawn), open=lambda at: _sent(drawn[at].image), classes=self.models[0].classes
            )
            versions = (self.models[0].sha256, self.models[1].sha256)
            path.write_bytes(pickle.dumps(calibrate(labelled, self.views, versions, DAMAGED)))
        found: Calibration = pickle.loads(path.read_bytes())  # noqa: S301
        return found


def _fresh(kept: Sequence[Prediction]) -> list[Prediction]:
    """Answers that an older version of this program may have kept."""
    return [Prediction(boxes=p.boxes, classes=p.classes, confidences=p.confidences) for p in kept]


def _answers(model: Yolo, images: Sequence[Image]) -> list[Prediction]:
    found = []
    for start in range(0, len(images), 25):
        for result in model.serve(images[start : start + 25], model.imgsz, conf=0.005):
            boxes = result.boxes
            found.append(
                Prediction(
                    boxes=boxes.xyxy.numpy().astype(np.float32),
                    classes=boxes.cls.numpy().astype(np.int64),
                    confidences=boxes.conf.numpy().astype(np.float32),
                )
            )
    return found


def _sent(image: Image) -> Image:
    """As production sends it."""
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1], 1), np.uint8)


def _truths(drawn: Sequence[Scene]) -> list[Truth]:
    return [
        Truth(image_id=str(i), session=str(i), camera=camera, classes=scene.classes, boxes=scene.boxes)
        for i, (scene, camera) in enumerate(zip(drawn, _cameras(drawn), strict=True))
    ]


def _cameras(drawn: Sequence[object]) -> list[str]:
    """Scenes take turns at the cameras."""
    return [list(CAMERAS)[at % len(CAMERAS)] for at in range(len(drawn))]


def measure(name: str, group: str, bench: Bench, known: tuple[Calibration, Look]) -> Row:
    """The estimate of a set beside what its labels say."""
    (truths, views), (calibration, reference) = bench.answered(name, ()), known
    own, _ = calibration.confidences
    signs = signs_of(views, calibration.belief, 3, calibration.confidences)
    moved = shifts(reference, looking_at(views.own, [(SIZE, SIZE)] * len(truths), own))
    alarms = alarms_of((), turned(calibration.postures, bench.held(name)))
    verdict = flag.judge(calibration, signs, moved, alarms)
    return Row(
        name=name,
        group=group,
        measured=score_detections(truths, views.own, ("washer", "nut", "bolt"), own).metrics()["map50"],
        estimated=calibration.estimate(signs, moved.found.size),
        flag=verdict.flag,
        reasons=verdict.reasons,
    )


def area_under_curve(fell: Sequence[bool], worse: Sequence[float]) -> float:
    """Chance that a set that fell is put before one that did not; ties count half."""
    yes = np.array([w for f, w in zip(fell, worse, strict=True) if f])[:, None]
    no = np.array([w for f, w in zip(fell, worse, strict=True) if not f])[None]
    return float(((yes > no) + 0.5 * (yes == no)).mean()) if yes.size and no.size else float("nan")


def wilson(told: int, n: int) -> str:
    """A share with its Wilson interval."""
    if not n:
        return "none"
    interval = binomtest(told, n).proportion_ci(method="wilson")
    return f"{told} of {n} ({told / n:.0%}; 95 %: {interval.low:.0%} to {interval.high:.0%})"


def tables(rows: Sequence[Row], quality: float) -> None:
    print("| set | mAP50 by labels | estimate | error, points | flag | why |\n|---|---|---|---|---|---|")
    for row in rows:
        error = f"{100 * (row.estimated - row.measured):+.1f}"
        shown = "none given" if row.flag is Flag.UNVERIFIABLE else f"{row.estimated:.3f}"
        why = flag.named(row.reasons) or "nothing changed"
        print(f"| {row.name} | {row.measured:.3f} | {shown} | {error} | {row.flag} | {why} |")
    usual = [row for row in rows if row.group in ("clean", "damage")]
    print("\n| flag (clean and damaged sets) | sets | mean absolute error, points | largest |\n|---|---|---|---|")
    for kind in Flag:
        errors = [100 * abs(row.estimated - row.measured) for row in usual if row.flag is kind]
        if errors:
            note = " (withheld)" if kind is Flag.UNVERIFIABLE else ""
            print(f"| {kind}{note} | {len(errors)} | {np.mean(errors):.2f} | {max(errors):.1f} |")
    print("\n| fell by more than 5 points | sets | of them fell | AUC |\n|---|---|---|---|")
    for name, chosen in (
        ("all clean and damaged sets", usual),
        ("those with a number", [row for row in usual if row.flag is not Flag.UNVERIFIABLE]),
    ):
        fell = [quality - row.measured > FELL for row in chosen]
        auc = area_under_curve(fell, [-row.estimated for row in chosen])
        print(f"| {name} | {len(fell)} | {sum(fell)} | {auc:.3f} |")
    print()
    for group, which in (("change", "that limits were chosen with"), ("held out", "of families held out")):
        changed = [row for row in rows if row.group == group]
        told = sum(row.flag is Flag.UNVERIFIABLE for row in changed)
        print(f"changes of what is shown, {which}, that get no number: {wilson(told, len(changed))}")
    harmless = [row for row in usual if quality - row.measured <= FELL]
    kept = sum(row.flag is not Flag.UNVERIFIABLE for row in harmless)
    print(f"clean and damaged sets within 5 points that get one: {wilson(kept, len(harmless))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs=2, type=Path, help="weights of the version, and of a second one")
    parser.add_argument("--cache", type=Path, default=Path(".evergreen/label-free"))
    parser.add_argument("--images", type=int, default=250)
    parser.add_argument("--first", type=int, default=1000, help="sets to answer at most")
    parser.add_argument("--alone", action="store_true", help="without the second version")
    parser.add_argument("--plain", action="store_true", help="this version's answers about the plain images alone")
    given = parser.parse_args()
    bench = Bench(given.models, given.cache, given.alone, given.plain)
    n = given.images
    todo = {
        **{f"clean {i}": ("clean", lambda i=i: scenes(f"clean {i}", n)) for i in range(CLEAN)},
        **{f"{kind} {s}": ("damage", lambda k=kind, s=s: damaged(k, s, n)) for kind in DAMAGES for s in range(1, 6)},
        **{name: ("change", lambda name=name, make=make: make(name, n)) for name, make in (CHANGES | SEEN).items()},
        **{name: ("held out", lambda name=name, make=make: make(name, n)) for name, make in HELD.items()},
    }
    order = sorted(todo, key=lambda name: name.rsplit(" ", 1)[-1])  # some of every kind first
    missing = [name for name in ("reference", *order) if not bench.kept(name).exists()]
    for name in missing[: given.first]:
        bench.answered(name, scenes(name, REFERENCE) if name == "reference" else todo[name][1]())
    calibration = bench.calibration()
    if missing[given.first :]:
        print(f"{len(missing) - given.first} sets are still to be answered: run it again\n")
    _, healthy = bench.answered("reference", ())
    reference = looking_at(healthy.own, [(SIZE, SIZE)] * len(healthy.own), calibration.confidences[0])
    done = {name: group for name, (group, _) in todo.items() if bench.kept(name).exists()}
    rows = [measure(name, group, bench, (calibration, reference)) for name, group in done.items()]
    weights = ", ".join(f"{weight:.2f}" for weight in calibration.weights)
    print(f"mAP50 {calibration.quality:.3f} on {calibration.n} labelled images; D-ECE {calibration.belief.error:.3f};")
    print(f"weights {weights}; error on a kind of damage left out: {100 * calibration.error:.1f} points\n")
    tables(rows, calibration.quality)


if __name__ == "__main__":
    main()
