"""What a drift finding is about: how the pictures look, what the model sees in them, or what it answers."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """Three questions whose answers mean different things when they disagree."""

    PHOTOMETRIC = "photometric"  # light, focus, noise: usually the camera
    EMBEDDING = "embedding"  # the picture as the deployed model's own backbone sees it
    PREDICTION = "prediction"  # what the model answered
    SAMPLE = "sample"  # how much there was to judge, and whether it moved at all


PLACES = "places"
"""Subject of the question where in the picture light and detail are."""

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
        "fine_detail",
        "grain",
        "relative_contrast",
        PLACES,
    }
)
"""Subjects that are measured on pixels without any model."""

CLASS_MIX = "class_mix"
"""Subject of the shares that the classes have of all objects."""
OBJECT_POSITION = "object_position"
"""Subject of the location check: where in the picture the model finds objects."""

FLICKER = "flicker"
"""Subject of the check on objects that vanish for a frame of a video."""

PREDICTION = frozenset(
    {
        "objects",
        "no_objects",
        "confidence",
        "confidence_mean",
        "doubtful",
        "box_area",
        "box_aspect",
        CLASS_MIX,
        OBJECT_POSITION,
        FLICKER,
    }
)
"""Subjects that are counted per image from predictions; beside them `class[<name>]` and `confidence[<name>]`."""

EMBEDDING = "embedding"
STRANGE_IMAGES = "strange_images"
"""Subject of the outlier checks: images that the model's own view finds unlike the reference."""
PICTURES, EXPLAINED = "pictures", "explained"
"""Subject and check of the findings that say how much of the whole shift each camera carries."""
FLEET = "fleet"
"""Check of a finding that stands for the alarms of many cameras at once: it is about all of them by itself."""
DIGEST = "digest"
"""Check of the one finding a day that says which cameras of the fleet stand out."""
ESTIMATE = "estimate"
"""Check of the finding that says how good the model is without labels, or what to label instead."""
WEAK_SEGMENT, SHORTCUT = "weak_segment", "shortcut"
TOLD_ONLY = frozenset({WEAK_SEGMENT, SHORTCUT})
"""Checks about what the version is like since it was made: a person reads them, no verdict hangs on them."""
UNTIMELY = "untimely_share"
"""Check of the findings on records that claim times which cannot be true."""
KPI = "kpi"
"""Check of the findings on numbers of the business."""
PROMISE, BURN = "promise", "burn_rate"
"""Checks on serving: a promise in one window, and (with its span behind it) how fast its allowance is used up."""
PARITY = "parity"
"""Check of whether the file that production runs answers as the version that it was exported from."""
FAR_IMAGES = "far_images"
"""Subject of the count of those that are unlike anything in the reference."""
DISTINCT_SCENES = "distinct_scenes"
"""Subject of the frozen-camera check: how many of the images show something new."""

BY_CLASS = ("class[", "confidence[")
"""How subjects about single classes begin."""


def topic(subject: str) -> Topic:
    """The topic of a drift finding's subject.

    >>> topic("class[crack]").value
    'prediction'
    """
    if subject in PHOTOMETRIC:
        return Topic.PHOTOMETRIC
    if subject in (EMBEDDING, STRANGE_IMAGES, FAR_IMAGES):
        return Topic.EMBEDDING
    return Topic.PREDICTION if subject in PREDICTION or subject.startswith(BY_CLASS) else Topic.SAMPLE


class CameraFault(StrEnum):
    """What can be the matter with one camera: the subjects of the camera stage's findings."""

    FROZEN = "frozen"
    COVERED = "covered"
    COLOUR_LOST = "colour_lost"
    COLOUR_CAST = "colour_cast"
    TOO_BRIGHT = "too_bright"
    TOO_DARK = "too_dark"
    MOVED = "moved"
    OUT_OF_FOCUS = "out_of_focus"
    DIRTY_LENS = "dirty_lens"
    OFFLINE = "offline"
    FRAME_RATE = "frame_rate"
    CLOCK = "clock"


DELIVERY = frozenset({CameraFault.OFFLINE, CameraFault.FRAME_RATE, CameraFault.CLOCK})
"""Faults of how images come, not of how they look: they explain no change of pictures."""
