"""What a profile costs beside decoding alone, on the same JPEGs in the same run (one core, CPU time)."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from tasks.drift.properties import of_file
from tasks.scenarios.parts_scene import SceneSpec, render

IMAGES, ROUNDS, SIZE = 60, 5, (1280, 720)


def seconds(work: Callable[[Path], object], paths: list[Path]) -> float:
    """CPU seconds for all paths."""
    start = time.process_time()
    for path in paths:
        work(path)
    return time.process_time() - start


def main() -> None:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.jpg" for number in range(IMAGES)]
        for number, path in enumerate(paths):
            cv2.imwrite(str(path), cv2.resize(render(SceneSpec(seed=number)).image, SIZE))
        pairs = [(seconds(lambda path: cv2.imread(str(path)), paths), seconds(of_file, paths)) for _ in range(ROUNDS)]
    decode = IMAGES / statistics.median(first for first, _ in pairs)
    profile = IMAGES / statistics.median(second for _, second in pairs)
    ratio = statistics.median(second / first for first, second in pairs)
    print("| JPEG 1280 x 720, one core | images/s |")
    print("|---|---|")
    print(f"| decode only (OpenCV) | {decode:.0f} |")
    print(f"| decode + all properties + perceptual hash | {profile:.0f} |")
    print(f"\na profile costs {ratio:.2f} x decoding alone (median of {ROUNDS} rounds, side by side)")


if __name__ == "__main__":
    main()
