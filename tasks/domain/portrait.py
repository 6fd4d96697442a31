"""What a page shows about one evaluation: curves, slices, errors and the images that went worst; small, as JSON.

It is made once, while the answers are at hand, so that the page can be drawn again without asking the model.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from tasks.domain.contrast import Mark, Photo
from tasks.domain.evaluation import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Precision over recall of one class at IoU 0.5, thinned; `value` is its area (AP50), None without an object."""

    name: str
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The headline number of one part of the images: `kind` is class, size or camera.

    `value` is 0..1 with its 95 % interval; None where it cannot be said. `n` counts images, `objects` labelled objects.
    """

    kind: str
    name: str
    n: int
    objects: int
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShare:
    """Errors of one kind: how many, and what mAP50 and F1 (0..1) would gain without them."""

    kind: str
    count: float
    map50: float | None
    f1: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts, rows the truth and columns the answer; for detect the last of both is the background."""

    names: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Answers of about one confidence: its mean, the share that is right, and how many."""

    confidence: float
    right: float
    count: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One image that went wrong, at the operating confidence; `score` is its F1 (detect) or 0 and 1 (classify)."""

    photo: Photo
    score: float
    right: tuple[Mark, ...] = ()
    wrong: tuple[Mark, ...] = ()
    missed: tuple[Mark, ...] = ()
    truth: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """Everything that is shown about one version on one labelled set, beside the numbers of its `Evaluation`."""

    curves: tuple[Curve, ...] = ()
    parts: tuple[Part, ...] = ()
    errors: tuple[ErrorShare, ...] = ()
    confusion: Confusion | None = None
    reliability: tuple[Reliability, ...] = ()
    misses: tuple[Shot, ...] = ()
    phantoms: tuple[Shot, ...] = ()
    sessions: int = 0


LEAST = 30
"""Images below which a part is not called the worst one."""

_FORM = TypeAdapter(Portrait)


def portrait_key(model: str, evaluation: Evaluation) -> str:
    """Where the portrait of an evaluation lies in the bucket."""
    folder = f"{model}/evergreen/evaluations/{evaluation.model_sha256[:16]}"
    return f"{folder}/{evaluation.dataset}-{evaluation.digest[:16]}/portrait-{evaluation.protocol[:16]}.json"


def portrait_bytes(portrait: Portrait) -> bytes:
    """The portrait as JSON."""
    return _FORM.dump_json(portrait)


def portrait_of(data: bytes) -> Portrait:
    """The inverse of `portrait_bytes`."""
    return _FORM.validate_json(data)


def gap(portrait: Portrait, kind: str, headline: float, least: int) -> float | None:
    """How far the worst part of that kind lies below the whole, 0..1; None with fewer than two parts of `least` images.

    >>> parts = tuple(Part(kind="camera", name=n, n=50, objects=9, value=v) for n, v in (("a", 0.8), ("b", 0.5)))
    >>> round(gap(Portrait(parts=parts), "camera", 0.7, 20), 3)
    0.2
    """
    values = [part.value for part in portrait.parts if part.kind == kind and part.n >= least and part.value is not None]
    return max(0.0, headline - min(values)) if len(values) > 1 else None


def gaps(portrait: Portrait, headline: float) -> dict[str, float]:
    """`gap_class`: how far the worst class lies below the whole; empty where that cannot be said."""
    found = gap(portrait, "class", headline, LEAST)
    return {} if found is None else {"gap_class": found}
