"""A model version: which bytes, of which kind, with which classes; never just a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from tasks.domain.errors import ConfigError

SAFE_NAME = re.compile(r"[\w .+-]{1,64}")
"""Class, camera and model names: what survives every report, path and metric label unescaped."""

ALIAS_CHAMPION = "champion"
ALIAS_CHALLENGER = "challenger"
ALIAS_PREVIOUS = "previous"


class Kind(StrEnum):
    """What the model answers with (ultralytics' `task=`)."""

    DETECT = "detect"
    SEGMENT = "segment"
    CLASSIFY = "classify"
    POSE = "pose"
    OBB = "obb"


def safe_name(name: str, what: str) -> str:
    """The name itself, or `ConfigError` when it could not be shown safely everywhere."""
    if not SAFE_NAME.fullmatch(name):
        raise ConfigError(f"{what} {name[:80]!r} must be 1-64 letters, digits, spaces or . + - _")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """One version of a registered model.

    `sha256` (hex of the weights' bytes) is its identity; `uri` is where the bytes lie in the bucket,
    `version` the number that MLflow gave it (0 before it was registered), `imgsz` the side in pixels it was
    trained at, `classes` the names in the order of class ids.
    """

    name: str
    sha256: str
    uri: str
    kind: Kind
    classes: tuple[str, ...]
    imgsz: int
    version: int = 0

    def __post_init__(self) -> None:
        safe_name(self.name, "model name")
        for label in self.classes:
            safe_name(label, "class name")

    def __str__(self) -> str:
        return f"{self.name} v{self.version or '?'} ({self.sha256[:12]})"
