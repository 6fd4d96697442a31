"""What a window's answers showed, in a form that is kept: judging it again asks no model about any picture."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from typing import Any

from tasks.domain.finding import Finding, finding_from_json, finding_json
from tasks.estimate import calibration_json
from tasks.estimate.around import Around
from tasks.estimate.calibration import Calibration
from tasks.estimate.look import Shift, Shifts
from tasks.estimate.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Signs of `n` images that were looked at again, what changed around their objects, how the answers of production
    moved, whether cameras turned.
    """

    signs: Signs
    around: Around
    moved: Shifts
    turned: bool
    n: int


def found_json(found: Found | Finding) -> dict[str, Any]:
    """What was found, or why nothing was, as JSON values."""
    return {"silent": finding_json(found)} if isinstance(found, Finding) else asdict(found)


def found_of(data: dict[str, Any]) -> Found | Finding:
    """The inverse of `found_json`."""
    if "silent" in data:
        return finding_from_json(data["silent"])
    moved = {each.name: Shift(**data["moved"][each.name]) for each in fields(Shifts)}
    beside = {each.name: Shift(**data["around"][each.name]) for each in fields(Around)}
    return Found(
        signs=Signs(**data["signs"]),
        around=Around(**beside),
        moved=Shifts(**moved),
        turned=data["turned"],
        n=data["n"],
    )


def digest_of(calibration: Calibration) -> str:
    """A digest of everything that a calibration says."""
    return hashlib.sha256(calibration_json.written(calibration)).hexdigest()
