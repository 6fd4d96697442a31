"""The folder that ultralytics trains from, written by ourselves from manifest rows: nobody's YAML is ever read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from PIL import Image

from tasks.domain.errors import ContractError
from tasks.domain.model import Kind

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FitObject:
    """One labelled object: class id and, for detect, x1, y1, x2, y2 in pixels of the image as it is shown."""

    class_id: int
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FitImage:
    """One labelled image that lies on this machine; no object means "nothing there"."""

    path: Path
    sha256: str
    objects: tuple[FitObject, ...] = ()


def build_folder(
    folder: Path, kind: Kind, classes: Sequence[str], train: Sequence[FitImage], val: Sequence[FitImage]
) -> Path:
    """Write links and labels into a fresh folder and return what ultralytics takes as `data`.

    detect: `images/<split>`, `labels/<split>` and a generated `data.yaml`. classify: `<split>/<class id>` with the
    names in ultralytics' own marker file, so that class ids never depend on the alphabet.

    Raises:
        ContractError: an image cannot be read, a label names an unknown class, or a split is empty.
    """
    if not train or not val:
        raise ContractError(f"{len(train)} images to train on and {len(val)} to choose by: both are needed")
    shutil.rmtree(folder, ignore_errors=True)
    names = {number: str(name) for number, name in enumerate(classes)}
    for split, rows in (("train", train), ("val", val)):
        for number in names if kind is Kind.CLASSIFY else ():
            (folder / split / str(number)).mkdir(parents=True)
        for row in rows:
            _check_classes(row, len(classes))
            (_add_class if kind is Kind.CLASSIFY else _add_boxes)(folder, split, row)
    if kind is Kind.CLASSIFY:
        (folder / ".ndjson.yaml").write_text(yaml.safe_dump({"names": names}), encoding="utf-8")
        return folder
    data = {"path": str(folder.resolve()), "train": "images/train", "val": "images/val", "names": names}
    (folder / "data.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return folder / "data.yaml"


def yolo_lines(objects: Sequence[FitObject], width: int, height: int) -> list[str]:
    """Label lines `class x_centre y_centre width height`, relative to the image; boxes are clipped to it.

    A box that has no area inside the image gives no line.

    >>> yolo_lines([FitObject(class_id=2, box=(0.0, 0.0, 50.0, 100.0))], width=100, height=100)
    ['2 0.250000 0.500000 0.500000 1.000000']
    """
    lines = []
    for each in objects:
        if each.box is None:
            continue
        x1, x2 = (min(max(each.box[i] / width, 0.0), 1.0) for i in (0, 2))
        y1, y2 = (min(max(each.box[i] / height, 0.0), 1.0) for i in (1, 3))
        if x2 > x1 and y2 > y1:
            values = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
            lines.append(" ".join([str(each.class_id), *(f"{value:.6f}" for value in values)]))
    return lines


def _check_classes(row: FitImage, n_classes: int) -> None:
    strange = [each.class_id for each in row.objects if not 0 <= each.class_id < n_classes]
    if strange:
        raise ContractError(f"image {row.sha256[:12]} is labelled with class id {strange[0]}, there are {n_classes}")


def _facts(row: FitImage) -> tuple[str, int, int]:
    """File suffix, width and height as shown; Pillow reads the header only."""
    try:
        with Image.open(row.path) as image:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            width, height = (image.height, image.width) if turned else (image.width, image.height)
            suffix = SUFFIXES[image.format or ""]
    except (OSError, KeyError, ValueError, Image.DecompressionBombError) as error:
        raise ContractError(f"image {row.sha256[:12]} cannot be trained on: {error}") from error
    return suffix, width, height


def _place(row: FitImage, target: Path) -> None:
    """A link where the file system allows one, else a copy; ultralytics never writes through a link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise ContractError(f"image {row.sha256[:12]} is twice in one split of the training manifest")
    try:
        os.link(row.path, target)
    except OSError:
        shutil.copyfile(row.path, target)


def _add_boxes(folder: Path, split: str, row: FitImage) -> None:
    suffix, width, height = _facts(row)
    _place(row, folder / "images" / split / f"{row.sha256}{suffix}")
    label = folder / "labels" / split / f"{row.sha256}.txt"
    label.parent.mkdir(parents=True, exist_ok=True)
    label.write_text("\n".join(yolo_lines(row.objects, width, height)), encoding="utf-8")


def _add_class(folder: Path, split: str, row: FitImage) -> None:
    if len(row.objects) != 1:
        raise ContractError(f"image {row.sha256[:12]} has {len(row.objects)} classes, classify needs exactly one")
    suffix, _, _ = _facts(row)
    _place(row, folder / split / str(row.objects[0].class_id) / f"{row.sha256}{suffix}")
