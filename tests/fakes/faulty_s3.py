"""An S3 server on 127.0.0.1 that misbehaves on demand: half bodies, flipped bytes, trickles, errors."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FaultyS3:
    """Serves `body` under every key; `faults` are used up one a request: half, flip, trickle, reset or a status."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.faults: list[str] = []
        self.requests = 0
        self.received: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def do_PUT(self) -> None:
                outer.received.append(self.rfile.read(int(self.headers["Content-Length"])))
                outer.answer(self, body=b"")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes | None = None) -> None:
        self.requests += 1
        fault = self.faults.pop(0) if self.faults else ""
        body = self.body if body is None else body
        if fault.isdecimal():
            code = {"503": "SlowDown", "403": "AccessDenied", "404": "NoSuchKey"}[fault]
            self._send(handler, int(fault), f"<Error><Code>{code}</Code></Error>".encode(), '"x"')
            return
        if fault == "reset":
            handler.close_connection = True
            handler.connection.close()
            return
        etag = f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'
        self._send(handler, 200, bytes([body[0] ^ 1]) + body[1:] if fault == "flip" else body, etag, fault)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes, etag: str, fault: str = "") -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("ETag", etag)
        handler.send_header("Last-Modified", "Fri, 20 Nov 2026 06:00:00 GMT")
        handler.end_headers()
        if fault == "half":
            handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
        elif fault == "trickle":
            handler.wfile.write(body[:10])
            handler.wfile.flush()
            time.sleep(0.3)
            handler.wfile.write(body[10:])
        else:
            handler.wfile.write(body)
