"""The index shows what the ledger knows and links only to pages that are served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import NotFound
from tasks.domain.finding import Outcome
from tasks.domain.model import Kind, ModelRef
from tasks.domain.promotion import PromotionKind
from tasks.domain.verdict import Action, Verdict
from tasks.domain.window import Window
from tasks.report.server import respond
from tasks.report.site import site

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
PAGE = "solar/evergreen/windows/20261120T000000Z/report-1-1.html"


class Bucket:
    """A bucket with one page."""

    def get(self, key: str, max_bytes: int) -> bytes:
        if key != PAGE:
            raise NotFound(key)
        return b"<p>the report</p>"


def test_champion_window_and_request_are_on_the_index_and_every_link_is_answered(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    with Ledger.open(url, lambda: NOW) as book:
        for sha256, number in (("a" * 64, 3), ("b" * 64, 4)):
            ref = ModelRef(
                name="solar",
                sha256=sha256,
                uri="s3://b/k",
                kind=Kind.DETECT,
                classes=("crack",),
                imgsz=64,
                version=number,
            )
            book.versions.add(ref, "retrain")
        book.promotions.move("solar", PromotionKind.BOOTSTRAP, "", "a" * 64, "Ana", "first")
        gate = book.gates.save("solar", "b" * 64, "a" * 64, Outcome.OK, {})
        book.approvals.request("solar", "b" * 64, "a" * 64, gate, NOW + timedelta(days=2))
        claim = book.windows.claim("solar", Window(NOW - timedelta(days=1), NOW), "worker")
        assert claim is not None
        verdict = Verdict(outcome=Outcome.BREACH, action=Action.FIX_CAMERA, sentence="line-1 went dark.")
        artifacts = {"page": f"s3://bucket/{PAGE}", "table": "s3://bucket/solar/evergreen/profiles/x.parquet"}
        book.windows.commit(claim, verdict, WindowFacts(listed=1, accepted=1, artifacts=artifacts))
        made = site(lambda: book, Bucket)  # type: ignore[arg-type]
        html = respond(made, "/", "localhost").body.decode()
        for words in ("solar v3", "line-1 went dark.", "Request 1 waits", f"/pages/{PAGE}"):
            assert words in html
        assert f"/pages/solar/evergreen/decisions/{gate[:32]}.html" in html
        assert "profiles" not in html
        assert respond(made, f"/pages/{PAGE}", "localhost").body == b"<p>the report</p>"
        assert respond(made, "/metrics", "localhost").body.startswith(b"# HELP evergreen_ledger_up")
