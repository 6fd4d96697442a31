"""Opens the tables of a window and its reference for the camera stage."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import PinnedReference
from tasks.camera.clock import Floats, judge_clocks
from tasks.camera.delivery import judge_delivery, usual
from tasks.camera.frames import MEASURED, by_camera, has_maps
from tasks.camera.pictures import CHECK, judge_pictures
from tasks.camera.rules import CameraRules
from tasks.connections import tables
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.snapshot import Snapshot, TableRef


@task(cache_policy=NO_CACHE)
def check_cameras(
    snapshot: Snapshot, profiled: TableRef | None, reference: PinnedReference | None, rules: CameraRules
) -> Report:
    """What is the matter with each camera, by name; inconclusive without a champion or a reference.

    A reference from before pictures were measured by place says how often images came, and nothing of how they look.
    """
    if profiled is None or reference is None:
        return Report(
            stage=Stage.CAMERA, findings=(_open("no reference is pinned that cameras could be held against"),)
        )
    before, catalog = tables().read(reference.table), tables().read(snapshot.catalog)
    predictions = tables().read(snapshot.predictions, ["image_id", "sampling_probability"])
    expected = usual(before["captured_at"].to_pylist(), before["camera"].to_pylist(), snapshot.claim.window)
    found = judge_delivery(expected, counted(catalog, predictions), rules) + judge_clocks(delays(catalog), rules)
    if not has_maps(before):
        note = "the reference was pinned by an older version, before pictures were measured by place: pin it again"
        return Report(stage=Stage.CAMERA, findings=(*found, _open(note)))
    after = tables().read(profiled, list(MEASURED))
    looks = judge_pictures(by_camera(before), by_camera(after), rules)
    return Report(stage=Stage.CAMERA, findings=(*looks, *found))


def counted(catalog: pa.Table, predictions: pa.Table) -> dict[str, float]:
    """Images that each camera sent in the window, estimated: each counts for as many as it stands for (1 / chance).

    The chance is that of the answer, which knows how images were kept and drawn, else that of being drawn alone.
    """
    answered = zip(predictions["image_id"].to_pylist(), predictions["sampling_probability"].to_pylist(), strict=True)
    known = {image_id: chance for image_id, chance in answered if chance}
    counts: defaultdict[str, float] = defaultdict(float)
    wanted = [name for name in ("camera", "image_id", "sampling_probability") if name in catalog.column_names]
    for row in catalog.select(wanted).filter(pc.is_valid(catalog["camera"])).to_pylist():
        counts[row["camera"]] += 1 / (known.get(row["image_id"]) or row.get("sampling_probability") or 1.0)
    return dict(counts)


def delays(catalog: pa.Table) -> dict[str, Floats]:
    """Minutes from capture to landing of each camera's accepted images; none in catalogs that do not tell it."""
    if "landed" not in catalog.column_names:
        return {}
    rows = catalog.filter(pc.equal(catalog["verdict"], "accepted")).select(["camera", "captured_at", "landed"])
    found: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows.drop_null().to_pylist():
        found[row["camera"]].append((row["landed"] - row["captured_at"]).total_seconds() / 60)
    return {camera: np.asarray(minutes, dtype=np.float64) for camera, minutes in found.items()}


def _open(note: str) -> Finding:
    return Finding(check=CHECK, subject="images", outcome=Outcome.INCONCLUSIVE, note=note)
