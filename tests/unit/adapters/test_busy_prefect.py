"""A Prefect server whose database is locked for a moment is asked again; what it refuses has one kind of error each."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tasks.adapters import orchestrator
from tasks.adapters.orchestrator import Orchestrator
from tasks.domain.errors import ConfigError, EvergreenError, NotFound, OrchestratorUnavailable, Stale
from tasks.stack import prefect_api
from tasks.stack.prefect_api import PrefectApi


class Busy(ThreadingHTTPServer):
    """Answers 503 to so many changes, then does what is asked."""

    refusals = 0
    asked = 0
    status = 201


class Handler(BaseHTTPRequestHandler):
    server: Busy

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._answer(422, b"{}")  # no CSRF protection here

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked += 1
        refused = self.server.asked <= self.server.refusals
        self._answer(503 if refused else self.server.status, b"{}" if refused else b'{"id": "made"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Busy]:
    for module in (prefect_api, orchestrator):
        monkeypatch.setattr(module, "PAUSES", (0.0, 0.0, 0.0))
    with Busy(("127.0.0.1", 0), Handler) as here:
        Thread(target=here.serve_forever, daemon=True).start()
        yield here
        here.shutdown()


def api(server: Busy) -> PrefectApi:
    return PrefectApi(f"http://127.0.0.1:{server.server_port}/api")


def test_a_change_that_a_locked_database_refused_is_asked_for_again(server: Busy) -> None:
    server.refusals = 3
    with api(server) as here:
        assert here.call("POST", "/deployments/", {}) == {"id": "made"}
    assert server.asked == 4


def test_a_server_that_stays_busy_is_an_outage(server: Busy) -> None:
    server.refusals = 9
    with api(server) as here, pytest.raises(OrchestratorUnavailable, match="503"):
        here.call("POST", "/deployments/", {})
    assert server.asked == 4


def test_a_question_of_the_loop_is_asked_again_as_well(server: Busy) -> None:
    server.refusals = 3
    loop = Orchestrator(f"http://127.0.0.1:{server.server_port}/api")
    assert loop.healthy()
    loop.close()
    assert server.asked == 4


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (409, Stale), (422, ConfigError), (500, OrchestratorUnavailable)]
)
def test_what_the_server_refuses_has_an_error_of_its_own_and_is_asked_once(
    server: Busy, status: int, kind: type[EvergreenError]
) -> None:
    server.status = status
    with api(server) as here, pytest.raises(kind):
        here.call("POST", "/deployments/", {})
    assert server.asked == 1


def test_a_pool_that_is_there_already_is_left_alone(server: Busy) -> None:
    server.status = 409
    with api(server) as here:
        here.ensure_pools()
    assert server.asked == len(prefect_api.POOLS)
