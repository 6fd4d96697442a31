"""Labels meet images: which accepted bytes a label is about, when and where they were captured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from tasks.adapters.tables import TableStore
from tasks.curate.split import Labelled, session_name
from tasks.domain.errors import NotFound
from tasks.domain.model import Kind
from tasks.domain.snapshot import TableRef, table_of
from tasks.domain.tables_catalog import CHANCE, DRAWN

_KEY = re.compile(r"/images/(?P<camera>[^/]{1,64})/(?P<y>\d{4})/(?P<m>\d\d)/(?P<d>\d\d)/(?P<h>\d\d)/[^/]+$")
UNKNOWN = "unknown"
"""The camera of images of which nobody says where they come from."""
_CATALOG = ["key", "image_id", "captured_at", "camera", "sha256", "verdict", CHANCE, DRAWN]
_CORRECTIONS = frozenset({"wrong_label", "wrong_box", "false_positive", "missed_object"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the catalogs say of an image; `chance` that it was looked at, None where no catalog lists it."""

    key: str
    sha256: str
    camera: str
    captured_at: datetime
    accepted: bool
    chance: float | None = None


def index(rows: Iterable[Mapping[str, Any]]) -> dict[str, Listed]:
    """Image id -> catalog row; of several windows that listed it an accepted one wins. Rows without id are passed."""
    found: dict[str, Listed] = {}
    for row in rows:
        name = row["image_id"]
        if not name or row["captured_at"] is None or (name in found and found[name].accepted):
            continue
        found[name] = Listed(
            key=row["key"],
            sha256=row["sha256"] or "",
            camera=row["camera"] or UNKNOWN,
            captured_at=row["captured_at"],
            accepted=row["verdict"] == "accepted" and bool(row["sha256"]),
            chance=row.get("sampling_probability") or 1.0,
        )
    return found


def labelled(
    labels: Iterable[Mapping[str, Any]], listed: Mapping[str, Listed], minutes: int
) -> tuple[list[Labelled], Counter[str]]:
    """Every label that can be used, and how many cannot for which reason.

    `sha256` is empty where no catalog knows the image and only the label names its key: the bytes must be looked at.
    The camera is the one that the images came from, whatever a label calls it: faults are known by that name.
    Not used: quarantined images, images nobody can find, a capture time nobody knows, a classify label that does
    not name exactly one class, and a verdict that says "this is wrong" without saying what is right.
    """
    keyed = {each.key: each for each in listed.values()}
    usable: list[Labelled] = []
    counts: Counter[str] = Counter()
    for label in labels:
        known = listed.get(label["image_id"]) or keyed.get(label["key"] or "") or _from_label(label)
        reason = _unusable(label, known)
        if reason or known is None:
            counts[reason] += 1
            continue
        camera = known.camera if known.camera != UNKNOWN else label["camera"] or UNKNOWN
        usable.append(
            Labelled(
                image_id=label["image_id"],
                key=known.key,
                sha256=known.sha256,
                camera=camera,
                session=session_name(camera, known.captured_at, label["session"], minutes),
                captured_at=known.captured_at,
                labelled_at=label["labelled_at"],
                golden=bool(label["golden"]),
                objects=tuple(label["objects"]),
                chance=known.chance,
            )
        )
    return usable, counts


def _unusable(label: Mapping[str, Any], known: Listed | None) -> str:
    if known is None:
        return "unknown_image"
    if not known.accepted:
        return "quarantined"
    if label["kind"] == Kind.CLASSIFY and len(label["objects"]) != 1:
        return "not_one_class"
    return "no_correction" if label["verdict"] in _CORRECTIONS and not label["objects"] else ""


def _from_label(label: Mapping[str, Any]) -> Listed | None:
    """The image as label and object key tell of it, for images that no judged window listed."""
    key = label["key"]
    if not key:
        return None
    parts = _KEY.search(key)
    captured = label["captured_at"]
    if captured is None and parts:
        try:
            captured = datetime(int(parts["y"]), int(parts["m"]), int(parts["d"]), int(parts["h"]), tzinfo=UTC)
        except ValueError:
            return None
    if captured is None:
        return None
    camera = parts["camera"] if parts else label["camera"] or UNKNOWN
    return Listed(key=key, sha256="", camera=camera, captured_at=captured, accepted=True)


def told(tables: TableStore, catalog: TableRef, answers: str, wanted: pa.Array) -> Sequence[Mapping[str, Any]]:
    """What a catalog says of these images; before it had `drawn` it did not know what capture kept: the answers do.

    `answers` is the note of the window's predictions, empty for none.
    """
    rows: list[dict[str, Any]] = tables.about(catalog, wanted, _CATALOG).to_pylist()
    older = [row["image_id"] for row in rows if row[DRAWN] is None and row["verdict"] == "accepted"]
    if not older or not answers.startswith("{"):
        return rows
    try:
        known = tables.about(table_of(answers), pa.array(older, pa.string()), ["image_id", CHANCE]).to_pylist()
    except NotFound:  # somebody tidied up
        return rows
    chances = {row["image_id"]: row[CHANCE] for row in known}
    return [{**row, CHANCE: chances.get(row["image_id"]) or row[CHANCE]} for row in rows]
