"""Who works: processes of this machine, or a Dask cluster here or elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from typing import Any

from prefect.futures import PrefectFuture
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner

from tasks.domain.errors import ConfigError
from tasks.domain.snapshot import TableRef
from tasks.settings import settings

log = logging.getLogger(__name__)

LOCAL = "local"


def runner(workers: int) -> TaskRunner[Any]:
    """What runs so many shards at once, as EVERGREEN_DASK says.

    Raises:
        ConfigError: Dask is asked for and not installed.
    """
    where = settings().dask
    if not where:
        return ProcessPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise ConfigError("EVERGREEN_DASK needs Dask: install Evergreen with the extra `cluster`") from error
    if where != LOCAL:
        return DaskTaskRunner(address=where)
    return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None})


def settled(futures: Sequence[PrefectFuture[TableRef | None]]) -> list[TableRef | None]:
    """What came back of the shards, once all have ended; a lost worker is told and costs its shard only."""
    found: list[TableRef | None] = []
    for number, future in enumerate(futures):
        try:
            future.wait()
        except BrokenExecutor as error:
            log.warning("the worker of shard %d died (%s): what it kept stands", number, error)
            continue
        if future.state.is_completed():
            found.append(future.result())
        else:
            log.warning("shard %d did not come back: what it kept stands", number)
    return found
