"""Questions to a Prefect server over HTTP. Importing Prefect takes two seconds; a question needs none of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from tasks.domain.errors import ConfigError, NotFound, OrchestratorUnavailable, Stale

SAID = 500
"""Characters of a refusal that an error repeats."""


class OrchestratorBusy(OrchestratorUnavailable):
    """The server's database was locked for too long (503): it has changed nothing and may be asked again."""


class PrefectHttp:
    """A server by its API address, with the tokens that protect it against foreign web pages (CSRF)."""

    def __init__(self, url: str, auth: str | None = None, timeout: float = 30.0) -> None:
        """`url` ends in `/api`; `auth` is `user:password` where the server asks for it; `timeout` in seconds."""
        user, _, password = (auth or "").partition(":")
        self.url = url.rstrip("/")
        login = (user, password) if auth else None
        self.connection = httpx.Client(base_url=self.url, timeout=timeout, auth=login, trust_env=False)
        self._client = str(uuid.uuid4())

    def ask(self, method: str, path: str, body: Any = None, missing: str = "") -> Any:
        """The JSON of the answer to one question; None when it has no body. `missing` names what 404 is about.

        Raises:
            OrchestratorBusy: its database is locked.
            OrchestratorUnavailable: no answer, or a fault of the server.
            NotFound: it does not have that.
            Stale: what should be made is there already (409).
            ConfigError: it refused the request.
        """
        try:
            headers = self._token() if method != "GET" else {}
            reply = self.connection.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise OrchestratorUnavailable(f"Prefect at {self.url} did not answer {method} {path}: {error}") from error
        if reply.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            busy = reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
            kind = OrchestratorBusy if busy else OrchestratorUnavailable
            raise kind(f"Prefect answered {reply.status_code} to {method} {path}")
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(f"Prefect at {self.url} has no {missing or path}: was `prefect deploy --all` run?")
        if reply.status_code == httpx.codes.CONFLICT:
            raise Stale(f"Prefect at {self.url} has what {method} {path} asks for already")
        if reply.status_code >= httpx.codes.BAD_REQUEST:
            raise ConfigError(f"Prefect refused {method} {path} with {reply.status_code}: {reply.text[:SAID]}")
        return reply.json() if reply.content else None

    def close(self) -> None:
        """Give the connections back."""
        self.connection.close()

    def _token(self) -> dict[str, str]:
        reply = self.connection.get("/csrf-token", params={"client": self._client})
        if reply.status_code != httpx.codes.OK:
            return {}  # the server runs without that protection: it answers 422 and needs no token
        return {"Prefect-Csrf-Token": reply.json()["token"], "Prefect-Csrf-Client": self._client}


def asked_again(question: Callable[[], Any], after: type[OrchestratorUnavailable], pauses: tuple[float, ...]) -> Any:
    """The answer to a question that is asked once more after each pause (seconds) while it ends in such an error."""
    for pause in pauses:
        try:
            return question()
        except after:
            time.sleep(pause)
    return question()
