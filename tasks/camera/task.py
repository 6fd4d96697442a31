"""Opens the tables of a window and its reference for the camera stage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import PinnedReference
from tasks.adapters.tables import MANY
from tasks.camera.clock import SHARE, Arrivals, Floats, judge_clocks
from tasks.camera.delivery import judge_delivery, usual
from tasks.camera.frames import COLOURS, MEASURED, by_camera, has_maps
from tasks.camera.pictures import CHECK, judge_pictures
from tasks.camera.rules import CameraRules
from tasks.camera.silence import silences
from tasks.camera.standstill import rests
from tasks.connections import tables
from tasks.domain import few
from tasks.domain.contract_reasons import Reason
from tasks.domain.few import numbers
from tasks.domain.finding import Finding, Outcome, Report, Stage, finding_from_json, finding_json
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.domain.tables_catalog import CHANCE


@task(cache_policy=NO_CACHE)
def check_cameras(
    snapshot: Snapshot, profiled: TableRef | None, reference: PinnedReference | None, rules: CameraRules
) -> Report:
    """What is the matter with each camera, by name; inconclusive without a champion or a reference.

    A reference from before pictures were measured by place says how often images came, and nothing of how they look.
    Clocks need none.
    """
    if profiled is None or reference is None:
        note = "no reference is pinned that cameras could be held against"
        return Report(stage=Stage.CAMERA, findings=(_open(note), *_clocks(snapshot, rules)))
    about = (snapshot.catalog.digest, snapshot.predictions.digest, profiled.digest, reference.table.digest)
    work = partial(_checked, snapshot, profiled, reference.table, rules)
    kept = tables().recall(snapshot.claim, "camera", (*about, rules.model_dump_json()), work)
    return Report(stage=Stage.CAMERA, findings=tuple(map(finding_from_json, kept["findings"])))


def _checked(snapshot: Snapshot, profiled: TableRef, reference: TableRef, rules: CameraRules) -> dict[str, Any]:
    """The findings as JSON: nothing but these tables and rules has a say in them."""
    before = tables().read(reference)
    sent = counted(
        _images(tables().batches(snapshot.catalog, ("camera", "image_id", CHANCE, "reason"), MANY)),
        tables().batches(snapshot.predictions, ("image_id", CHANCE), MANY),
    )
    window = snapshot.claim.window
    taken = moments(_images(tables().batches(snapshot.catalog, ("camera", "captured_at", "reason"), MANY)))
    known = (before["captured_at"].to_pylist(), before["camera"].to_pylist(), window)
    silent = silences(moments(before.select(["camera", "captured_at"]).to_batches()), taken, window)
    clocks = _clocks(snapshot, rules)
    found = (*in_sound_time(judge_delivery(usual(*known), sent, rules, silent, rests(*known)), clocks), *clocks)
    if has_maps(before):
        after = tables().read(profiled, [*MEASURED, COLOURS])
        looks = judge_pictures(by_camera(before), by_camera(after), rules)
        found = (*few.told(looks, profiled.rows, snapshot.accepted), *found)
    else:
        note = "the reference was pinned by an older version, before pictures were measured by place: pin it again"
        found = (*found, _open(note))
    return {"findings": [finding_json(each) for each in found]}


def _clocks(snapshot: Snapshot, rules: CameraRules) -> tuple[Finding, ...]:
    catalog = tables().batches(snapshot.catalog, ("camera", "verdict", "reason", "claimed", "landed"), MANY)
    return judge_clocks(arrivals(catalog, tables().batches(snapshot.predictions, ("camera",), MANY)), rules)


def in_sound_time(delivery: Sequence[Finding], clocks: Sequence[Finding]) -> tuple[Finding, ...]:
    """Without breaches of cameras whose clock is wrong: it put their images into the folders of other hours."""
    wrong = {each.camera for each in clocks if each.outcome is Outcome.BREACH}
    return tuple(each for each in delivery if each.outcome is not Outcome.BREACH or each.camera not in wrong)


def _images(catalog: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Without records that were refused for their time: where they speak of an image it has a row of its own."""
    for piece in catalog:
        yield piece.filter(pc.not_equal(piece["reason"], Reason.BAD_TIME.value))


