"""Open a window, pull it, read the labels: the tasks that a flow calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.tasks import Task, exponential_backoff

from tasks.adapters.ledger.records import DecisionKind, WindowFacts, WindowRecord, WindowState
from tasks.connections import images, ledger, store, tables
from tasks.domain.errors import ConfigError, EvergreenError, LostLease, NotFound, Transient
from tasks.domain.intent import Intent
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import LISTED, Claim, Snapshot, TableRef, table_of
from tasks.domain.window import Window
from tasks.ingest.again import recipe, standing
from tasks.ingest.arrivals import LABELS_ARRIVED, Arrived, LastLook, arrived
from tasks.ingest.bucket import Bucket
from tasks.ingest.due import span_windows, windows_due
from tasks.ingest.gathering import Sources, gather
from tasks.ingest.label_files import label_files, read_labels
from tasks.ingest.marks import grew
from tasks.ingest.members import require_whole_hours
from tasks.ingest.owner import died_here, here
from tasks.ingest.pull import Asked, camera_folders, present_mark, pull_window
from tasks.ingest.rules import IngestRules
from tasks.ingest.supersede import newest

RETRIES = 4
BACKOFF = exponential_backoff(backoff_factor=2)
JITTER = 0.5


def passing(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again may help: decided by the type of the error alone."""
    return isinstance(state.result(raise_on_failure=False), Transient)


patient = task(
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=BACKOFF,
    retry_jitter_factor=JITTER,
    retry_condition_fn=passing,
)
"""A task that waits for a world that may recover."""


@patient
def due_windows(model: str, window: str | None, rules: IngestRules, backfill: str | None = None) -> list[Window]:
    """The window that was named, every one of a span, or all closed ones that were not judged yet; oldest first.

    Raises:
        ConfigError: both were named, or the span holds no whole window.
    """
    if window is not None and backfill is not None:
        raise ConfigError("name either one window or a span to backfill, not both")
    if backfill is not None:
        return span_windows(backfill, rules.length)
    if window is not None:
        named = Window.parse(window)
        require_whole_hours(named)
        return [named]
    judged = [record.window for record in ledger().windows.latest(model) if record.revision or record.state == "failed"]
    latest = max((each for each in judged if each.length == rules.length), default=None)
    closed = Window.latest_closed(datetime.now(UTC), rules.length, rules.lateness)
    return windows_due(closed, latest, rules.catch_up)


@patient
def late_windows(model: str, rules: IngestRules) -> list[Window]:
    """Judged windows in which something new has landed since, oldest first; at most the newest `catch_up`.

    Only lists are read: what is in the bucket now is held against what was listed when the window was judged.
    """
    now = datetime.now(UTC)
    rows = ledger().windows.between(model, now - rules.horizon - rules.length, now)
    judged = {row.window: _mark(row) for row in rows if row.window.end > now - rules.horizon}
    marks = {window: mark for window, mark in judged.items() if mark and window.length == rules.length}
    if not marks:
        return []
    folders = camera_folders(store(), model)
    late = [window for window, mark in marks.items() if grew(mark, present_mark(store(), folders, model, window))]
    if late:
        get_run_logger().info("objects landed after these windows were judged: %s", ", ".join(map(str, late)))
    return late[-rules.catch_up :]


def _mark(row: WindowRecord) -> str:
    """What was listed when the window was judged; empty for one that is being judged, was given up, or has no mark."""
    judged = row.state is WindowState.COMMITTED and row.facts is not None
    return row.facts.artifacts.get(LISTED, "") if judged and row.facts is not None else ""


@patient
def open_window(model: str, window: Window, rescore: bool = False) -> Claim | None:
    """The right to judge a window; None when another run holds it or it was judged before.

    Raises:
        ConfigError: the window does not begin and end on full hours, or has not ended yet.
    """
    require_whole_hours(window)
    if window.end > datetime.now(UTC):
        raise ConfigError(f"window {window} has not ended: wait, or name an earlier one")
    claim = ledger().windows.claim(model, window, here(), rescore=rescore)
    if claim is None and _bury(model, window):
        claim = ledger().windows.claim(model, window, here(), rescore=rescore)
    return claim


def _bury(model: str, window: Window) -> bool:
    """Take a window from a process of this machine that was killed: nobody has to wait for the end of its lease."""
    record = ledger().windows.get(model, window)
    if record is None or record.state is not WindowState.CLAIMED or not died_here(record.owner):
        return False
    held = Claim(model=model, window=window, epoch=record.epoch, revision=record.revision + 1)
    with suppress(LostLease):  # somebody else was quicker
        ledger().windows.fail(held, f"{record.owner} was killed while it judged the window")
    return True


