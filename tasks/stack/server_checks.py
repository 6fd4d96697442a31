"""What the doctor asks the servers that the settings name, embedded or not."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from tasks.domain.errors import EvergreenError, OrchestratorUnavailable, Permanent
from tasks.settings import Settings
from tasks.stack.check import Check, Level, bad, good
from tasks.stack.prefect_api import POOLS, PrefectApi
from tasks.stack.service import web_ailment
from tasks.stack.signed import SignedS3, round_trip

SKEW_SECONDS = 60.0
"""Signed requests are refused from 15 minutes on; windows are assigned wrongly long before."""

PROBE_PREFIX = "evergreen-probe"


def check_s3(settings: Settings) -> list[Check]:
    """Credentials, conditional writes and the clock, against the bucket of the settings."""
    if settings.s3_access_key is None or settings.s3_secret_key is None:
        return [_check_s3_by_chain(settings)]
    server = SignedS3(
        endpoint=settings.s3_endpoint or f"https://s3.{settings.s3_region}.amazonaws.com",
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        region=settings.s3_region,
    )
    key = f"{PROBE_PREFIX}/{secrets.token_hex(4)}"
    try:
        if problem := round_trip(server, settings.bucket, key):
            advice = "check endpoint, bucket and keys; for the embedded server: `evergreen up`, `evergreen logs s3`"
            return [bad("s3", problem, advice)]
        return [
            good("s3", f"put and get work in {settings.bucket}"),
            _check_conditional(server, settings.bucket, key),
            _check_clock(server, settings.bucket, key),
        ]
    except httpx.HTTPError as error:
        return [bad("s3", f"no answer from {server.endpoint}: {error}", "try again; `evergreen logs s3`")]
    finally:
        _remove(server, settings.bucket, key)


def _remove(server: SignedS3, bucket: str, key: str) -> None:
    try:
        server.call("DELETE", f"/{bucket}/{key}")
    except httpx.HTTPError:
        return  # reported by the check itself


def _check_s3_by_chain(settings: Settings) -> Check:
    from tasks.adapters.objects import ObjectStore

    try:
        store = ObjectStore(
            bucket=settings.bucket,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            access_key=None,
            secret_key=None,
        )
        store.probe()
    except EvergreenError as error:
        return bad("s3", str(error), "check bucket, region and the credentials that boto3 finds")
    return good("s3", f"{settings.bucket} answers with boto3's own credentials")


def _check_conditional(server: SignedS3, bucket: str, key: str) -> Check:
    reply = server.call("PUT", f"/{bucket}/{key}", b"again", {"If-None-Match": "*"})
    if reply.status_code == httpx.codes.PRECONDITION_FAILED:
        return good("s3 conditional put", "refused with 412, as it must be")
    found = f"answered {reply.status_code}: this server overwrites what it should refuse"
    return bad("s3 conditional put", found, "nothing to do: locks and commits are in the ledger anyway", Level.WARN)


def _check_clock(server: SignedS3, bucket: str, key: str) -> Check:
    date = server.call("GET", f"/{bucket}/{key}").headers.get("date", "")
    try:
        skew = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()
    except ValueError:
        return bad("clock", "the S3 server sends no date", "compare the clocks by hand", Level.WARN)
    if abs(skew) > SKEW_SECONDS:
        return bad("clock", f"{skew:+.0f} s against the S3 server", "switch time synchronisation on")
    return good("clock", f"{skew:+.1f} s against the S3 server")


def check_mlflow(settings: Settings) -> list[Check]:
    """MLflow answers a question that needs its database."""
    url = settings.mlflow_url.rstrip("/") + "/api/2.0/mlflow/experiments/search?max_results=1"
    problem = web_ailment(url)
    advice = "`evergreen up`, then `evergreen logs mlflow`"
    return [bad("mlflow", problem, advice) if problem else good("mlflow", settings.mlflow_url)]


def check_ledger(settings: Settings) -> list[Check]:
    """The ledger opens and its tables are those of this program."""
    from tasks.adapters.ledger.store import Ledger

    try:
        Ledger.open(settings.ledger_url)
    except EvergreenError as error:
        return [bad("ledger", str(error), "`evergreen ledger-upgrade`, or check EVERGREEN_LEDGER_URL")]
    return [good("ledger", "opens, tables are up to date")]


def check_prefect(settings: Settings) -> list[Check]:
    """Prefect is ready, schedules create runs, workers are online, leases survive a restart."""
    auth = settings.prefect_auth.get_secret_value() if settings.prefect_auth else None
    with PrefectApi(settings.prefect_url, auth) as api:
        if problem := api.ailment():
            return [bad("prefect", problem, "`evergreen up`, then `evergreen logs prefect`")]
        try:
            checks = [_check_schedules(api), *(_check_worker(api, pool) for pool in POOLS), _check_leases(api)]
        except (OrchestratorUnavailable, Permanent) as error:
            return [bad("prefect", str(error), "`evergreen logs prefect`")]
        return [good("prefect", settings.prefect_url), *checks]


def _check_schedules(api: PrefectApi) -> Check:
    deployments = api.call("POST", "/deployments/filter", {"limit": 200})
    scheduled = [one for one in deployments if any(schedule["active"] for schedule in one.get("schedules", []))]
    runs = api.call("POST", "/flow_runs/count", {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}})
    if not deployments:
        return bad("schedules", "no deployment", "`evergreen up` in the folder with prefect.yaml", Level.WARN)
    if scheduled and not runs:
        return bad("schedules", "no run is scheduled", "wait a minute and look again; then check sqlalchemy < 2.1")
    return good("schedules", f"{len(deployments)} deployments, {runs} scheduled runs")


def _check_worker(api: PrefectApi, pool: str) -> Check:
    name = f"worker {pool}"
    try:
        workers = api.call("POST", f"/work_pools/{pool}/workers/filter", {})
        paused = api.call("GET", f"/work_pools/{pool}")["is_paused"]
    except Permanent as error:
        return bad(name, str(error), "`evergreen up` creates the pool")
    online = [worker["name"] for worker in workers if worker["status"] == "ONLINE"]
    if not online:
        return bad(name, "no worker is online", f"`evergreen up`, or `prefect worker start --pool {pool}`")
    if paused:
        return bad(name, "the pool is paused", f"`prefect work-pool resume {pool}`", Level.WARN)
    return good(name, f"online: {', '.join(online)}")


def _check_leases(api: PrefectApi) -> Check:
    found = api.call("GET", "/admin/settings")
    text = json.dumps(found.get("server", {}).get("concurrency", {}))
    if "lease_storage.memory" in text:
        advice = "set PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.filesystem"
        return bad("lease storage", "in memory: slots leak when the server restarts", advice, Level.WARN)
    return good(
        "lease storage", str(found.get("server", {}).get("concurrency", {}).get("lease_storage", "not in memory"))
    )
