"""What a process of the stack is: how it is started, where it answers, how it proves that it works."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tasks.settings import PREFIX
from tasks.stack.home import Home, loopback, source_root
from tasks.stack.prefect_api import PrefectApi
from tasks.stack.processes import MARK, mark
from tasks.stack.signed import SignedS3

CLEANED = ("PREFECT_", "MLFLOW_", "AWS_", "UVICORN_", "GUNICORN_", "WEED_", MARK)
"""Prefixes of variables that do not reach the stack: they would lead its processes elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One stack on this machine. `project` is the folder with `prefect.yaml`, `variables` what `<home>/env` says."""

    home: Home
    project: Path | None
    ports: Mapping[str, int]
    token: str
    variables: Mapping[str, str]

    def url(self, name: str) -> str:
        """Where a server answers."""
        return loopback(self.ports[name])

    @property
    def s3(self) -> SignedS3:
        """The embedded object store with its key pair."""
        return SignedS3(
            endpoint=self.url("s3"),
            access_key=self.variables[PREFIX + "S3_ACCESS_KEY"],
            secret_key=self.variables[PREFIX + "S3_SECRET_KEY"],
        )

    def prefect(self) -> PrefectApi:
        """The embedded Prefect server."""
        return PrefectApi(self.url("prefect") + "/api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A process of the stack.

    `after` names what must be healthy before it is started, `ailment(site, since)` says why it does not work
    ("" when it does; `since` is when its process was created), `patience` how many seconds it may take to start,
    `grace` how many it may take to stop, `wave` who is stopped first (lowest).
    """

    name: str
    command: Callable[[Site], list[str]]
    ailment: Callable[[Site, float], str]
    environment: Callable[[Site], dict[str, str]]
    after: tuple[str, ...] = ()
    in_project: bool = False
    port: str = ""
    patience: float = 180.0
    grace: float = 10.0
    wave: int = 1

    def url(self, site: Site) -> str:
        """Where it answers; "" for a worker."""
        return site.url(self.port) if self.port else ""

    def folder(self, site: Site) -> Path:
        """Its working directory: the project for what runs flows, else the home folder."""
        return site.project if self.in_project and site.project else site.home.path

    def launch(self, site: Site) -> str:
        """A hash of command, working directory and our own variables: whether a running process is up to date."""
        shared = dict(site.variables) if self.in_project else {}
        facts = [self.command(site), str(self.folder(site)), self.environment(site), shared]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something done once during `up`, after what it needs is healthy. `act` returns a sentence, "" for nothing new."""

    name: str
    act: Callable[[Site], str]
    after: tuple[str, ...] = ()


def process_environment(site: Site, name: str, own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process: this one's without foreign addresses, the stack's addresses, its own variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CLEANED)}
    path = [str(source_root()), *filter(None, [kept.get("PYTHONPATH", "")])]
    quiet = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GX_ANALYTICS_ENABLED": "false"}
    direct = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    common = {**mark(site.token, name), "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
    return {**kept, **quiet, **direct, **common, **site.variables, **own}


def web_ailment(url: str) -> str:
    """Why a page does not answer 200; "" when it does."""
    try:
        reply = httpx.get(url, timeout=5.0, trust_env=False)
    except httpx.HTTPError as error:
        return f"no answer from {url}: {error}"
    return "" if reply.status_code == httpx.codes.OK else f"{url} answered {reply.status_code}: {reply.text[:200]}"
