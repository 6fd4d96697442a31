"""What the web server shows: the ledger's present state and the pages in the bucket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tasks.adapters.ledger.records import WindowRecord
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.metrics import CONTENT_TYPE, exposition
from tasks.adapters.objects import ObjectStore
from tasks.domain.notice import Link
from tasks.domain.promotion import Approval
from tasks.domain.wording import one_line
from tasks.report.index_page import (
    ApprovalLine,
    ModelLines,
    WindowLine,
    decision_key,
    index_page,
    page_links,
    page_path,
)
from tasks.report.server import Site

PAGE_LIMIT = 64 * 1024 * 1024
"""Most bytes of a page: Evidently's carry their own charts library."""

WINDOWS = 12
"""Newest judged windows of a model on the index."""


def site(ledger: Callable[[], Ledger], store: Callable[[], ObjectStore]) -> Site:
    """Answers made anew from ledger and bucket at every request; both are opened when the first one comes."""
    return Site(
        index=lambda: index_page(model_lines(ledger()), datetime.now(UTC)),
        metrics=lambda: exposition(ledger),
        page=lambda key: store().get(key, PAGE_LIMIT),
        metrics_type=CONTENT_TYPE,
    )


def model_lines(book: Ledger) -> tuple[ModelLines, ...]:
    """Every model of the ledger, sorted by name."""
    return tuple(_model(book, name) for name in book.models.names())


def _model(book: Ledger, name: str) -> ModelLines:
    champion = book.promotions.champion(name)
    judged = [row for row in book.windows.latest(name, 2 * WINDOWS) if row.outcome is not None][:WINDOWS]
    return ModelLines(
        name=name,
        champion=str(champion) if champion else "",
        windows=tuple(_window(row) for row in judged),
        approvals=tuple(_approval(request) for request in book.approvals.pending(name)),
    )


def _window(row: WindowRecord) -> WindowLine:
    if row.outcome is None or row.facts is None:
        raise ValueError(f"{row.window} was not judged yet")
    return WindowLine(
        window=row.window,
        outcome=row.outcome,
        sentence=one_line(str((row.verdict or {}).get("sentence", ""))),
        pages=page_links(row.facts.artifacts),
    )


def _approval(request: Approval) -> ApprovalLine:
    evidence = page_path(decision_key(request.model, request.gate_hash))
    return ApprovalLine(
        number=request.id,
        challenger=request.challenger_sha256[:12],
        expires=request.expires_at,
        pages=(Link(label="evidence", url=evidence),) if evidence else (),
    )
