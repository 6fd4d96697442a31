"""What a profile costs beside decoding alone and beside CleanVision's issue scan, on the same files in the same run.

CleanVision lives in an environment of its own (`--cleanvision PYTHON`: an interpreter that has it); each round asks it
and Evergreen in turn, one core and CPU time for both. A profile here is everything that is stored of an image without a
model: SHA-256, decoding, all properties, maps and the perceptual hash. CleanVision's scan hashes, decodes and measures
likewise (its default issues).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
from elpv_dataset.utils import load_dataset

from tasks.drift.properties import of_file
from tasks.scenarios.parts_scene import SceneSpec, render

SIZE = (1280, 720)
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SCAN = """
import contextlib, io, json, sys, time
from cleanvision import Imagelab
with contextlib.redirect_stdout(io.StringIO()):
    lab = Imagelab(data_path=sys.argv[1])
    start = time.process_time()
    lab.find_issues(n_jobs=1, verbose=False)
    spent = time.process_time() - start
print(json.dumps([spent, len(lab.issues)]))
"""


def photographs(folder: Path, count: int, quality: int) -> list[Path]:
    """Drawn scenes at 1280 x 720, as JPEG."""
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        image = cv2.resize(render(SceneSpec(seed=number)).image, SIZE)
        cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return paths


def cells(folder: Path, count: int) -> list[Path]:
    """Photographed solar cells as they come: grey PNG, 300 x 300."""
    images = load_dataset()[0]
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), images[number * len(images) // count])
    return paths


def profiled(path: Path) -> object:
    return hashlib.sha256(path.read_bytes()).hexdigest(), of_file(path)


def seconds(work: Callable[[Path], object], paths: list[Path]) -> float:
    """CPU seconds for all paths."""
    start = time.process_time()
    for path in paths:
        work(path)
    return time.process_time() - start


def scanned(python: Path | None, folder: Path, count: int) -> float:
    """CPU seconds of CleanVision's scan of a folder; nan without it."""
    if python is None:
        return float("nan")
    quiet = os.environ | ONE_CORE | {"TQDM_DISABLE": "1"}
    told = subprocess.run([python, "-c", SCAN, folder], env=quiet, check=True, capture_output=True, text=True)  # noqa: S603
    spent, seen = json.loads(told.stdout.splitlines()[-1])
    if seen != count:
        raise SystemExit(f"CleanVision looked at {seen} of {count} images")
    return float(spent)


def table(name: str, paths: list[Path], rounds: int, python: Path | None) -> None:
    works = {"decode in full colour": lambda path: cv2.imread(str(path)), "profile": profiled}
    spent: dict[str, list[float]] = {name: [] for name in (*works, "CleanVision 0.3.7")}
    for _ in range(rounds):
        for label, work in works.items():
            spent[label].append(seconds(work, paths))
        spent["CleanVision 0.3.7"].append(scanned(python, paths[0].parent, len(paths)))
    for label, times in spent.items():
        against = sorted(other / own for other, own in zip(times, spent["profile"], strict=True))
        spread = f"{statistics.median(against):.2f} ({against[0]:.2f} to {against[-1]:.2f})"
        print(f"| {name} | {label} | {len(paths) / statistics.median(times):.0f} | {spread} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cleanvision", type=Path, help="interpreter of an environment with cleanvision 0.3.7")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    print("| images | work | images/s, one core | its time in that of a profile, median (range of rounds) |")
    print("|---|---|---|---|")
    for quality in (85, 95):
        with tempfile.TemporaryDirectory() as folder:
            paths = photographs(Path(folder), chosen.images, quality)
            table(f"JPEG 1280 x 720, quality {quality}", paths, chosen.rounds, chosen.cleanvision)
    with tempfile.TemporaryDirectory() as folder:
        table("ELPV, PNG 300 x 300", cells(Path(folder), 4 * chosen.images), chosen.rounds, chosen.cleanvision)


if __name__ == "__main__":
    main()
