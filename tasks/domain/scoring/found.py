"""All matched boxes and labelled objects of a set as columns: what every score is computed from, and what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Ints
from tasks.domain.scoring.matching import IOUS, SIZES, Matches

Flags = NDArray[np.bool_]
Masks = NDArray[np.uint16]
"""Bit t says what holds at the overlap `IOUS[t]`."""

Column = TypeVar("Column", bound=np.generic)

_POWERS = (1 << np.arange(len(IOUS))).astype(np.uint16)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassBoxes:
    """Every box of one class over all images, surest first.

    `image` (d,) index, `confidence` (d,), `hits` (10, d), `ignored` (10, d) or None for no box, `rank` (d,) place
    among the boxes of its image and class, `row` (d,) where it stands in `Found`.
    """

    image: Ints
    confidence: NDArray[np.float32]
    hits: Flags
    ignored: Flags | None
    rank: Ints
    row: Ints

    @property
    def counted(self) -> Flags:
        """(d,) boxes that count as right or wrong at IoU 0.5."""
        return np.ones(len(self.image), bool) if self.ignored is None else np.asarray(~self.ignored[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """d boxes and g labelled objects, image by image; see `Matches` for what the columns say.

    `image`, `label`, `confidence`, `error` are (d,), `hits` and `ignored` (d,), `size_hits` and `size_ignored` (d, 3)
    bit masks;
    `object` (d,) is the place of an object among those of its image, -1 for none. `label_image`, `label_class`,
    `label_area`, `unseen` are (g,).
    """

    image: Ints
    label: Ints
    confidence: NDArray[np.float32]
    hits: Masks
    ignored: Masks
    size_hits: Masks
    size_ignored: Masks
    error: NDArray[np.int8]
    object: Ints
    label_image: Ints
    label_class: Ints
    label_area: NDArray[np.float64]
    unseen: Flags

    def by_class(self, classes: int) -> tuple[ClassBoxes, ...]:
        """The boxes of each class over all images, surest first, those of equal confidence in the order of images."""
        order = np.argsort(-self.confidence, kind="stable")
        rank = self._rank()
        found = []
        for label in range(classes):
            row = order[self.label[order] == label]
            found.append(
                ClassBoxes(
                    image=self.image[row],
                    confidence=self.confidence[row],
                    hits=bits(self.hits[row]),
                    ignored=bits(self.ignored[row]) if self.ignored[row].any() else None,
                    rank=rank[row],
                    row=row,
                )
            )
        return tuple(found)

    def positives(self, images: int, classes: int, which: Flags | None = None) -> Ints:
        """(n, c) labelled objects that should be found, all or those that `which` (g,) marks."""
        counted = ~self.unseen if which is None else ~self.unseen & which
        flat = self.label_image[counted] * classes + self.label_class[counted]
        return np.bincount(flat, minlength=images * classes).reshape(images, classes).astype(np.int64)

    def pointed(self, images: int) -> Ints:
        """(d,) row of the labelled object that each box is about, -1 for none."""
        first = np.searchsorted(self.label_image, np.arange(images))
        return np.where(self.object >= 0, first[self.image] + self.object, -1) if images else self.object

    def _rank(self) -> Ints:
        """Boxes lie image by image, class by class, the surest first."""
        if not len(self.image):
            return np.zeros(0, np.int64)
        new = np.r_[True, (self.image[1:] != self.image[:-1]) | (self.label[1:] != self.label[:-1])]
        first = np.flatnonzero(new)
        return np.arange(len(new)) - np.repeat(first, np.diff(np.r_[first, len(new)]))


def collect(matched: Sequence[Matches], classes: int) -> Found:
    """The columns of all images; boxes of a class that the model does not list are left out."""
    counts = [len(one.classes) for one in matched]
    label = _joined([one.classes for one in matched], np.int64)
    listed = (label >= 0) & (label < classes)
    hits = _joined([masks(one.hits) for one in matched], np.uint16)
    sized = [[masks(one.size_hits[s]) for one in matched] for s in range(len(SIZES))]
    ignored = [[masks(one.size_ignored[s]) for one in matched] for s in range(len(SIZES))]
    image = np.repeat(np.arange(len(matched)), counts) if matched else np.zeros(0, np.int64)
    return Found(
        image=image[listed],
        label=label[listed],
        confidence=_joined([one.confidences for one in matched], np.float32)[listed],
        hits=hits[listed],
        ignored=_joined([masks(one.ignored) for one in matched], np.uint16)[listed],
        size_hits=np.stack([_joined(each, np.uint16) for each in sized], 1)[listed],
        size_ignored=np.stack([_joined(each, np.uint16) for each in ignored], 1)[listed],
        error=_joined([one.error for one in matched], np.int8)[listed],
        object=_joined([one.object for one in matched], np.int64)[listed],
        label_image=_joined([np.full(len(one.labels), i) for i, one in enumerate(matched)], np.int64),
        label_class=_joined([one.labels for one in matched], np.int64),
        label_area=_joined([one.label_areas for one in matched], np.float64),
        unseen=_joined([one.unseen for one in matched], np.bool_),
    )


def masks(hits: Flags) -> Masks:
    """(d,) bit masks of (10, d) flags."""
    return np.asarray(_POWERS @ hits.astype(np.uint16), np.uint16)


def bits(hits: Masks) -> Flags:
    """(10, d) flags of (d,) bit masks, the inverse of `masks`."""
    return (hits[None] & _POWERS[:, None]) > 0


def _joined(parts: Sequence[NDArray[Any]], kind: type[Column]) -> NDArray[Column]:
    return np.concatenate([np.zeros(0, kind), *parts]).astype(kind)