@patient
def pull(claim: Claim, rules: IngestRules) -> Snapshot:
    """Everything of the window: each listed object accepted or quarantined, records joined, tables written.

    Once no further try will be made, a failure gives the window back, so that the next run may claim it at once.
    """
    try:
        return _pulled(claim, rules)
    except EvergreenError as error:
        if not isinstance(error, Transient) or (task_run.run_count or 1) > RETRIES:
            with suppress(EvergreenError):
                ledger().windows.release(claim)
        raise


def _pulled(claim: Claim, rules: IngestRules) -> Snapshot:
    model, window, classes = claim.model, claim.window, _classes(claim.model)
    facts, needs = _facts(claim), recipe(rules, classes)
    same = standing(
        claim, facts, needs, store(), lambda: present_mark(store(), camera_folders(store(), model), model, window)
    )
    if same is not None:
        return same
    beat = partial(ledger().windows.renew, claim)
    beat()
    bucket = Bucket(store=store(), cache=images(), workers=rules.workers, heartbeat=beat)
    place = f"{_slug(window)}/r{claim.revision}-e{claim.epoch}.parquet"
    before = facts.catalog if facts else None
    asked = Asked(model=model, window=window, rules=rules, place=place, classes=classes, before=before)
    pulled = pull_window(bucket, tables(), asked)
    if pulled.left_out:
        get_run_logger().info("looked at a sample: %s images or records left out", pulled.left_out)
    return pulled.snapshot(claim, needs)


def _facts(claim: Claim) -> WindowFacts | None:
    """What the window was judged by before; None the first time."""
    record = ledger().windows.get(claim.model, claim.window)
    return record.facts if record else None


@patient
def labels(model: str, rules: IngestRules) -> TableRef:
    """The label of every image that counts (`tasks.ingest.gathering`); what does not is kept beside, with reasons."""
    found = gather(sources(rules), model, rules)
    if found.account.refused:
        count = sum(found.account.refused.values())
        get_run_logger().warning("%s labels refused: %s", count, dict(found.account.refused))
    return found.labels


def sources(rules: IngestRules) -> Sources:
    """Bucket, tables and ledger of this worker."""
    return Sources(
        bucket=Bucket(store=store(), cache=images(), workers=rules.workers), tables=tables(), ledger=ledger()
    )


@patient
def labels_arrived(model: str, rules: IngestRules) -> Arrived | None:
    """Enough labels that the champion was not evaluated on, unless that was announced already; None otherwise.

    Only files of labels that landed since are read.
    """
    champion = ledger().promotions.champion(model)
    if champion is None:
        return None
    last = _last_look(champion)
    landed = last.candidates(label_files(store(), model))
    bucket = Bucket(store=store(), cache=images(), workers=rules.workers)
    good, _ = read_labels(bucket, landed, rules, champion)
    found = arrived(model, champion.sha256, last, last.unseen(newest(good)), rules.new_labels)
    return None if found is None or ledger().outbox.get(found.key) else found


def labels_announced(found: Arrived) -> None:
    """Note that it was said: it is not said again for the same labels. Dying before this says it twice, never not."""
    ledger().outbox.add(Intent(key=found.key, kind=LABELS_ARRIVED, payload=found.summary()))
    ledger().outbox.done(found.key)


def _last_look(champion: ModelRef) -> LastLook:
    """The newest evaluation of the champion, with the labels that it knew."""
    noted = ledger().decisions.latest(champion.name, DecisionKind.EVALUATED, champion.sha256)
    if noted is None:
        return LastLook(number=0, at=ledger().versions.get(champion.name, champion.sha256).created_at)
    try:
        rows = tables().read(table_of(noted.payload["labels"]), ["image_id", "key", "labelled_at"]).to_pylist()
    except NotFound:  # somebody tidied up: what landed in the last day may be counted again
        rows = []
    known = {row[name]: row["labelled_at"] for name in ("key", "image_id") for row in rows if row[name]}
    return LastLook(number=noted.seq, at=noted.at, known=known)


def _classes(model: str) -> int | None:
    """How many classes the model has; None before it has a champion."""
    champion = ledger().promotions.champion(model)
    return len(champion.classes) if champion else None


def _slug(window: Window) -> str:
    return f"{window.start:%Y%m%dT%H}-{window.end:%Y%m%dT%H}"


@contextmanager
def given_up(claim: Claim) -> Iterator[None]:
    """Give the window back when its judgement fails half way, so that the next run may claim it; the error goes on.

    A window that fails again and again is given up by the ledger, with an alert: it does not block later ones.
    """
    try:
        yield
    except Exception as error:
        with suppress(EvergreenError):  # given back already, or held by another process by now
            ledger().windows.fail(claim, f"{type(error).__name__}: {error}"[:1000])
        raise
