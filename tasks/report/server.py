"""A small web server on the loopback interface: metrics, the index, and pages out of the bucket.

Pages are sandboxed: whatever stands in one (it holds names and pictures that strangers chose) has no origin,
loads nothing and sends nothing. Names other than the loopback's are refused, so a page elsewhere cannot read
this server by re-binding its own name to 127.0.0.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from tasks.domain.errors import ConfigError, EvergreenError, NotFound
from tasks.report.index_page import content_type, is_page

PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For pages of the bucket. Evidently's need their own inline script; it runs without an origin."""

INDEX_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the answers come from; each may raise an `EvergreenError`."""

    index: Callable[[], bytes]
    metrics: Callable[[], bytes]
    page: Callable[[str], bytes]  # key in the bucket -> bytes
    metrics_type: str = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Status, body and headers of one answer."""

    status: HTTPStatus
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def respond(site: Site, target: str, host: str) -> Reply:
    """The answer to a GET of `target` (path as it was sent) with that Host header."""
    if not is_loopback(host):
        return _say(HTTPStatus.MISDIRECTED_REQUEST, "This server only answers to 127.0.0.1 and localhost.")
    path = target.partition("?")[0]
    try:
        return _route(site, path)
    except NotFound:
        return _say(HTTPStatus.NOT_FOUND, "There is no such page.")
    except EvergreenError as error:
        return _say(HTTPStatus.SERVICE_UNAVAILABLE, f"Cannot answer now: {error}")


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine's loopback, with or without a port.

    >>> is_loopback("localhost:8090"), is_loopback("127.0.0.1.evil.example"), is_loopback("")
    (True, False, False)
    """
    return re.sub(r":\d{1,5}$", "", host.lower()) in LOOPBACK


def server(site: Site, port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """The server, bound and not yet running; port 0 takes any free one.

    Raises:
        ConfigError: another address than the loopback, or a port that is taken.
    """
    if host not in {"127.0.0.1", "localhost"}:
        raise ConfigError(f"pages are served on 127.0.0.1 only, not on {host!r}: put a proxy with a login before them")
    try:
        return _Server(("127.0.0.1", port), _handler(site))
    except (OSError, OverflowError) as error:
        raise ConfigError(f"cannot serve on port {port}: {error}; choose another with --port") from error


def _route(site: Site, path: str) -> Reply:
    if path == "/healthz":
        return _say(HTTPStatus.OK, "ok")
    if path == "/metrics":
        return _reply(site.metrics(), site.metrics_type, "default-src 'none'")
    if path == "/":
        return _reply(site.index(), HTML, INDEX_POLICY)
    if path.startswith("/pages/"):
        return _page(site, unquote(path.removeprefix("/pages/"), errors="strict"))
    raise NotFound("no such path")


def _page(site: Site, key: str) -> Reply:
    kind = content_type(key)
    if kind is None or not is_page(key):
        raise NotFound("not a page")
    return _reply(site.page(key), kind, PAGE_POLICY)


def _say(status: HTTPStatus, sentence: str) -> Reply:
    reply = _reply(sentence.encode() + b"\n", TEXT, "default-src 'none'")
    return Reply(status=status, body=reply.body, headers=reply.headers)


def _reply(body: bytes, kind: str, policy: str) -> Reply:
    headers = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return Reply(status=HTTPStatus.OK, body=body, headers=headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "evergreen", ""
        protocol_version = "HTTP/1.1"
        timeout = 15  # seconds that a client may be silent

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            try:
                reply = respond(site, self.path, self.headers.get("Host", ""))
            except UnicodeDecodeError:
                reply = _say(HTTPStatus.NOT_FOUND, "There is no such page.")
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: paths hold names that strangers chose."""

    return Handler
