"""How far estimates of a classifier's accuracy without labels are off: photographs of solar cells (ELPV).

A small network learns monocrystalline cells, other cells calibrate it, and sets of the rest are estimated: as they are,
damaged in ways that are not on the ladder of `tasks.estimate`, and another product (polycrystalline cells).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from label_free_worlds import DAMAGES

from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_load import sha256_of, ultralytics
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.estimate import flag
from tasks.estimate.alarms import alarms_of
from tasks.estimate.calibration import Calibration
from tasks.estimate.fitting import Labelled, calibrate, looking_at, quality_of
from tasks.estimate.flag import Flag
from tasks.estimate.framed import ALWAYS, SIZE, frames
from tasks.estimate.guess import Guess, finding, flag_of
from tasks.estimate.ladder import Image
from tasks.estimate.look import shifts
from tasks.estimate.posture import measured, postures, turned
from tasks.estimate.rules import EstimateRules
from tasks.estimate.signs import Views, mirrored, signs_of
from tasks.scenarios.solar_cells import LABELS, CellRecord, list_cells

KINDS = ("gamma", "defocus", "row noise", "haze")
TRAINED, LABELLED, REFERENCE = 0.45, 0.25, 0.1
"""Shares of the monocrystalline cells; the rest is estimated."""


def picture(cell: CellRecord) -> Image:
    return np.asarray(cv2.resize(cv2.imread(str(cell.path)), (96, 96), interpolation=cv2.INTER_AREA), np.uint8)


def trained(cells: Sequence[CellRecord], epochs: int, folder: Path) -> Yolo:
    """A small network that knows these cells."""
    for place, cell in enumerate(cells):
        for part in ("train", "val") if place % 5 == 0 else ("train",):
            target = folder / "data" / part / str(label(cell))
            target.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target / f"{place}.png"), picture(cell))
    network = ultralytics().YOLO("yolo11n-cls.yaml", task="classify", verbose=False)
    network.train(
        data=str(folder / "data"), epochs=epochs, imgsz=96, batch=32, optimizer="AdamW", lr0=0.002, device="cpu",
        workers=0, seed=1, plots=False, verbose=False, project=str(folder), name="run", amp=False, auto_augment=None,
        erasing=0.0, fliplr=0.5, flipud=0.5, hsv_h=0.0, hsv_s=0.0, hsv_v=0.2,
    )  # fmt: skip
    path = folder / "run" / "weights" / "last.pt"
    return Yolo.load(path, sha256_of(path), device="cpu")


def label(cell: CellRecord) -> int:
    return LABELS.index(cell.label or LABELS[0])


def truths(cells: Sequence[CellRecord]) -> list[Truth]:
    return [
        Truth(
            image_id=str(c.index), session=f"{c.index // 24}", camera="a", classes=np.array([label(c)]), boxes=frames(1)
        )
        for c in cells
    ]


class Looking:
    """One version that looks at pictures, as they are and mirrored."""

    def __init__(self, model: Yolo, folder: Path) -> None:
        self.model, self.folder = model, folder

    def __call__(self, images: Sequence[Image]) -> Views:
        paths = [self.folder / f"{place}.png" for place in range(2 * len(images))]
        for path, image in zip(paths, [*images, *(image[:, ::-1] for image in images)], strict=True):
            cv2.imwrite(str(path), image)
        found = list(self.model.predict(paths, 96, 0.005, batch=32))
        half = len(images)
        return Views(own=found[:half], mirrored=mirrored(found[half:], [96] * half)).framed()


def estimated(
    name: str, cells: Sequence[CellRecord], worse: Callable[[Image, int], Image], see: Looking, known: Calibration
) -> tuple[float, Flag, float]:
    """Accuracy by labels, flag and estimate of one set; printed as a row."""
    shown = [worse(picture(cell), place) for place, cell in enumerate(cells)]
    views = see(shown)
    signs = signs_of(views, known.belief, len(LABELS), known.confidences)
    moved = shifts(see.reference, looking_at(views.own, [SIZE] * len(cells), ALWAYS))  # type: ignore[attr-defined]
    held = postures(["a"] * len(cells), [measured(image) for image in shown])
    verdict = flag.judge(known, signs, moved, alarms_of((), turned(known.postures, held)))
    real = quality_of(score_detections(truths(cells), views.own, LABELS, ALWAYS), True)
    value = known.estimate(signs, moved.found.size)
    guess = Guess(value=value, verdict=verdict, n=len(cells), metric=known.metric, left_out=known.error * known.quality)
    told = finding("cells", guess, None, EstimateRules())
    given, found = "none given" if told.value is None else f"{told.value:.3f}", flag_of(told) or Flag.UNVERIFIABLE
    why, error = flag.named(verdict.reasons) or "nothing changed", f"{100 * (value - real):+.1f}"
    print(f"| {name} | {len(cells)} | {real:.3f} | {given} | {error} | {found} | {why} |", flush=True)
    return real, found, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    cells = [cell for cell in list_cells() if cell.label in LABELS]
    mono = [cell for cell in cells if cell.type == "mono"]
    poly = [cell for cell in cells if cell.type != "mono"]
    mono = [mono[at] for at in rng.permutation(len(mono))]
    ends = (np.cumsum([TRAINED, LABELLED, REFERENCE]) * len(mono)).astype(int)
    learnt, labelled, reference, rest = (list(part) for part in np.split(np.array(mono, object), ends))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        see = Looking(trained(learnt, asked.epochs, folder), folder)
        known = calibrate(
            Labelled(truths=truths(labelled), open=lambda at: picture(labelled[at]), classes=LABELS, whole=True),
            see, (see.model.sha256, ""), 100,
        )  # fmt: skip
        if known is None:
            raise SystemExit("too few labelled cells")
        see.reference = looking_at(see([picture(c) for c in reference]).own, [SIZE] * len(reference), ALWAYS)  # type: ignore[attr-defined]
        print(f"calibrated on {known.n} cells, accuracy {known.quality:.3f}, left-out error {known.error:.3f}\n")
        print("| set | cells | accuracy by labels | estimate | error | flag | why |\n|---|---|---|---|---|---|---|")
        rows = [estimated("clean", rest, lambda image, at: image, see, known)]
        for kind in KINDS:
            damage, strengths = DAMAGES[kind]
            for severity in (1, 3, 5):

                def worse(image: Image, at: int, s: float = strengths[severity - 1]) -> Image:
                    made = damage(image, s, np.random.default_rng([severity, at]))  # noqa: B023 - called in this turn
                    return np.asarray(np.clip(np.rint(made), 0, 255), np.uint8)

                rows.append(estimated(f"{kind} {severity}", rest, worse, see, known))
        estimated("polycrystalline cells", poly[:250], lambda image, at: image, see, known)
        estimated("upside down", rest, lambda image, at: image[::-1], see, known)
        estimated("negative", rest, lambda image, at: 255 - image, see, known)
    for kind in Flag:
        errors = [100 * abs(value - real) for real, found, value in rows if found is kind]
        if errors:
            print(
                f"{kind}: {len(errors)} sets, mean absolute error {np.mean(errors):.2f} points, most {max(errors):.1f}"
            )


if __name__ == "__main__":
    main()
