"""Labels that show harm, camera by camera: what `camera_faults.py` lets the concept stage say beside the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from tasks.concept.answered import Answered
from tasks.concept.judging import Asked, report
from tasks.concept.rules import ConceptRules
from tasks.concept.sequence import baseline_of, track
from tasks.concept.task import inputs_moved
from tasks.domain.finding import Report

START = datetime(2026, 11, 1, tzinfo=UTC)
USUAL, HARM = 0.08, (0.3, 0.8)
"""Error of a sound camera, and between which errors that of a spoilt one lies."""
BEFORE, SINCE = 40, 25
"""Labelled images of every camera."""


def images(
    cameras: Sequence[str], errors: dict[str, float], count: int, day: int, rng: np.random.Generator
) -> list[Answered]:
    """Labelled images that are right or wrong by chance, the cameras in turn."""
    found = []
    for n in range(count):
        for place, camera in enumerate(cameras):
            at = START + timedelta(days=day, minutes=20 * n + place)
            wrong = rng.random() < errors.get(camera, USUAL)
            found.append(
                Answered(
                    image_id=f"{camera}-{day}-{n}", camera=camera, session=f"{camera}-{day}-{n}", version="1",
                    captured_at=at, labelled_at=at + timedelta(hours=2), annotator="ada", golden=False,
                    score=float(not wrong),
                )
            )  # fmt: skip
    return found


def told(drift: Report, cameras: Sequence[str], erring: Sequence[str], rng: np.random.Generator) -> Report:
    """What the concept stage says of labels that somebody has looked at, of errors that rose on the `erring` cameras.

    The hardest case for the pictures: labels that nobody audited start no retraining while nothing moved.
    """
    error = float(rng.uniform(*HARM))
    before = images(cameras, {}, BEFORE, 0, rng)
    since = images(cameras, dict.fromkeys(erring, error), SINCE, 10, rng)
    moved = inputs_moved((drift.stage, finding) for finding in drift.findings)
    asked = Asked(
        moved=frozenset(image.image_id for image in since) if moved else frozenset(),
        fell=True,
        audited="a colleague",
        rules=ConceptRules(),
    )
    base = baseline_of(before, asked.rules)
    return report([*before, *since], track([*before, *since], base, asked.rules) if base else None, asked)
