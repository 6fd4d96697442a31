"""The web server answers to this machine only, serves pages only, and takes their power away."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator

import pytest

from tasks.domain.errors import ConfigError, LedgerUnavailable, NotFound
from tasks.report.server import Site, is_loopback, respond, server

KEY = "solar/evergreen/windows/2026 11/report.html"


def page(key: str) -> bytes:
    if key != KEY:
        raise NotFound(f"no object {key}")
    return b"<p>report</p>"


SITE = Site(index=lambda: b"<p>index</p>", metrics=lambda: b"evergreen_ledger_up 1.0\n", page=page)
HERE = "127.0.0.1:9464"


@pytest.fixture
def port() -> Iterator[int]:
    with server(SITE, 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join()


def get(port: int, path: str, method: str = "GET", host: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", f"{host}:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_index_metrics_health_and_pages_are_served(port: int) -> None:
    assert get(port, "/")[2] == b"<p>index</p>"
    assert get(port, "/metrics")[2] == b"evergreen_ledger_up 1.0\n"
    assert get(port, "/healthz")[0] == 200
    assert get(port, "/pages/solar/evergreen/windows/2026%2011/report.html?x=1")[2] == b"<p>report</p>"


def test_a_page_is_sandboxed_never_sniffed_and_never_kept(port: int) -> None:
    _, headers, _ = get(port, "/pages/solar/evergreen/windows/2026%2011/report.html")
    policy = headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'")
    assert "allow-same-origin" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "python" not in headers["server"].lower()


def test_every_answer_forbids_loading_from_elsewhere(port: int) -> None:
    for path in ("/", "/metrics", "/healthz", "/nothing"):
        assert "default-src 'none'" in get(port, path)[1]["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/pages/../../etc/passwd", "/pages/solar/evergreen/windows/..%2f..%2fmodels/a.html",
        "/pages/solar/evergreen/windows/%2e%2e/models/a.html", "/pages/solar/images/line/a.html",
        "/pages/solar/evergreen/models/a.pt", "/pages/solar/evergreen/windows/a.svg", "/pages/%00.html",
        "/pages/solar/evergreen/windows/a%5c..%5cb.html", "/pages/%ff%fe.html", "/pages//etc/passwd", "//evil.example/",
        "/pages/solar/evergreen/windows/%252e%252e/a.html", "/nothing", "/pages/",
    ],
)  # fmt: skip
def test_no_path_leads_anywhere_else(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", "", "localhost.evil"])
def test_other_names_are_refused(port: int, host: str) -> None:
    assert get(port, "/metrics", host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9464", "127.0.0.1:1", "[::1]:9464"])
def test_the_loopbacks_own_names_are_known(host: str) -> None:
    assert is_loopback(host)


def test_reading_is_all_that_can_be_done(port: int) -> None:
    assert get(port, "/", method="POST")[0] == 501
    assert get(port, "/", method="DELETE")[0] == 501
    status, headers, body = get(port, "/", method="HEAD")
    assert (status, headers["content-length"], body) == (200, "12", b"")


def test_an_outage_behind_the_page_is_said_not_raised() -> None:
    def broken() -> bytes:
        raise LedgerUnavailable("the database did not answer")

    reply = respond(Site(index=broken, metrics=broken, page=page), "/", HERE)
    assert (reply.status, reply.body) == (503, b"Cannot answer now: the database did not answer\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "evergreen.example"])  # noqa: S104 - what is refused
def test_an_open_address_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1 only"):
        server(SITE, 0, host)


def test_a_taken_port_is_one_sentence(port: int) -> None:
    with pytest.raises(ConfigError, match="cannot serve on port"):
        server(SITE, port)
