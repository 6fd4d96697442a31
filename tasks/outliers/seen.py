"""What one window shows of strange images and moved objects, in a form that is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tasks.domain.finding import Finding, finding_from_json, finding_json
from tasks.domain.snapshot import TableRef
from tasks.outliers.evidence import Count, Counts
from tasks.outliers.familiar import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The limits of the reference's cameras, what lay beyond them, where objects are, and tables to draw it from.

    Neither what adds up over windows nor what another window confirms is in it: that is asked every time.
    """

    limits: Mapping[str, Limit]
    counts: Counts
    elsewhere: Sequence[Finding]
    drawn: Mapping[str, TableRef]


def seen_json(seen: Seen) -> dict[str, Any]:
    """As JSON values."""
    return {
        "limits": {camera: asdict(each) for camera, each in seen.limits.items()},
        "counts": {camera: asdict(each) for camera, each in seen.counts.items()},
        "elsewhere": [finding_json(each) for each in seen.elsewhere],
        "drawn": {name: asdict(each) for name, each in seen.drawn.items()},
    }


def seen_of(data: Mapping[str, Any]) -> Seen:
    """The inverse of `seen_json`."""
    return Seen(
        limits={camera: Limit(**each) for camera, each in data["limits"].items()},
        counts={camera: Count(**each) for camera, each in data["counts"].items()},
        elsewhere=tuple(map(finding_from_json, data["elsewhere"])),
        drawn={name: TableRef(**each) for name, each in data["drawn"].items()},
    )


def points(data: Mapping[str, Any]) -> Iterator[str]:
    """The addresses of the tables that it speaks of."""
    return (each["uri"] for each in data["drawn"].values())
