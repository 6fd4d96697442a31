"""A file that was exported from a version to be deployed: other bytes than the weights, and answers of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tasks.domain.protocol import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One exported file of the version `version_sha256`.

    `sha256` (hex) is of the exported bytes at `uri`, `imgsz` the side in pixels it was made for, `versions`
    `package==version` of what made it; () when a person brought the file.
    """

    version_sha256: str
    form: Format
    sha256: str
    uri: str
    imgsz: int
    half: bool = False
    versions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.form.value} {self.sha256[:12]} of version {self.version_sha256[:12]}"


def export_json(export: Export) -> dict[str, Any]:
    """The export as JSON values, for ledgers."""
    return {**asdict(export), "form": export.form.value, "versions": list(export.versions)}


def export_from_json(data: Mapping[str, Any]) -> Export:
    """The inverse of `export_json`."""
    return Export(**{**data, "form": Format(data["form"]), "versions": tuple(data["versions"])})
