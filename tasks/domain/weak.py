"""Where a version is weak on labelled images, with images to look at: what a person reads before labelling more."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.domain.contrast import Mark, Photo
from tasks.domain.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One labelled image with what people said, what the version answers, and its score 0..1."""

    photo: Photo
    score: float
    truth: tuple[Mark, ...] = ()
    answer: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One finding about a segment or a shortcut; `worst` are its worst images, `best` others that went well."""

    finding: Finding
    worst: tuple[Case, ...] = ()
    best: tuple[Case, ...] = ()
