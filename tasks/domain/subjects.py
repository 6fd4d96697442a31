"""What a drift finding is about: how the pictures look, what the model sees in them, or what it answers."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """Three questions whose answers mean different things when they disagree."""

    PHOTOMETRIC = "photometric"  # light, focus, noise: usually the camera
    EMBEDDING = "embedding"  # the picture as the deployed model's own backbone sees it
    PREDICTION = "prediction"  # what the model answered
    SAMPLE = "sample"  # how much there was to judge, and whether it moved at all


PHOTOMETRIC = frozenset(
    {
        "brightness",
        "contrast",
        "dark_images",
        "bright_images",
        "sharpness",
        "noise",
        "entropy",
        "gradient_x",
        "gradient_y",
        "colourfulness",
    }
)
"""Subjects that are measured on pixels without any model."""

OBJECT_POSITION = "object_position"
"""Subject of the location check: where in the picture the model finds objects."""

PREDICTION = frozenset(
    {"objects", "no_objects", "confidence", "confidence_mean", "doubtful", "box_area", OBJECT_POSITION}
)
"""Subjects that are counted per image from predictions; beside them `class[<name>]`."""

EMBEDDING = "embedding"
STRANGE_IMAGES = "strange_images"
"""Subject of the outlier checks: images that the model's own view finds unlike the reference."""
DISTINCT_SCENES = "distinct_scenes"
"""Subject of the frozen-camera check: how many of the images show something new."""


def topic(subject: str) -> Topic:
    """The topic of a drift finding's subject.

    >>> topic("class[crack]").value
    'prediction'
    """
    if subject in PHOTOMETRIC:
        return Topic.PHOTOMETRIC
    if subject in (EMBEDDING, STRANGE_IMAGES):
        return Topic.EMBEDDING
    return Topic.PREDICTION if subject in PREDICTION or subject.startswith("class[") else Topic.SAMPLE
