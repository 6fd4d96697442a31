"""One page about one window: what is wrong, how it looks, since when, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.domain.finding import Finding, Outcome
from tasks.domain.notice import Fact, Link
from tasks.domain.subjects import DIGEST, ESTIMATE, KPI, TOLD_ONLY
from tasks.domain.verdict import Cause, Verdict
from tasks.domain.window import Window
from tasks.domain.wording import ADVICE, moment, one_line
from tasks.report.boxed import Boxed
from tasks.report.embedding_map import EmbeddingMap
from tasks.report.heat import Moved
from tasks.report.kpi_table import KpiTable
from tasks.report.markdown import bounded, escape, link, table
from tasks.report.rendering import render
from tasks.report.rows import Row, blamed, rows_of
from tasks.report.serving_table import ServingTable
from tasks.report.strangers import Stranger

GUESSED = {"map50": "mAP50", "accuracy": "Accuracy"}
"""What is estimated without labels, as a person reads it."""

MARKDOWN_LIMIT = 5_000
"""Characters of the Markdown form: what MLflow shows, and small enough for every list of artifacts."""

ROWS_LIMIT = 200
"""Rows of the page; the ledger has them all."""

MARKDOWN_ROWS = 12

OPEN = 2
"""Cameras that are shown for a cause over all cameras together, beside those that others name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPictures:
    """A few pictures of one camera: how it was when all was well, and how it is now."""

    camera: str
    reference: tuple[Boxed, ...] = ()
    current: tuple[Boxed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPage:
    """Everything that the page shows. Text is plain; `made_of` says which champion, reference and rules.

    `strangers` are the strangest images, `atlas` the map of all, `moved` the cameras whose objects are elsewhere,
    `serving` how the model was served, `kpis` what the business counts.
    """

    model: str
    window: Window
    verdict: Verdict
    pictures: tuple[CameraPictures, ...] = ()
    links: tuple[Link, ...] = ()
    listed: int = 0
    accepted: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    made_of: tuple[Fact, ...] = ()
    strangers: tuple[Stranger, ...] = ()
    atlas: EmbeddingMap | None = None
    moved: tuple[Moved, ...] = ()
    serving: ServingTable | None = None
    kpis: KpiTable | None = None


def window_page(page: WindowPage) -> bytes:
    """The page as one self-contained HTML file."""
    rows = rows_of(_about(page.verdict), page.verdict.causes)
    shown = rows[:ROWS_LIMIT]
    guilty = blamed(page.verdict)
    suspects = [each for each in page.pictures if each.camera in guilty]
    others = [each for each in page.pictures if each.camera not in guilty]
    if suspects and any(not cause.cameras for cause in page.verdict.causes):  # one cause is about all: show some
        suspects, others = [*suspects, *others[:OPEN]], others[OPEN:]
    return render(
        "window.html.j2",
        page=page,
        verdict=page.verdict,
        todo=todo(page.verdict),
        causes=[(cause, where(cause)) for cause in page.verdict.causes],
        changed=[row for row in shown if row.outcome is not Outcome.OK],
        fine=[row for row in shown if row.outcome is Outcome.OK],
        left_out=len(rows) - len(shown),
        digest=[one_line(f.note) for f in page.verdict.findings() if f.check == DIGEST],
        guessed=[
            (GUESSED.get(f.subject, f.subject), one_line(f.note))
            for f in page.verdict.findings()
            if f.check == ESTIMATE
        ],
        suspects=suspects,
        others=others,
        boxes=any(each.boxes for camera in page.pictures for each in (*camera.reference, *camera.current)),
    )


def window_markdown(page: WindowPage) -> str:
    """The same in Markdown without pictures, at most `MARKDOWN_LIMIT` characters."""
    verdict = page.verdict
    rows = [row for row in rows_of(_about(verdict), verdict.causes) if row.outcome is not Outcome.OK]
    span = f"{moment(page.window.start)} to {moment(page.window.end)}"
    blocks = [
        f"# {escape(one_line(page.model))}: {verdict.state_name}",
        f"{escape(one_line(verdict.sentence))}",
        f"**What to do:** {escape(todo(verdict))}",
        *(f"- {escape(one_line(cause.summary) + where(cause))}" for cause in verdict.causes[:8]),
        f"Window {escape(span)}; {page.accepted} of {page.listed} objects accepted.",
        " · ".join(link(each) for each in page.links),
        "\n".join(table(("Where", "What", "Measured", "Limit", "n", "Since"), map(_cells, rows[:MARKDOWN_ROWS]))),
    ]
    return bounded([block for block in blocks if block], MARKDOWN_LIMIT)


def todo(verdict: Verdict) -> str:
    """What a person should do about the verdict."""
    return ADVICE[verdict.action]


def where(cause: Cause) -> str:
    """Since when and how much of the change, in brackets; empty when neither is known or the summary says it."""
    since = f"since {moment(cause.since)}" if cause.since and " since " not in cause.summary else ""
    share = f"{cause.share:.0%} of the change" if cause.share is not None and "explains" not in cause.summary else ""
    words = ", ".join(word for word in (since, share) if word)
    return f" ({words})" if words else ""


def _about(verdict: Verdict) -> list[Finding]:
    """The findings about this window; what a version has been like since it was made has a page of its own."""
    return [finding for finding in verdict.findings() if finding.check not in {*TOLD_ONLY, KPI}]


def _cells(row: Row) -> tuple[str, ...]:
    return (row.where, row.what, row.measured, row.limit, str(row.n), row.since)
