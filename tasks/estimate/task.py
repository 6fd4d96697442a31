"""Opens models, windows and labels for estimates: fit what is missing, estimate a window, and look back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.answering import Answering
from tasks.adapters.ledger.records import PinnedReference
from tasks.adapters.manifests import local_paths
from tasks.adapters.yolo import LOWEST_CONFIDENCE, NMS_IOU, protocol, read_image
from tasks.connections import answering, answers, images, ledger, tables
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.finding import Finding, Report, Stage
from tasks.domain.model import Kind, ModelRef
from tasks.domain.snapshot import Snapshot, TableRef, table_of
from tasks.domain.tables import DATASETS
from tasks.estimate import kept
from tasks.estimate.again import seen_again, shown
from tasks.estimate.alarms import alarms_of
from tasks.estimate.around import around
from tasks.estimate.audit import Candidate, first
from tasks.estimate.backtest import Check, running
from tasks.estimate.calibration import Calibration
from tasks.estimate.caught import caught_up, truths_of
from tasks.estimate.checking import Again, audited
from tasks.estimate.chosen import chosen, newest, outgrown, until
from tasks.estimate.eyes import eyes, second_of
from tasks.estimate.few import LEAST
from tasks.estimate.fitting import Labelled, calibrate, looking_at
from tasks.estimate.flag import judge
from tasks.estimate.found import Found, digest_of, found_json, found_of
from tasks.estimate.guess import ESTIMATED, UNCALIBRATED, Guess, finding, silent
from tasks.estimate.ladder import Image
from tasks.estimate.look import shifts
from tasks.estimate.posture import turned
from tasks.estimate.reading import answers_of, images_of
from tasks.estimate.records import answered
from tasks.estimate.rules import EstimateRules
from tasks.estimate.signs import signs_of
from tasks.settings import settings

log = logging.getLogger(__name__)

REFERENCE = ("image_id", "camera", "width", "height", "model_version", "detections")
"""What is read of a reference: its embeddings are not needed here."""


@task(cache_policy=NO_CACHE)
def check_estimate(
    snapshot: Snapshot,
    champion: ModelRef | None,
    reference: PinnedReference | None,
    reports: Sequence[Report],
    rules: EstimateRules,
) -> Report:
    """How good the champion is in this window without labels, or that it cannot be known; it never speaks alone."""
    if champion is None or champion.kind not in ESTIMATED or not rules.images:
        return Report(stage=Stage.ESTIMATE)
    calibration, metric = kept.calibration_of(champion), ESTIMATED[champion.kind]
    if calibration is None:
        why = f"no calibration yet: it takes {rules.min_labels} labelled images and `evergreen evaluate`"
        return _report(silent(f"{UNCALIBRATED}; {why}", metric=metric))
    if reference is None:
        why = "no reference is pinned that the answers could be held against: `evergreen pin-reference`"
        return _report(silent(why, metric=metric))
    guess = _guess(snapshot, champion, calibration, reference.table, (reports, rules))
    if isinstance(guess, Finding):
        return _report(guess)
    checks = [each for each in kept.checks_of(champion) if each.window != snapshot.claim.window]
    return _report(finding(champion.name, guess, running(checks, guess.verdict.flag, rules.backtests), rules))


@task(cache_policy=NO_CACHE)
def check_estimates(
    champion: ModelRef, sets: Sequence[TableRef], labels: TableRef, rules: EstimateRules
) -> tuple[Check, ...]:
    """Calibrate the version where that is due, read audits, and hold estimates against the labels of their windows.

    `sets` are `datasets` tables of labelled images (golden, held out, recent): a calibration learns from all of them,
    estimates are held against the last. `labels` are all labels that there are. Nothing for kinds other than detect
    and classify. The checks that are new.
    """
    if champion.kind not in ESTIMATED or not rules.images:
        return ()
    _calibrated(champion, sets, rules)
    calibration = kept.calibration_of(champion)
    if calibration is not None:
        _audits(champion, calibration, labels, rules)
    if not sets:
        return ()
    labelled = tables().read(sets[-1])
    return caught_up(champion, labelled, sets[-1].digest, rules, partial(_evaluated, champion, rules))


def _report(found: Finding) -> Report:
    return Report(stage=Stage.ESTIMATE, findings=(found,))


def _guess(
    snapshot: Snapshot,
    champion: ModelRef,
    calibration: Calibration,
    reference: TableRef,
    how: tuple[Sequence[Report], EstimateRules],
) -> Guess | Finding:
    reports, rules = how
    second = _learnt_with(champion, calibration)
    asked = (champion.sha256, str(champion.version), second.sha256 if second else "", digest_of(calibration))
    about = (snapshot.catalog.digest, snapshot.predictions.digest, reference.digest, *asked, rules.model_dump_json())
    work = partial(_seen, snapshot, (champion, second), calibration, reference, rules)
    found = found_of(tables().recall(snapshot.claim, "estimate", about, lambda: found_json(work())))
    if isinstance(found, Finding):
        return found
    return Guess(
        value=calibration.estimate(found.signs, found.moved.found.size),
        verdict=judge(calibration, found.signs, found.moved, alarms_of(reports, found.turned), found.around),
        n=found.n,
        metric=calibration.metric,
        left_out=calibration.error * calibration.quality,
    )


def _seen(
    snapshot: Snapshot,
    versions: tuple[ModelRef, ModelRef | None],
    calibration: Calibration,
    reference: TableRef,
    rules: EstimateRules,
) -> Found | Finding:
    """What the answers of the window show, and those about some of its images that are asked for again."""
    champion, version, own = versions[0], str(versions[0].version), calibration.confidences[0]
    before = answered(tables().read(reference, REFERENCE), version)
    after = answers_of(tables(), snapshot.predictions, version)
    for count, whose in ((len(before), "of the reference"), (len(after), "of the window")):
        if count < rules.min_images:
            missing = f"{count} images {whose} were answered by this version, {rules.min_images} are needed"
            return silent(missing, count, calibration.metric)
    chosen = first(images_of(tables(), snapshot.catalog), rules.images)
    looked = _looked_at(chosen, versions, rules)
    views, n = looked.views, len(looked.views.own)
    if n < rules.min_images:
        missing = f"{n} images could be looked at again, {rules.min_images} are needed"
        return silent(missing, n, calibration.metric)
    pictures = shown(chosen, _picture, looked, own)
    return Found(
        signs=signs_of(views, calibration.belief, len(champion.classes), calibration.confidences),
        around=around(calibration.sceneries, pictures.cameras, pictures.measured, calibration.objects),
        moved=shifts(*(looking_at(each.answers, each.sizes, own) for each in (before, after))),
        turned=turned(calibration.postures, pictures.postures),
        n=n,
    )


def _learnt_with(champion: ModelRef, calibration: Calibration) -> ModelRef | None:
    """The second version, unless it is another one now: what that would say was never learnt."""
    second = second_of(champion)
    return second if second is not None and second.sha256 == calibration.second else None


def _looked_at(chosen: Sequence[Candidate], versions: tuple[ModelRef, ModelRef | None], rules: EstimateRules) -> Again:
    """These images, answered again: as they are, mirrored, and by the second version."""
    return seen_again(eyes(*versions, rules.batch), chosen, _picture, answers(), rules.batch)


def _picture(image: Candidate) -> Image | None:
    """The picture, or None when the object is gone or is not what it was."""
    try:
        return read_image(images().fetch(image.key, image.sha256))
    except (NotFound, ContractError):
        return None


def _calibrated(champion: ModelRef, sets: Sequence[TableRef], rules: EstimateRules) -> None:
    noted = ledger().decisions.latest(champion.name, kept.CALIBRATED, champion.sha256)
    rows = chosen(row for each in sets for row in tables().read(each).to_pylist())
    second = second_of(champion)
    readable = noted is not None and kept.calibration_of(champion) is not None
    fresh = noted is not None and readable and not outgrown(noted.payload, rows)
    same = noted is not None and noted.payload["second"] == (second.sha256 if second else "")
    if len(rows) < rules.min_labels or (fresh and same):
        return
    table = pa.Table.from_pylist(rows, schema=DATASETS)
    paths = local_paths(images(), table)
    labelled = Labelled(
        truths=truths_of(champion, table),
        open=lambda at: read_image(paths[at]),
        classes=champion.classes,
        whole=champion.kind is Kind.CLASSIFY,
        newest=newest(rows),
    )
    versions = (champion.sha256, second.sha256 if second else "")
    found = calibrate(labelled, eyes(champion, second, rules.batch), versions, rules.calibrated_on)
    if found is None:
        log.warning("%s is not calibrated: %d labelled images show too few boxes", champion, len(rows))
        return
    kept.keep_calibration(champion, found, until(rows))


def _evaluated(champion: ModelRef, rules: EstimateRules) -> Answering:
    """The champion's answers as an evaluation asks for them unless its rules say otherwise: kept ones cost nothing."""
    device = settings().device
    return answering(champion, protocol(champion.imgsz, LOWEST_CONFIDENCE, NMS_IOU, rules.batch, device), device)


def _audits(champion: ModelRef, calibration: Calibration, labels: TableRef, rules: EstimateRules) -> None:
    """What the labels of audits say of their windows, with the answers that production gave."""
    said = {row["image_id"]: row for row in tables().read(labels, ["image_id", "session", "objects"]).to_pylist()}
    known = {(window, found.n) for window, found in kept.audited_of(champion)}
    for window, drawn in kept.audits_of(champion.name):
        ready = [each for each in drawn if each.image_id in said]
        record = ledger().windows.get(champion.name, window)
        note = (record.facts.artifacts if record and record.facts else {}).get("predictions", "")
        if not note.startswith("{") or not ready or (window, len(ready)) in known:
            continue
        mine = frozenset(each.image_id for each in ready)
        given = answers_of(tables(), table_of(note), str(champion.version), mine)
        listed = record.facts.catalog if record and record.facts and len(ready) >= LEAST else None
        chosen = first(images_of(tables(), listed), rules.images) if listed else []
        versions = (champion, _learnt_with(champion, calibration))
        found = audited(given, ready, said, calibration, _looked_at(chosen, versions, rules) if chosen else None)
        if found:
            kept.keep_audited(champion, window, found, labels.digest)
