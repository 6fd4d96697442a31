"""The home folder: everything that the embedded stack keeps on this machine."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tasks
from tasks.domain.errors import ConfigError
from tasks.settings import ENV_FILE, PREFIX, read_env_file

BUCKET = "evergreen"
ARTIFACT_BUCKET = "mlflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A folder (absolute, mode 0700) with addresses and secrets in `env`, processes in `stack.json`, and `logs/`."""

    path: Path

    @staticmethod
    def find(environment: Mapping[str, str] | None = None) -> Home:
        """`EVERGREEN_HOME`, else `.evergreen` in the working directory; nothing is created."""
        given = os.environ if environment is None else environment
        return Home(path=Path(given.get(PREFIX + "HOME") or ".evergreen").expanduser().absolute())

    @property
    def env_file(self) -> Path:
        """Addresses and secrets, `NAME=value` a line, mode 0600."""
        return self.path / ENV_FILE

    @property
    def state_file(self) -> Path:
        """Ports and processes."""
        return self.path / "stack.json"

    @property
    def lock_file(self) -> Path:
        """Held while the stack is started or stopped."""
        return self.path / "lock"

    def log(self, name: str) -> Path:
        """Where a process writes what it says."""
        return self.path / "logs" / f"{name}.log"

    def create(self) -> None:
        """Make the folder and its rooms, readable by its owner only.

        Raises:
            ConfigError: the folder cannot be created or written to.
        """
        try:
            for folder in (self.path, *(self.path / name for name in ("logs", "s3", "prefect", "mlflow", "cache"))):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise ConfigError(f"cannot use {self.path} as home folder: {error}; set {PREFIX}HOME") from error

    def variables(self) -> dict[str, str]:
        """What `env` says; {} before the first start."""
        return read_env_file(self.env_file)

    def remember(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Set these variables in `env`, keep every other variable that a person added, and return them all."""
        merged = {**self.variables(), **variables}
        lines = [
            "# Written by `evergreen up`; variables that you add are kept.",
            *(f"{n}={v}" for n, v in merged.items()),
        ]
        write_privately(self.env_file, "\n".join(lines) + "\n")
        return merged


def write_privately(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner may read it, and a reader never sees half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # created with mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def addresses(home: Home, ports: Mapping[str, int]) -> dict[str, str]:
    """The variables that lead to the embedded stack; the S3 key pair is drawn once and then kept."""
    known = home.variables()
    return {
        PREFIX + "HOME": str(home.path),
        PREFIX + "BUCKET": BUCKET,
        PREFIX + "S3_ENDPOINT": loopback(ports["s3"]),
        PREFIX + "S3_ACCESS_KEY": known.get(PREFIX + "S3_ACCESS_KEY") or "EG" + secrets.token_hex(9).upper(),
        PREFIX + "S3_SECRET_KEY": known.get(PREFIX + "S3_SECRET_KEY") or secrets.token_hex(20),
        PREFIX + "LEDGER_URL": f"sqlite:///{home.path / 'ledger.db'}",
        PREFIX + "MLFLOW_URL": loopback(ports["mlflow"]),
        PREFIX + "PREFECT_URL": loopback(ports["prefect"]) + "/api",
        PREFIX + "PAGES_URL": loopback(ports["pages"]),
    }


def loopback(port: int) -> str:
    """The address of a port on this machine, for this machine only."""
    return f"http://127.0.0.1:{port}"


def source_root() -> Path:
    """The folder that `import tasks` finds its package in: a checkout, or site-packages."""
    return Path(tasks.__file__).resolve().parent.parent


def project() -> Path | None:
    """The folder with `prefect.yaml`: the working directory, else the checkout that runs; None without one."""
    for folder in (Path.cwd(), source_root()):
        if (folder / "prefect.yaml").is_file():
            return folder.resolve()
    return None
