"""Where things are: addresses and secrets of this process, from `EVERGREEN_…` in the environment.

`evergreen up` writes them to `<home>/env` (mode 0600) for the embedded stack; production sets the environment.
What to judge is never here: that is `prefect.yaml`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.domain.errors import ConfigError

PREFIX = "EVERGREEN_"
ENV_FILE = "env"

_BESIDE = ("S3_PORT", "MLFLOW_PORT", "PREFECT_PORT", "PAGES_PORT", "PROJECT", "DEBUG")
BESIDE = frozenset(PREFIX + name for name in _BESIDE)
"""Variables that the stack, `prefect.yaml` and the command line read themselves: known, but no settings."""


class Settings(BaseSettings):
    """Addresses and secrets; no address has a silent default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Path = Field(default=Path(".evergreen"), description="Folder for the embedded stack, caches and scratch")
    bucket: str = Field(description="Bucket that production writes to and Evergreen works in")
    s3_endpoint: str | None = Field(default=None, description="S3-compatible endpoint; empty for AWS itself")
    s3_region: str = Field(default="us-east-1", description="Region that requests are signed for")
    s3_access_key: SecretStr | None = Field(default=None, description="Access key; empty: boto3's own chain")
    s3_secret_key: SecretStr | None = Field(default=None, description="Secret key; empty: boto3's own chain")
    ledger_url: str = Field(description="SQLAlchemy URL of the ledger: sqlite:///… or postgresql+psycopg://…")
    mlflow_url: str = Field(description="MLflow tracking server")
    prefect_url: str = Field(description="Prefect API, ending in /api")
    prefect_auth: SecretStr | None = Field(default=None, description="Prefect's basic-auth string user:password")
    pages_url: str | None = Field(default=None, description="Where reports and metrics are served")
    alert_urls: tuple[SecretStr, ...] = Field(
        default=(), description="JSON list of apprise URLs (json://, mailto://, …) and Slack webhooks (https://…)"
    )
    device: str = Field(default="auto", description="auto, cpu, or a CUDA device number")
    answers_mb: int = Field(
        default=2048, ge=0, description="MiB that answers of models may take in the local cache; 0 keeps none"
    )
    measures_mb: int = Field(
        default=1024, ge=0, description="MiB that measurements of images may take in the local cache; 0 keeps none"
    )
    dask: str | None = Field(
        default=None,
        description="Who infers when several workers are asked for: a Dask scheduler (tcp://host:8786), `local` for a "
        "Dask cluster of this machine, empty for plain processes",
    )
    environment: str = Field(default="local", description="Name of this installation in alerts, metrics and logs")

    @property
    def cache(self) -> Path:
        """Local files that can be made again: images by content hash, weights by hash."""
        return self.home / "cache"


def known_variables() -> frozenset[str]:
    """Every environment variable that settings are read from."""
    return frozenset(PREFIX + name.upper() for name in Settings.model_fields)


def read_env_file(path: Path) -> dict[str, str]:
    """The `NAME=value` lines of a file, without comments and blank lines; {} when there is no file."""
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#") and "=" in line)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, filled up from `<home>/env`.

    Raises:
        ConfigError: a variable is missing, malformed or misspelt; the message names it and the known ones.
    """
    given = dict(os.environ if environment is None else environment)
    home = Path(given.get(PREFIX + "HOME", ".evergreen"))
    merged = {**read_env_file(home / ENV_FILE), **given}
    ours = {name: value for name, value in merged.items() if name.startswith(PREFIX) and name not in BESIDE}
    unknown = sorted(set(ours) - known_variables())
    if unknown:
        raise ConfigError(f"unknown variable {', '.join(unknown)}; known: {', '.join(sorted(known_variables()))}")
    os.environ.update({name: value for name, value in ours.items() if environment is None})
    try:
        return Settings.model_validate(_parsed(ours))
    except ValidationError as error:
        names = sorted({PREFIX + str(problem["loc"][0]).upper() for problem in error.errors()})
        raise ConfigError(
            f"missing or malformed {', '.join(names)}: set them, or start the embedded stack with `evergreen up`"
        ) from error


def _parsed(ours: Mapping[str, str]) -> dict[str, object]:
    import json

    values: dict[str, object] = {name.removeprefix(PREFIX).lower(): value for name, value in ours.items()}
    if isinstance(urls := values.get("alert_urls"), str):
        try:
            values["alert_urls"] = json.loads(urls)
        except ValueError as error:
            raise ConfigError(f"{PREFIX}ALERT_URLS must be a JSON list of strings") from error
    return values


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return load()
