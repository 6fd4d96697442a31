"""Decides whether to train, and what one training is: its key, its base, its numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tasks.domain.errors import ConfigError
from tasks.domain.model import Kind, ModelRef, safe_name
from tasks.retrain.rules import RetrainRules

FINE_TUNE_LR = 5e-4
"""Low enough that a fine-tune does not unlearn what the champion knows."""

FIRST_IMGSZ = 640
WEEK = timedelta(days=7)

TRAINED = ("retrain", "first")
"""Sources of versions that were trained here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What every version of a model has in common, and the size this one is trained at."""

    kind: Kind
    classes: tuple[str, ...]
    imgsz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What the training manifest offers: images to learn from, and how many labelled images are recent."""

    train: int
    recent: int


def contract_of(champion: ModelRef | None, rules: RetrainRules) -> Contract:
    """The champion's kind and classes; without one, those that the rules name.

    Raises:
        ConfigError: a first version without class names, or of a kind that is not trained yet.
    """
    if champion is not None:
        return Contract(kind=champion.kind, classes=champion.classes, imgsz=rules.imgsz or champion.imgsz)
    if rules.kind not in (Kind.DETECT, Kind.CLASSIFY):
        raise ConfigError(f"kind {rules.kind.value} is not trained yet: detect or classify")
    if not rules.classes:
        raise ConfigError("a first version needs `classes` in the retrain rules: names in the order of class ids")
    names = tuple(safe_name(name, "class name") for name in rules.classes)
    return Contract(kind=rules.kind, classes=names, imgsz=rules.imgsz or FIRST_IMGSZ)


def learning_rate(champion: ModelRef | None, rules: RetrainRules) -> float | None:
    """The wished rate, else the low one for a fine-tune, else None: ultralytics' own choice."""
    if rules.lr0 is not None or champion is None:
        return rules.lr0
    return FINE_TUNE_LR


def fit_key(model: str, champion: ModelRef | None, digest: str, rules: RetrainRules) -> str:
    """SHA-256 (hex) of everything that decides a training's outcome: asked again, it is not trained again.

    When and how often to train is no part of it.
    """
    asked = rules.model_dump(mode="json", exclude={"min_images", "min_new_labels", "cooldown_hours", "max_per_week"})
    facts = {"model": model, "champion": champion.sha256 if champion else "", "dataset": digest, "rules": asked}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def refusal(
    champion: ModelRef | None, supply: Supply, trainings: Sequence[datetime], now: datetime, rules: RetrainRules
) -> str:
    """Why nothing is trained now, in a sentence; empty when it may be. `trainings` are when versions were made."""
    if supply.train < rules.min_images:
        return f"{supply.train} images to learn from, {rules.min_images - supply.train} more labels needed"
    if champion is None:
        return ""
    if supply.recent < rules.min_new_labels:
        return f"{supply.recent} recent labelled images, {rules.min_new_labels - supply.recent} more needed"
    ready = max(trainings, default=now - WEEK) + timedelta(hours=rules.cooldown_hours)
    if trainings and now < ready:
        return f"trained within the last {rules.cooldown_hours:g} hours: again from {ready:%F %H:%M} UTC on"
    lately = sum(now - each < WEEK for each in trainings)
    if lately >= rules.max_per_week:
        return f"trained {lately} times in seven days, {rules.max_per_week} are allowed"
    return ""
