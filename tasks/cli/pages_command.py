"""`evergreen pages`: reports, the index and Prometheus metrics on this machine."""

from __future__ import annotations

from tasks.cli.output import OK, say

DEFAULT_PORT = 9464
"""The port that Prometheus exporters of this kind use; `evergreen up` starts this server on it too."""


def pages(*, port: int = DEFAULT_PORT, host: str = "127.0.0.1") -> int:
    """Serve reports and metrics until Ctrl-C; any host but the loopback is refused."""
    from tasks.adapters.logs import configure_logging
    from tasks.connections import ledger, store
    from tasks.report.server import server
    from tasks.report.site import site

    configure_logging("INFO")
    with server(site(ledger, store), port, host) as running:
        say(f"pages and metrics on http://127.0.0.1:{running.server_port}")
        try:
            running.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            say("stopped")
    return OK
