"""Build the golden, recent and training sets from the newest labels, and write them down as manifests."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import WindowRecord
from tasks.adapters.manifests import learnt_by
from tasks.connections import ledger, store, tables
from tasks.curate import accounts, freezing
from tasks.curate.golden import FIRST_USE, Changes, Frozen, Lost, beyond, changes, finding, left_out, members, refusal
from tasks.curate.manifest import digest_of, manifest
from tasks.curate.near import duplicated, thumbnails
from tasks.curate.present import hashed, lost, present
from tasks.curate.rules import CurateRules
from tasks.curate.sources import Listed, index, labelled, told
from tasks.curate.split import (
    Labelled,
    Row,
    golden_rows,
    held_out,
    held_out_rows,
    settled,
    trainable,
    training_rows,
    unlearnt,
)
from tasks.domain.blocked import Blocked, blocked
from tasks.domain.finding import Finding
from tasks.domain.signed import require_signed
from tasks.domain.snapshot import TableRef
from tasks.domain.through_time import through_time

log = logging.getLogger(__name__)

HISTORY = 1_000
"""Newest windows whose catalogs are searched for labelled images."""

HELD_OUT = 400
"""Images of all times that `held_out_dataset` gives: each is fetched."""


@task(cache_policy=NO_CACHE)
def recent_dataset(model: str, labels: TableRef, rules: CurateRules) -> TableRef:
    """Held-out labelled images of the newest windows that no version learnt: performance is measured on them."""
    return _written(model, "recent", [row for row in _held_out(model, labels, rules) if row.source == "recent"])


@task(cache_policy=NO_CACHE)
def held_out_dataset(model: str, labels: TableRef, rules: CurateRules) -> TableRef:
    """Held-out labelled images of all times that no version learnt, at most `HELD_OUT`. May be empty."""
    known = _held_out(model, labels, rules)
    few = through_time(known, HELD_OUT, lambda row: row.image.captured_at, lambda row: row.image.sha256)
    return _written(model, "held_out", few)


@task(cache_policy=NO_CACHE)
def golden_dataset(model: str, labels: TableRef, rules: CurateRules) -> TableRef:
    """The golden images as they were frozen: what must not be forgotten. Frozen at their first use; may be empty.

    A manifest that is not what was frozen gives an empty set, and an image that is not is left out: `check_golden`
    says so.
    """
    frozen = freezing.current(ledger(), model)
    if frozen is None:
        marked = present_golden(model, labels, rules)
        frozen = freezing.freeze(ledger(), tables(), model, _rows(marked), ("evaluate", FIRST_USE))
        if frozen is None:
            return marked
    rows, broken = freezing.verified(tables(), frozen)
    if broken:
        log.error("golden set of %s: %s", model, broken)
        return _written(model, "golden", [])
    missing = _missing(model, rows)
    return freezing.without(tables(), model, rows, missing) if missing.names else frozen.table


@task(cache_policy=NO_CACHE)
def check_golden(model: str, labels: TableRef, rules: CurateRules) -> tuple[Finding, ...]:
    """Whether the golden labels of now are those that were frozen, and manifest and images what was written down.

    What is marked golden and was learnt by a version is no test: it is left out, and named.
    """
    frozen = freezing.current(ledger(), model)
    rows, broken = freezing.verified(tables(), frozen) if frozen else ([], "")
    marked, present_now = _marked(model, labels, rules)
    missing = Lost() if broken else _missing(model, rows)
    kept, now = (missing.others(members(each)) for each in (rows, _rows(present_now)))
    held = finding(model, frozen, broken, changes(kept, now) if frozen and not broken else Changes(), missing)
    return (held, *left_out([name for name in marked if name not in missing.names], now))


@task(cache_policy=NO_CACHE)
def check_manifest(model: str, dataset: TableRef, rules: CurateRules) -> str:
    """Why a training manifest must not be trained on: a golden image, a copy, or the same scene; empty when it may."""
    frozen = freezing.current(ledger(), model)
    if frozen is None:
        return ""
    golden, broken = freezing.verified(tables(), frozen)
    if broken:
        return f"golden set version {frozen.version} {broken}: nobody can tell what must not be trained on"
    rows = _rows(dataset)
    here, paths = present([freezing.image(row) for row in rows])
    _, tested = present([freezing.image(row) for row in golden])
    twice = duplicated(thumbnails(paths), thumbnails(tested), rules.near_duplicate_levels)
    near = [image.image_id for image, same in zip(here, twice, strict=True) if same]
    return refusal(rows, members(golden), near)


@task(cache_policy=NO_CACHE)
def account_labels(model: str, labels: TableRef, rules: CurateRules) -> tuple[Finding, ...]:
    """What became of every label: used, partial, superseded, refused or unused, each counted with its reason."""
    told = accounts.read(store(), labels)
    known, unused = _joined(model, labels, rules)
    return accounts.findings(told, len(known), unused)


def present_golden(model: str, labels: TableRef, rules: CurateRules) -> TableRef:
    """The images that people mark golden now and no version learnt, as a manifest; nothing is frozen by asking."""
    return _marked(model, labels, rules)[1]


def accept_golden(model: str, labels: TableRef, rules: CurateRules, by: str, reason: str) -> Frozen | None:
    """Freeze what is marked golden now as the next version; None when no image is.

    Raises:
        ConfigError: nobody, or no reason, is named.
    """
    require_signed("a golden set", by, reason)
    marked = _rows(present_golden(model, labels, rules))
    return freezing.freeze(ledger(), tables(), model, marked, (by, reason)) if marked else None


@task(cache_policy=NO_CACHE)
def training_dataset(model: str, labels: TableRef, rules: CurateRules) -> TableRef:
    """Earlier labelled images replayed beside new ones; nothing that is or looks like what is tested on.

    What was left out is counted by reason in a `curated` decision of the ledger.
    """
    known, faults, since = _gathered(model, labels, rules)
    usable, counts = trainable(known, faults, rules)
    usable, counts["near_duplicate"] = _without_near(usable, known, rules)
    rows = training_rows(usable, since, rules)
    ref = _written(model, "training", rows)
    sources = {name: sum(row.source == name for row in rows) for name in ("replay", "recent")}
    log.info("training manifest of %s: %s; left out: %s", model, sources, counts)
    if not any(d.kind == "curated" and d.subject == ref.digest for d in ledger().decisions.list(model, 200)):
        ledger().decisions.append(model, "curated", ref.digest, "curate", {**sources, "left_out": counts})
    return ref


def _missing(model: str, rows: Sequence[Mapping[str, Any]]) -> Lost:
    """What of a frozen set the champion cannot be measured on; what is lost is not named twice."""
    missing, champion = lost(rows), ledger().promotions.champion(model)
    rest = [row for row in rows if row["image_id"] not in missing.names]
    return replace(missing, beyond=beyond(rest, champion)) if champion else missing


def _held_out(model: str, labels: TableRef, rules: CurateRules) -> list[Row]:
    known, faults, since = _gathered(model, labels, rules)
    return held_out_rows(_unlearnt(model, known), since, faults, rules)


def _marked(model: str, labels: TableRef, rules: CurateRules) -> tuple[list[str], TableRef]:
    """Ids of all images that are marked golden, and the manifest of those that are there and were never learnt."""
    known, _, _ = _gathered(model, labels, rules, freeze=False)
    marked = [row.image.image_id for row in golden_rows(known)]
    return marked, _written(model, "golden", golden_rows(_unlearnt(model, known)))


def _unlearnt(model: str, known: Sequence[Labelled]) -> list[Labelled]:
    """What no version of the model was fitted to, whatever the rules were then."""
    learnt = learnt_by(tables(), [record.card for record in ledger().versions.list(model)])
    return unlearnt(known, {each.image_id for each in learnt}, {each.sha256 for each in learnt})


def _gathered(
    model: str, labels: TableRef, rules: CurateRules, freeze: bool = True
) -> tuple[list[Labelled], list[Blocked], datetime]:
    """Labelled images with their bytes' hashes, broken cameras, and the moment from which on images are recent.

    With `freeze` an image of the frozen golden set is golden whatever its newest label says.
    """
    windows = _windows(model)
    known, unused = _joined(model, labels, rules)
    known, gone = hashed(known)
    if unused or gone:
        log.warning("labels of %s that cannot be used: %s", model, {**unused, "image_gone": gone})
    seen, known = len(known), settled(known, max((record.window.end for record in windows), default=None))
    if len(known) < seen:
        log.info("%d labelled images of %s wait until their time is judged", seen - len(known), model)
    known = freezing.kept_golden(known, *freezing.protected(ledger(), tables(), model)) if freeze else known
    faults = blocked((record.window, record.verdict) for record in windows)
    newest = windows[: rules.recent_windows]
    since = min((record.window.start for record in newest), default=datetime.max.replace(tzinfo=UTC))
    return known, faults, since


def _windows(model: str) -> list[WindowRecord]:
    return [record for record in ledger().windows.latest(model, HISTORY) if record.facts is not None]


def _joined(model: str, labels: TableRef, rules: CurateRules) -> tuple[list[Labelled], Counter[str]]:
    facts = [record.facts for record in _windows(model) if record.facts is not None]
    windows = tuple((each.catalog, each.artifacts.get("predictions", "")) for each in facts if each.catalog)
    return labelled(tables().read(labels).to_pylist(), _listed(labels, windows), rules.session_minutes)


@lru_cache(maxsize=1)
def _listed(labels: TableRef, windows: tuple[tuple[TableRef, str], ...]) -> Mapping[str, Listed]:
    """What catalogs know of the labelled images. Kept, for one evaluation asks five times about the same contents."""
    wanted = tables().read(labels)["image_id"].combine_chunks().unique()
    return index(row for catalog, answers in windows for row in told(tables(), catalog, answers, wanted))


def _rows(ref: TableRef) -> list[Mapping[str, Any]]:
    return list(tables().read(ref).to_pylist())


def _without_near(
    usable: Sequence[Labelled], known: Sequence[Labelled], rules: CurateRules
) -> tuple[list[Labelled], int]:
    """Training images that show another scene than every tested one, and how many did not."""
    here, paths = present(usable)
    tested = [image for image in known if image.golden or held_out(image.session, rules)]
    if rules.near_duplicate_levels == 0 or not tested or not here:
        return here, 0
    same = duplicated(thumbnails(paths), thumbnails(present(tested)[1]), rules.near_duplicate_levels)
    return [image for image, twice in zip(here, same, strict=True) if not twice], int(same.sum())


def _written(model: str, name: str, rows: Sequence[Row]) -> TableRef:
    """The manifest in the bucket, of images that are still there; the same rows give the same object."""
    here = {image.image_id for image in present([row.image for row in rows])[0]}
    table = manifest(row for row in rows if row.image.image_id in here)
    return tables().write(table, "datasets", f"{model}/evergreen/datasets/{name}-{digest_of(table)[:32]}.parquet")