def counted(catalog: Iterable[pa.RecordBatch], predictions: Iterable[pa.RecordBatch]) -> dict[str, float]:
    """Images that each camera sent in the window, estimated: each counts for as many as it stands for (1 / chance).

    The chance is that of the answer, which knows how images were kept and drawn, else that of the catalog: of older
    windows it is that of being drawn alone.
    """
    ids, chances = _known(predictions)
    counts: defaultdict[str, float] = defaultdict(float)
    for piece in catalog:
        rows = piece.filter(pc.is_valid(piece["camera"]))
        own = [chance or 1.0 for chance in rows[CHANCE].to_pylist()]
        if len(ids):
            names = numbers(name or "" for name in rows["image_id"].to_pylist())
            place = np.minimum(np.searchsorted(ids, names), len(ids) - 1)
            own = np.where(ids[place] == names, chances[place], own).tolist()
        for camera, chance in zip(rows["camera"].to_pylist(), own, strict=True):
            counts[camera] += 1 / chance
    return dict(counts)


def _known(predictions: Iterable[pa.RecordBatch]) -> tuple[NDArray[np.uint64], Floats]:
    """Answers that know their chance: 64 bits of each image id, in order, and the chance. 16 bytes an image."""
    ids, chances = [np.zeros(0, np.uint64)], [np.zeros(0)]
    for piece in predictions:
        some = piece.filter(pc.fill_null(pc.greater(piece[CHANCE], 0), False))
        ids.append(numbers(some["image_id"].to_pylist()))
        chances.append(some[CHANCE].to_numpy())
    names, first = np.unique(np.concatenate(ids), return_index=True)
    return names, np.concatenate(chances)[first]


def arrivals(catalog: Iterable[pa.RecordBatch], answered: Iterable[pa.RecordBatch]) -> dict[str, Arrivals]:
    """Claimed captures and delays of each camera's accepted images; none in catalogs that tell no claims.

    Only what a record claims counts, also one that was refused for it: a moment that was guessed from a folder's name
    says nothing of a clock. Of records without an image (their files land in batches) only those refused from the
    future count, where they are as many as `SHARE` of all that are `answered` by that camera.
    """
    found: defaultdict[str, list[Arrivals]] = defaultdict(list)
    early: defaultdict[str, list[Arrivals]] = defaultdict(list)
    for piece in catalog:
        accepted = pc.equal(piece["verdict"], "accepted")
        lone = pc.and_(pc.equal(piece["reason"], Reason.BAD_TIME.value), pc.greater(piece["claimed"], piece["landed"]))
        for into, which in ((found, accepted), (early, lone)):
            rows = piece.filter(which).drop_null()
            claimed, landed = (_seconds(rows[name]) / 60 for name in ("claimed", "landed"))
            for camera, places in _rows(rows["camera"]):
                into[camera].append(Arrivals(captured=claimed[places], delay=(landed - claimed)[places]))
    sound = Counter(name for piece in answered for name in piece["camera"].to_pylist())
    for camera, each in early.items():
        refused = sum(map(len, each))
        found[camera] += each if refused >= SHARE * (refused + sound[camera]) else []
    return {camera: _together(found[camera]) for camera in sorted(found) if found[camera]}


def _together(pieces: Sequence[Arrivals]) -> Arrivals:
    return Arrivals(
        captured=np.concatenate([each.captured for each in pieces]),
        delay=np.concatenate([each.delay for each in pieces]),
    )


def moments(tables: Iterable[pa.RecordBatch]) -> dict[str, Floats]:
    """When each camera's images were taken, in seconds since 1970 (UTC), whether they were accepted or not."""
    found: defaultdict[str, list[Floats]] = defaultdict(list)
    for piece in tables:
        rows = piece.drop_null()
        seconds = _seconds(rows["captured_at"])
        for camera, places in _rows(rows["camera"]):
            found[camera].append(seconds[places])
    return {camera: np.concatenate(found[camera]) for camera in sorted(found)}


def _seconds(column: pa.Array) -> Floats:
    return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False) / 1e6, dtype=np.float64)


def _rows(cameras: pa.Array) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Each camera with its places among the rows."""
    names = cameras.dictionary_encode()
    order = np.argsort(names.indices.to_numpy(), kind="stable")
    ends = np.cumsum(np.bincount(names.indices.to_numpy(), minlength=len(names.dictionary)))
    return zip(names.dictionary.to_pylist(), np.split(order, ends[:-1]), strict=False)


def _open(note: str) -> Finding:
    return Finding(check=CHECK, subject="images", outcome=Outcome.INCONCLUSIVE, note=note)
