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
from pathlib import Path

import cv2
import numpy as np
from label_free_after import AFTER, MILD_AFTER
from label_free_fresh import FRESH
from label_free_held import HELD, SEEN
from label_free_mild import MILD
from label_free_tables import Row, tables
from label_free_unseen import UNSEEN
from label_free_worlds import CHANGES, DAMAGES, damaged, scenes

from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_load import sha256_of
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.estimate import around, beside, flag, posture
from tasks.estimate.again import Shown
from tasks.estimate.alarms import alarms_of
from tasks.estimate.calibration import Calibration
from tasks.estimate.fitting import Labelled, calibrate, looking_at
from tasks.estimate.ladder import Image
from tasks.estimate.look import Look, shifts
from tasks.estimate.signs import Views, mirrored, signs_of
from tasks.scenarios.parts_scene import CAMERAS, SIZE, Scene

CLEAN, LABELLED, REFERENCE, DAMAGED = 8, 300, 300, 120


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
            truths, views = pickle.loads(self.kept(name).read_bytes())  # noqa: S301 - written by this program
        else:
            sent = [as_sent(scene.image) for scene in drawn]
            truths, views = _truths(drawn), self.views(sent)
            self.kept(name).write_bytes(pickle.dumps((truths, views)))
        return truths, Views(own=views.own, mirrored=views.mirrored, second=() if self.alone else views.second)

    def shown(self, name: str, drawn: Sequence[Scene]) -> Shown:
        """What the pictures of a set show, beside the answers; kept."""
        path = self.kept(f"{name} shown")
        if not path.exists():
            own = self.answered(name, drawn)[1].own
            sent = [as_sent(scene.image) for scene in drawn]
            confidence = self.calibration().confidences[0]
            around_them = [beside.measured(*each, confidence) for each in zip(sent, own, strict=True)]
            held = posture.postures(_cameras(sent), [posture.measured(each) for each in sent])
            path.write_bytes(pickle.dumps(Shown(postures=held, cameras=_cameras(sent), measured=around_them)))
        found: Shown = pickle.loads(path.read_bytes())  # noqa: S301 - written by this program
        return found

    def calibration(self) -> Calibration:
        """Fitted once; kept."""
        path = self.kept(f"calibration{' plain' if self.plain else ' alone' if self.alone else ''}")
        if not path.exists():
            drawn = scenes("labelled", LABELLED)
            labelled = Labelled(
                truths=_truths(drawn), open=lambda at: as_sent(drawn[at].image), classes=self.models[0].classes
            )
            versions = (self.models[0].sha256, self.models[1].sha256)
            path.write_bytes(pickle.dumps(calibrate(labelled, self.views, versions, DAMAGED)))
        found: Calibration = pickle.loads(path.read_bytes())  # noqa: S301
        return found


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


def as_sent(image: Image) -> Image:
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
    shown = bench.shown(name, ())
    alarms = alarms_of((), posture.turned(calibration.postures, shown.postures))
    changed = around.around(calibration.sceneries, shown.cameras, shown.measured, calibration.objects)
    verdict = flag.judge(calibration, signs, moved, alarms, changed)
    return Row(
        name=name,
        group=group,
        measured=score_detections(truths, views.own, ("washer", "nut", "bolt"), own).metrics()["map50"],
        estimated=calibration.estimate(signs, moved.found.size),
        flag=verdict.flag,
        reasons=verdict.reasons,
    )


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
        **{name: ("fresh", lambda name=name, make=make: make(name, n)) for name, make in FRESH.items()},
        **{name: ("unseen", lambda name=name, make=make: make(name, n)) for name, make in UNSEEN.items()},
        **{name: ("after", lambda name=name, make=make: make(name, n)) for name, make in AFTER.items()},
        **{name: ("mild", lambda name=name, make=make: make(name, n)) for name, make in (MILD | MILD_AFTER).items()},
    }
    order = sorted(todo, key=lambda name: name.rsplit(" ", 1)[-1])  # some of every kind first
    calibration = bench.calibration()
    missing = [name for name in ("reference", *order) if not bench.kept(f"{name} shown").exists()]
    for name in missing[: given.first]:
        bench.shown(name, scenes(name, REFERENCE) if name == "reference" else todo[name][1]())
    if missing[given.first :]:
        print(f"{len(missing) - given.first} sets are still to be answered: run it again\n")
    _, healthy = bench.answered("reference", ())
    reference = looking_at(healthy.own, [(SIZE, SIZE)] * len(healthy.own), calibration.confidences[0])
    done = {name: group for name, (group, _) in todo.items() if bench.kept(f"{name} shown").exists()}
    rows = [measure(name, group, bench, (calibration, reference)) for name, group in done.items()]
    weights = ", ".join(f"{weight:.2f}" for weight in calibration.weights)
    print(f"mAP50 {calibration.quality:.3f} on {calibration.n} labelled images; D-ECE {calibration.belief.error:.3f};")
    print(f"weights {weights}; error on a kind of damage left out: {100 * calibration.error:.1f} points\n")
    tables(rows, calibration.quality)


if __name__ == "__main__":
    main()
