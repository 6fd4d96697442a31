"""Opens the tables of a window and of its reference, and asks them what does not belong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import PinnedReference
from tasks.connections import ledger, tables
from tasks.domain import few
from tasks.domain.confirmation import confirmed, part_of_month
from tasks.domain.finding import Finding, Report, Stage
from tasks.domain.snapshot import STRANGE, WHERE, Claim, Snapshot, TableRef, table_note
from tasks.domain.tables import PLACES
from tasks.outliers import atlas, views
from tasks.outliers.evidence import Counts, chain
from tasks.outliers.familiar import Limit, familiar, strangeness
from tasks.outliers.moved import place_findings
from tasks.outliers.places import Places, places
from tasks.outliers.rates import COUNT, at_fault, count_findings, counted, counts_of, rate_findings, silent
from tasks.outliers.rules import OutlierRules
from tasks.outliers.seen import Seen, points, seen_json, seen_of

HISTORY = 500
"""Earlier windows whose counts are added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """What was found, and the tables (name -> note) that pictures of it are made from."""

    report: Report
    artifacts: Mapping[str, str] = field(default_factory=dict)


@task(cache_policy=NO_CACHE)
def check_outliers(
    snapshot: Snapshot,
    profiled: TableRef | None,
    reference: PinnedReference | None,
    rules: OutlierRules,
    asked: bool = False,
) -> Outliers:
    """Whether strange images became too many and objects moved; inconclusive without a champion or a reference.

    A window that a person `asked` about is one question; one of a schedule is one of hundreds a month.
    """
    if profiled is None or reference is None:
        missing = "champion" if profiled is None else "reference"
        return Outliers(report=_report([silent(f"there is no {missing} to tell the strange from the usual")]))
    claim, month = snapshot.claim, 1.0 if asked else part_of_month(snapshot.claim.window)
    digests = (snapshot.predictions.digest, profiled.digest, reference.table.digest)
    work = partial(_seen, snapshot, profiled, reference, rules, month)
    about = (*digests, str(reference.id), rules.model_dump_json(), repr(month))
    kept = tables().recall(claim, "outliers", about, work, points)
    seen = seen_of(kept)
    elsewhere = confirmed(seen.elsewhere, lambda each: ledger().findings.before(claim.model, claim.window, each))
    found = [*_rates(claim, reference, seen, rules), *elsewhere]
    return Outliers(
        report=_report([*few.told(found, profiled.rows, snapshot.accepted)]),
        artifacts={name: table_note(ref) for name, ref in seen.drawn.items()},
    )


def _seen(
    snapshot: Snapshot, profiled: TableRef, reference: PinnedReference, rules: OutlierRules, month: float
) -> dict[str, Any]:
    """What this window shows, whatever was in those before; the tables that its page is drawn from are written."""
    before = views.scenes(tables().read(reference.table))
    images = tables().read(profiled)
    names = images["image_id"].combine_chunks()
    answers = tables().about(snapshot.predictions, names, ("image_id", "error", *views.ANSWERS))
    after = views.scenes(views.answered(images, answers))
    limits, counts, shown = _strange(before, after, rules)
    version = views.version_of(before)
    was, now = (places(views.of_version(side, version), rules.confidence) for side in (before, after))
    folder = f"{snapshot.claim.model}/evergreen/outliers/{snapshot.claim.window.start:%Y%m%dT%H%M%SZ}"
    name = f"{profiled.digest[:12]}-{snapshot.predictions.digest[:12]}-{reference.id}"
    drawn = {
        STRANGE: tables().write(shown, "strange", f"{folder}/strange-{name}.parquet"),
        WHERE: tables().write(_maps(was, now), "places", f"{folder}/places-{name}.parquet"),
    }
    elsewhere = place_findings(was, now, rules, month=month)
    return seen_json(Seen(limits=limits, counts=counts, elsewhere=elsewhere, drawn=drawn))


def _report(findings: list[Finding]) -> Report:
    return Report(stage=Stage.DRIFT, findings=tuple(findings))


def _strange(before: pa.Table, after: pa.Table, rules: OutlierRules) -> tuple[Mapping[str, Limit], Counts, pa.Table]:
    """The limit of every camera, what lies beyond it, and the rows of both sides that the page shows."""
    vectors = views.embeddings(before)
    current = views.embeddings(after, vectors.shape[1])
    names = views.cameras(after)
    known = familiar(vectors, views.cameras(before), rules.min_camera_scenes)
    ratios = strangeness(known, current, names)
    old, new = atlas.projected(vectors, current)
    shown = pa.concat_tables(
        [
            atlas.written("reference", before, atlas.reference_rows(old), old, None),
            atlas.written("window", after, atlas.kept(ratios), new, ratios),
        ]
    )
    return known.limits, counted(ratios, names, known.limits), shown


def _rates(claim: Claim, reference: PinnedReference, seen: Seen, rules: OutlierRules) -> list[Finding]:
    if not seen.limits:
        least = rules.min_camera_scenes
        return [silent(f"no camera has {least} distinct scenes with an embedding in the reference")]
    if not seen.counts:
        return [silent("no image of the window has an embedding to compare, from a camera that the reference knows")]
    history = ledger().findings.against(claim.model, reference.id, COUNT, claim.window, HISTORY)
    before = chain([(row.window, counts_of(row.findings, at_fault(row.verdict))) for row in history], claim.window)
    span = claim.window.end - (before[0][0] if before else claim.window).start
    found = rate_findings([*(counts for _, counts in before), seen.counts], span, seen.limits, rules)
    return [*count_findings(seen.counts, seen.limits), *found]


def _maps(before: Mapping[str, Places], after: Mapping[str, Places]) -> pa.Table:
    rows = [
        {"camera": camera, "side": side, "images": found.images, "grid": np.round(found.heat(), 5).tolist()}
        for side, cameras in (("reference", before), ("window", after))
        for camera, found in cameras.items()
    ]
    return pa.Table.from_pylist(rows, schema=PLACES)
