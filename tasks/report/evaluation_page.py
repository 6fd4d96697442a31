"""One page about one version on labelled images: how good, how sure, what goes wrong, where, and since when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.domain.evaluation import Evaluation
from tasks.domain.model import ModelRef
from tasks.domain.notice import Fact, Link
from tasks.domain.protocol import refusal
from tasks.domain.wording import one_line
from tasks.report.charts import Measured, trend
from tasks.report.evaluation_views import SETS, Measurement, called, span, value, view
from tasks.report.gallery import Cache
from tasks.report.kpi_table import KpiTable
from tasks.report.markdown import bounded, escape, link, table
from tasks.report.rendering import render

ARTIFACT = "evaluation"
"""Name of the page among the artifacts of a judged window."""

MARKDOWN_LIMIT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPage:
    """Everything that the page shows, `measurements` in the order of `SETS`; text is plain."""

    version: ModelRef
    measurements: tuple[Measurement, ...]
    history: tuple[Measured, ...] = ()
    kpis: KpiTable | None = None
    links: tuple[Link, ...] = ()
    made_of: tuple[Fact, ...] = ()


def page_key(model: str, evaluations: Sequence[Evaluation]) -> str:
    """Where the page of these evaluations lies: other labels, another protocol or version is another page."""
    parts = [f"{each.model_sha256}:{each.dataset}:{each.digest}:{each.protocol}" for each in evaluations]
    name = hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:24]
    return f"{model}/evergreen/evaluations/pages/{name}.html"


def evaluation_page(page: EvaluationPage, cache: Cache) -> bytes:
    """The page as one self-contained HTML file."""
    views = [view(each, cache) for each in page.measurements if each.evaluation.n]
    return render(
        "evaluation.html.j2",
        page=page,
        views=views,
        empty=[called(each.evaluation.dataset) for each in page.measurements if not each.evaluation.n],
        trend=trend(page.history, SETS),
    )


def evaluation_markdown(page: EvaluationPage) -> str:
    """The numbers in Markdown, at most `MARKDOWN_LIMIT` characters."""
    rows = []
    for each in page.measurements:
        known = each.evaluation
        was = "" if each.baseline is None else value(each.baseline.headline.value)
        was = "another protocol" if each.baseline is not None and refusal(known, each.baseline) else was
        rows.append((called(known.dataset), known.metric, value(known.headline.value), span(known), was, str(known.n)))
    blocks = [
        f"# {escape(one_line(str(page.version)))} on labelled images",
        "\n".join(table(("Set", "Metric", "Value", "95 %", "As champion", "Images"), rows)),
        " · ".join(link(each) for each in page.links),
    ]
    return bounded([block for block in blocks if block], MARKDOWN_LIMIT)
