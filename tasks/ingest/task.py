"""Open a window, pull it, read the labels: the tasks that a flow calls."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

import psutil
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.tasks import Task, exponential_backoff

from tasks.adapters.ledger.records import WindowState
from tasks.adapters.objects import ObjectInfo
from tasks.connections import images, ledger, store, tables
from tasks.domain.contract import Limits
from tasks.domain.contract_labels import LabelRecord
from tasks.domain.contract_reasons import Rejected
from tasks.domain.contract_tables import labels_table
from tasks.domain.errors import ConfigError, EvergreenError, LostLease, Transient
from tasks.domain.snapshot import Claim, Snapshot, TableRef
from tasks.domain.tables import CATALOG
from tasks.domain.window import Window
from tasks.ingest.catalog import QUARANTINED, Catalog, predictions_of
from tasks.ingest.due import windows_due
from tasks.ingest.members import require_whole_hours
from tasks.ingest.pull import Bucket, pull_window
from tasks.ingest.reading import labels_of
from tasks.ingest.rules import IngestRules
from tasks.ingest.supersede import newest

RETRIES = 4
BACKOFF = exponential_backoff(backoff_factor=2)
JITTER = 0.5

P = ParamSpec("P")
R = TypeVar("R")


def passing(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again may help: decided by the type of the error alone."""
    return isinstance(state.result(raise_on_failure=False), Transient)


def retried(function: Callable[P, R]) -> Task[P, R]:
    """A task that waits out what is transient: tried again up to `RETRIES` times, 2 s, 4 s, 8 s … later."""
    return task(
        cache_policy=NO_CACHE,
        retries=RETRIES,
        retry_delay_seconds=BACKOFF,
        retry_jitter_factor=JITTER,
        retry_condition_fn=passing,
    )(function)


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@retried
def due_windows(model: str, window: str | None, rules: IngestRules) -> list[Window]:
    """The window that was named, or all closed ones that were not judged yet, oldest first."""
    if window is not None:
        named = Window.parse(window)
        require_whole_hours(named)
        return [named]
    judged = [record.window for record in ledger().windows.latest(model) if record.revision or record.state == "failed"]
    latest = max((each for each in judged if each.length == rules.length), default=None)
    closed = Window.latest_closed(datetime.now(UTC), rules.length, rules.lateness)
    return windows_due(closed, latest, rules.catch_up)


@retried
def open_window(model: str, window: Window, rescore: bool = False) -> Claim | None:
    """The right to judge a window; None when another run holds it or it was judged before.

    Raises:
        ConfigError: the window does not begin and end on full hours, or has not ended yet.
    """
    require_whole_hours(window)
    if window.end > datetime.now(UTC):
        raise ConfigError(f"window {window} has not ended: wait, or name an earlier one")
    claim = ledger().windows.claim(model, window, _owner(), rescore=rescore)
    if claim is None and _bury(model, window):
        claim = ledger().windows.claim(model, window, _owner(), rescore=rescore)
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


def died_here(owner: str) -> bool:
    """Whether the owner is a process of this machine that is no more; one on another machine is never judged."""
    host, _, number = owner.rpartition(":")
    return host == socket.gethostname() and number.isdecimal() and not psutil.pid_exists(int(number))


@retried
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
    bucket = Bucket(
        store=store(), cache=images(), workers=rules.workers, heartbeat=lambda: ledger().windows.renew(claim)
    )
    bucket.heartbeat()
    pulled = pull_window(bucket, claim.model, claim.window, rules, _classes(claim.model))
    if pulled.left_out:
        get_run_logger().info("looked at a sample: %s images left out", pulled.left_out)
    catalog = pulled.catalog
    predictions = predictions_of(catalog, timedelta(seconds=rules.session_gap_seconds), pulled.probability)
    place = f"{_slug(claim.window)}/r{claim.revision}-e{claim.epoch}.parquet"
    refused = sum(catalog.quarantined().values())
    return Snapshot(
        claim=claim,
        catalog=tables().write(catalog.table(), "catalog", f"{claim.model}/evergreen/catalog/{place}"),
        predictions=tables().write(predictions, "predictions", f"{claim.model}/evergreen/predictions/{place}"),
        listed=len(catalog.rows),
        accepted=catalog.accepted,
        quarantined=refused,
    )


@retried
def labels(model: str, rules: IngestRules) -> TableRef:
    """The newest label of every image; refused ones are kept beside with their reasons and named in the log."""
    bucket = Bucket(store=store(), cache=images(), workers=rules.workers)
    listed = [info for info in store().list(f"{model}/labels/") if not info.key.endswith("/")]
    good, refused = _read_labels(bucket, listed, rules, _classes(model))
    digest = hashlib.sha256("\n".join(f"{info.key}\0{info.etag}" for info in listed).encode("utf-8", "surrogatepass"))
    folder = f"{model}/evergreen/labels/{digest.hexdigest()[:32]}"
    if refused.rows:
        tables().write(refused.table(), "catalog", f"{folder}-refused.parquet")
        get_run_logger().warning("%s labels refused: %s", len(refused.rows), refused.quarantined())
    return tables().write(labels_table(newest(good)), "labels", f"{folder}.parquet")


def _read_labels(
    bucket: Bucket, listed: Sequence[ObjectInfo], rules: IngestRules, classes: int | None
) -> tuple[list[tuple[str, LabelRecord]], Catalog]:
    good: list[tuple[str, LabelRecord]] = []
    refused = Catalog()
    limit = rules.max_part_mb << 20
    for info, data in bucket.contents(listed, limit):
        limits = Limits(latest=info.modified + timedelta(minutes=rules.future_minutes), classes=classes)
        answers = [(info.key, info.size, data)] if isinstance(data, Rejected) else labels_of(info, data, limit, limits)
        for source, size, answer in answers:
            if isinstance(answer, Rejected):
                refused.rows.append(_refused(source, size, info.etag, answer))
            else:
                good.append((source, answer))
    return good, refused


def _refused(source: str, size: int, etag: str, why: Rejected) -> dict[str, Any]:
    row = {
        "key": source,
        "size": size,
        "etag": etag,
        "verdict": QUARANTINED,
        "reason": why.reason.value,
        "note": why.note,
    }
    return {**dict.fromkeys(CATALOG.names), **row}


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
