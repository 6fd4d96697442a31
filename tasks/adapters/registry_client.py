"""The MLflow client with short patience and no surprises, and its errors in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.domain.errors import ConfigError, EvergreenError, NotFound, RegistryUnavailable

CLIENT_ENVIRONMENT = {
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",  # else files come from an S3 host that only the server sees
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # the default of 7 blocks a call for four minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",  # a value is stored when the call returns
    "DO_NOT_TRACK": "true",
}
"""Set for this process unless the environment says otherwise; MLflow reads no other configuration."""

_TRANSIENT = frozenset({408, 429})


def open_client(url: str) -> Any:
    """An `mlflow.MlflowClient` that talks to `url` only.

    Raises:
        ConfigError: `mlflow` is not the real package (a folder of that name shadows a missing one).
    """
    for name, value in CLIENT_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow

    if not hasattr(mlflow, "__version__"):
        raise ConfigError(
            "the package mlflow is not installed, only a folder of that name was found: install Evergreen again"
        )
    return mlflow.MlflowClient(tracking_uri=url, registry_uri=url)


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """Turn what MLflow raises inside the block into our errors; `asked` opens the sentence.

    Raises:
        RegistryUnavailable: no answer, a server fault or "too many requests": worth another try.
        NotFound: what was named does not exist.
        ConfigError: everything else that MLflow refuses, also missing rights.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise _ours(asked, _status(error), str(error)) from error
    except OSError as error:
        if error.errno is not None:
            raise
        answer = getattr(error, "response", None)  # an HTTP error of the artifact proxy; none: no connection
        status = 503 if answer is None else int(answer.status_code)
        raise _ours(asked, status, str(error)) from error


def _status(error: Any) -> int:
    return int(error.get_http_status_code())


def _ours(asked: str, status: int, said: str) -> EvergreenError:
    short = " ".join(said.split())[:600]
    if status >= 500 or status in _TRANSIENT:
        return RegistryUnavailable(f"{asked}: MLflow did not answer properly ({status}: {short})")
    if status == 404:
        return NotFound(f"{asked}: MLflow does not have it ({short})")
    if status in (401, 403):
        return ConfigError(
            f"{asked}: MLflow refused ({status}); check MLFLOW_TRACKING_USERNAME and its rights ({short})"
        )
    return ConfigError(f"{asked}: MLflow refused ({status}: {short})")
