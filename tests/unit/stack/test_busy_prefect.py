"""A Prefect server whose database is locked for a moment is asked again; one that stays away is an outage."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tasks.domain.errors import OrchestratorUnavailable
from tasks.stack import prefect_api
from tasks.stack.prefect_api import PrefectApi


class Busy(ThreadingHTTPServer):
    """Answers 503 to so many changes, then does what is asked."""

    refusals = 0
    asked = 0


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
        self._answer(503 if refused else 201, b"{}" if refused else b'{"id": "made"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Busy]:
    monkeypatch.setattr(prefect_api, "PAUSES", (0.0, 0.0, 0.0))
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
