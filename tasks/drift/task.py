"""Opens bucket, model and ledger for the drift stage: profiles, findings, causes, page and pinned references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters import drift_report
from tasks.adapters.ledger.records import PinnedReference
from tasks.adapters.manifests import local_paths
from tasks.adapters.yolo import Yolo, read_image
from tasks.connections import images, ledger, measures, store, tables, weights
from tasks.domain import few
from tasks.domain.confirmation import confirmed, part_of_month
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.finding import Report, Stage, finding_from_json, finding_json
from tasks.domain.model import Kind, ModelRef
from tasks.domain.signed import require_signed
from tasks.domain.snapshot import PROFILER_VERSION, Claim, Snapshot, TableRef
from tasks.domain.verdict import Cause
from tasks.domain.window import Window
from tasks.drift import pinning, profiles
from tasks.drift.cause import causes_of
from tasks.drift.compare import compare
from tasks.drift.gathering import gathered
from tasks.drift.kept import Kept
from tasks.drift.measuring import Profiler
from tasks.drift.onset import HISTORY, Key, key, onset
from tasks.drift.page import columns
from tasks.drift.pair import Pair, forget, samples, whole
from tasks.drift.rules import DriftRules
from tasks.drift.silence import silent, unanswered
from tasks.settings import settings

SCORED = (Kind.DETECT, Kind.CLASSIFY)


@task(cache_policy=NO_CACHE)
def profile(snapshot: Snapshot, champion: ModelRef, rules: DriftRules) -> TableRef:
    """The profiles of a window's accepted images; what was measured before is never measured again.

    Of more than `few.MOST` images all are measured and kept; what comes back is the fixed sample that is compared.
    """
    return _profiler(champion, rules).window(snapshot.catalog, snapshot.claim.window)


@task(cache_policy=NO_CACHE)
def check_drift(
    snapshot: Snapshot,
    profiled: TableRef | None,
    reference: PinnedReference | None,
    rules: DriftRules,
    asked: bool = False,
) -> Report:
    """What changed against the pinned reference; inconclusive without a champion, a reference or images.

    A window that a person `asked` about is one question; one of a schedule is one of hundreds a month.
    """
    if profiled is None:
        return silent("champion", "the model has no champion: nothing sees the images")
    if reference is None or reference.outdated:
        why = "another profiler measured the one that is pinned" if reference else "none is pinned for this champion"
        return silent("reference", f"no reference: {why}; name healthy windows with `evergreen pin-reference`")
    claim, month = snapshot.claim, 1.0 if asked else part_of_month(snapshot.claim.window)
    pair = _pair(snapshot, profiled, reference, rules)
    kept = tables().recall(claim, "drift", (*pair.about, repr(month)), partial(_compared, pair, month))
    made = map(finding_from_json, kept["findings"])
    found = confirmed(made, lambda each: ledger().findings.before(claim.model, claim.window, each))
    return Report(stage=Stage.DRIFT, findings=few.told(found, profiled.rows, snapshot.accepted))


@task(cache_policy=NO_CACHE)
def find_causes(
    claim: Claim, reports: Sequence[Report], rules: DriftRules, dated: Mapping[Key, datetime] | None = None
) -> tuple[Cause, ...]:
    """Ranked causes of the breaches, each with the start of its unbroken run of breaches.

    `dated` holds beginnings that are known better than that: of changes that were added up over many windows.
    """
    history = ledger().findings.history
    onsets = {
        key(f): onset(claim.window, f, history(claim.model, f.check, f.subject, f.slice, claim.window, HISTORY))
        for report in reports
        for f in report.breaches()
    }
    seen = [replace(report, stage=Stage.DRIFT) if report.stage is Stage.WATCH else report for report in reports]
    return causes_of(seen, onsets | dict(dated or {}))


@task(cache_policy=NO_CACHE)
def drift_page(
    snapshot: Snapshot, profiled: TableRef | None, reference: PinnedReference | None, rules: DriftRules
) -> str:
    """The URI of the page with the distributions of window and reference; empty when there is nothing to draw."""
    if profiled is None or reference is None or reference.outdated:
        return ""
    pair = _pair(snapshot, profiled, reference, rules)
    kept = tables().recall(snapshot.claim, "drift-page", pair.about, partial(_drawn, pair), itemgetter("pages"))
    forget()
    return str(kept["pages"][0]) if kept["pages"] else ""


@task(cache_policy=NO_CACHE)
def pin_reference(
    model: str, windows: Sequence[Window], actor: str, reason: str, rules: DriftRules | None = None
) -> PinnedReference:
    """Measure the champion against these windows from now on; cameras that were at fault in them are left out.

    Answers of another version are replaced by the champion's own, so that a promotion is not taken for drift.

    Raises:
        ConfigError: nobody, or no reason, is named.
        NotFound: the model has no champion, a window was never judged, or no image is left.
    """
    require_signed("a reference", actor, reason)
    used, champion = rules or DriftRules(), _champion(model)
    if not windows:
        raise NotFound("no window was named: a reference needs at least one healthy window")
    return _pinned(gathered(ledger(), _profiler(champion, used), windows, used), champion, actor, reason, used)


@task(cache_policy=NO_CACHE)
def repin_reference(
    reference: PinnedReference, actor: str, reason: str, rules: DriftRules | None = None
) -> PinnedReference:
    """The same images as a reference for the present champion: seen and answered by it."""
    used, champion = rules or DriftRules(), _champion(reference.model)
    table = pinning.thinned(tables().read(reference.table), used.reference_scenes)
    fresh = _profiler(champion, used).again(table.select(list(profiles.IDENTITY)))
    return _pinned(pinning.beside(fresh, table), champion, actor, reason, used)


def _champion(model: str) -> ModelRef:
    champion = ledger().promotions.champion(model)
    if champion is None:
        raise NotFound(f"model {model!r} has no champion: promote a version first")
    return champion


def _pair(snapshot: Snapshot, profiled: TableRef, reference: PinnedReference, rules: DriftRules) -> Pair:
    classes = ledger().versions.get(reference.model, reference.champion_sha256).ref.classes
    return Pair(
        tables=tables(), snapshot=snapshot, profiled=profiled, reference=reference, classes=classes, rules=rules
    )


def _compared(pair: Pair, month: float) -> dict[str, Any]:
    """The findings as JSON, before windows of the past have their say."""
    before, after = samples(pair)
    found = (*compare(before, after, pair.rules, month, partial(whole, pair)), *unanswered(before, after))
    return {"findings": [finding_json(each) for each in found]}


def _drawn(pair: Pair) -> dict[str, Any]:
    """The address of a page that was drawn just now, empty where there is nothing to draw."""
    (before, after), claim = samples(pair), pair.snapshot.claim
    try:
        page = drift_report.draw(columns(before), columns(after), f"{claim.model} {claim.window}")
    except ContractError:  # an empty window, or one where nothing varies: there is no page to show
        return {"pages": []}
    store().put(pair.page_name, page.html, "text/html; charset=utf-8")
    return {"pages": [store().uri(pair.page_name)]}


def _profiler(champion: ModelRef, rules: DriftRules) -> Profiler:
    return Profiler(
        store=store(),
        tables=tables(),
        images=images(),
        kept=Kept(measures()),
        champion=champion,
        batch=rules.embed_batch,
        model=partial(_model, champion),
    )


def _model(champion: ModelRef) -> Yolo:
    return Yolo.load(weights(champion), champion.sha256, champion.kind, settings().device, champion.classes)


def _pinned(table: pa.Table, champion: ModelRef, actor: str, reason: str, rules: DriftRules) -> PinnedReference:
    table = table.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])
    chosen = _answered(table, champion, rules)
    if not chosen.num_rows:
        raise NotFound("the named windows hold no image of a sound camera")
    content = profiles.content_name([chosen.select(["sha256"])])
    name = f"{champion.name}/evergreen/references/{PROFILER_VERSION}-{champion.sha256[:12]}-{content}"
    ref = tables().write(chosen, "references", f"{name}.parquet")
    return ledger().references.get(ledger().references.pin(champion.name, champion.sha256, ref, actor, reason))


def _answered(table: pa.Table, champion: ModelRef, rules: DriftRules) -> pa.Table:
    """The champion's own answers beside every image, where its kind can be answered here."""
    version = str(champion.version)
    rows = pinning.foreign(table, version)
    if not rows or champion.kind not in SCORED or not champion.version:
        return table
    paths = local_paths(images(), table.take(pa.array(rows, pa.int64())))
    sizes = [(int(width), int(height)) for height, width, *_ in (read_image(path).shape for path in paths)]
    found = _model(champion).predict(paths, champion.imgsz, max(rules.confidence / 2, 0.01), batch=rules.embed_batch)
    return pinning.answered(table, rows, found, sizes, version)
