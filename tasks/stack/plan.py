"""What makes the stack, in order. A new server is one `Service` here, a thing done between two servers one `Step`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from tasks.domain.errors import ConfigError, StoreUnavailable
from tasks.settings import PREFIX
from tasks.stack import state as remembered
from tasks.stack.home import ARTIFACT_BUCKET, BUCKET
from tasks.stack.prefect_api import POOLS
from tasks.stack.processes import alive, tail
from tasks.stack.servers import MLFLOW, PAGES, PREFECT, S3, client_environment, worker
from tasks.stack.service import Service, Site, Step, process_environment
from tasks.stack.signed import make_bucket

DEPLOY_SECONDS = 180
"""How long `prefect deploy` may take: it imports every flow."""


def make_buckets(site: Site) -> str:
    """Make our bucket and MLflow's where they are missing.

    Raises:
        StoreUnavailable: the server refused.
    """
    for bucket in (BUCKET, ARTIFACT_BUCKET):
        if problem := make_bucket(site.s3, bucket):
            raise StoreUnavailable(f"cannot make the bucket {bucket}: {problem}")
    return ""


def upgrade_ledger(site: Site) -> str:
    """Bring the ledger's tables to this program's version."""
    from tasks.adapters.ledger.store import Ledger

    Ledger.upgrade(site.variables[PREFIX + "LEDGER_URL"])
    return ""


def open_pools(site: Site) -> str:
    """Create the work pools and bury runs whose process has gone, before a worker takes new ones."""
    state = remembered.read(site.home.state_file)
    staffed = {name for name in POOLS if alive(state.processes.get(name))}
    with site.prefect() as api:
        api.ensure_pools()
        zombies = api.bury_zombies(staffed)
    return f"marked as crashed, their process had gone: {', '.join(zombies)}" if zombies else ""


def deploy(site: Site) -> str:
    """Make the server say what `prefect.yaml` says, when that changed since the last time.

    Raises:
        ConfigError: Prefect refused; the message has its last lines.
    """
    if site.project is None:
        return "no prefect.yaml here: no deployments"
    state = remembered.read(site.home.state_file)
    digest = project_digest(site.project)
    with site.prefect() as api:
        if digest == state.deployed and api.call("POST", "/deployments/count", {}) > 0:
            return ""
    _run_deploy(site, site.project)
    remembered.write(site.home.state_file, remembered.with_deployed(remembered.read(site.home.state_file), digest))
    return "deployed what prefect.yaml says"


def _run_deploy(site: Site, project: Path) -> None:
    log = site.home.log("deploy")
    with log.open("wb") as file:
        try:
            code = subprocess.run(
                [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
                cwd=project,
                env=process_environment(site, "deploy", client_environment(site)),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                timeout=DEPLOY_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    if code != 0:
        last = "\n".join(tail(log, 15))
        raise ConfigError(f"`prefect deploy --all` in {project} failed ({code}); the end of {log}:\n{last}")


def project_digest(project: Path) -> str:
    """A hash of everything that deployments are made from: `prefect.yaml` and the code of flows and tasks."""
    digest = hashlib.sha256()
    sources = [path for folder in ("flows", "tasks") for path in (project / folder).rglob("*.py")]
    for path in (project / "prefect.yaml", *sorted(sources)):
        digest.update(str(path.relative_to(project)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def resume_pools(site: Site) -> str:
    """Let the pools run again that `down` had paused; a pool that a person paused stays paused."""
    state = remembered.read(site.home.state_file)
    if not state.paused:
        return ""
    with site.prefect() as api:
        api.pause(False, state.paused)
    remembered.write(site.home.state_file, remembered.with_paused(state, ()))
    return ""


PLAN: tuple[Service | Step, ...] = (
    S3,
    PREFECT,
    Step(name="ledger", act=upgrade_ledger),
    Step(name="buckets", act=make_buckets, after=("s3",)),
    MLFLOW,
    Step(name="pools", act=open_pools, after=("prefect",)),
    *(worker(pool) for pool in POOLS),
    PAGES,
    Step(name="deployments", act=deploy, after=("pools",)),
    Step(name="resume", act=resume_pools, after=("deployments",)),
)
"""Read from top to bottom; whatever stands in `after` is healthy, or done, before an entry is started."""
