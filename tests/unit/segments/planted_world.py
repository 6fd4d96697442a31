"""A labelled world with a weak segment at a known place, or with none at all."""

from __future__ import annotations

import numpy as np

from tasks.domain.tables import PROPERTIES
from tasks.segments.facts import Facts


def world(seed, sessions=200, frames=2, right=0.92, weak=0.0, together=0.3, where="camera 1, dark"):
    """Facts of images and where the planted weakness is; frames of a session answer alike in part (`together`)."""
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(sessions), frames)
    size = len(session)
    camera = rng.integers(0, 4, sessions)[session]
    hour = 3 * rng.integers(0, 8, sessions)[session]
    answer = rng.integers(0, 3, size)
    properties = rng.normal(size=(sessions, len(PROPERTIES)))[session] + 0.3 * rng.normal(size=(size, len(PROPERTIES)))
    dark = properties[:, 0] < np.quantile(properties[:, 0], 0.25)
    planted = {
        "camera 1, dark": (camera == 1) & dark,
        "camera 1": camera == 1,
        "dark": dark,
        "night": hour == 3,
        "answer 2": answer == 2,
    }[where]
    chance = np.where(planted, right - weak, right)
    alike = rng.random(size) < together
    drawn = np.where(alike, rng.random(sessions)[session], rng.random(size))
    names = {
        "camera": np.array([f"c{number}" for number in camera]),
        "hour": np.array([f"{number:02d}:00 to {number + 3:02d}:00 UTC" for number in hour]),
        "answer": np.array([f"kind {number}" for number in answer]),
    }
    known = Facts(
        image_ids=tuple(f"i{number}" for number in range(size)),
        scores=(drawn < chance).astype(float),
        sessions=session.astype(np.intp),
        numbers=dict(zip(PROPERTIES, properties.T, strict=True)),
        names=names,
    )
    return known, planted
