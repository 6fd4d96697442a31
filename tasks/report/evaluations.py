"""What the ledger and the bucket know of a version's evaluations, put together for its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.adapters.ledger.records import EvaluationRecord, WindowFacts
from tasks.connections import ledger, store
from tasks.domain.errors import NotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.kpi import kpis_kept
from tasks.domain.model import ModelRef
from tasks.domain.notice import Fact, Link
from tasks.domain.portrait import Portrait, portrait_key, portrait_of
from tasks.domain.protocol import refusal
from tasks.report.charts import Measured
from tasks.report.evaluation_page import ARTIFACT, EvaluationPage, page_key
from tasks.report.evaluation_views import SETS, Measurement
from tasks.report.kpi_table import KpiTable, kpi_table

RECORDS = 400
"""Newest evaluations that are looked at for the trend."""

PORTRAIT_BYTES = 32 * 1024 * 1024

BASELINES = ("baseline", "golden", "val")
"""Where a version's number of the day it became champion is looked for."""


def newest(model: str, sha256: str) -> list[Evaluation]:
    """The newest evaluation of that version on each set that has a page, in the order of the page."""
    found = (ledger().evaluations.latest(model, sha256, dataset) for dataset, _ in SETS)
    return [each for each in found if each is not None]


def page_of(version: ModelRef, links: Sequence[Link], made_of: Sequence[Fact]) -> EvaluationPage:
    """The page about a version's newest evaluations."""
    records = ledger().evaluations.list(version.name, RECORDS)
    return EvaluationPage(
        version=version,
        measurements=tuple(_measurement(version, each, records) for each in newest(version.name, version.sha256)),
        history=tuple(history(records, _numbers(version))),
        kpis=_kpis(version.name),
        links=tuple(links),
        made_of=tuple(made_of),
    )


def history(records: Sequence[EvaluationRecord], numbers: Mapping[str, str]) -> list[Measured]:
    """Every evaluation of a version that was champion, each set of labels once, the oldest first.

    `records` are the newest first; `numbers` maps the SHA-256 of those versions to what they are called.
    """
    seen: set[tuple[str, str, str, str]] = set()
    last: dict[str, Evaluation] = {}
    found = []
    for record in reversed(records):
        each = record.evaluation
        key = (each.model_sha256, each.dataset, each.digest, each.protocol)
        if each.model_sha256 not in numbers or not each.n or key in seen:
            continue
        seen.add(key)
        before, last[each.dataset] = last.get(each.dataset), each
        found.append(
            Measured(
                at=record.created_at,
                dataset=each.dataset,
                version=numbers[each.model_sha256],
                value=each.headline.value,
                low=each.headline.low,
                high=each.headline.high,
                n=each.n,
                apart=refusal(before, each) if before else "",
            )
        )
    return found


def with_evaluation(facts: WindowFacts, model: str) -> WindowFacts:
    """The facts of a window with the page about its champion's newest evaluations, where there is one."""
    known = newest(model, facts.champion_sha256) if facts.champion_sha256 else []
    key = page_key(model, known) if known else ""
    if not key or not store().exists(key):
        return facts
    return replace(facts, artifacts={**facts.artifacts, ARTIFACT: store().uri(key)})


def _measurement(version: ModelRef, known: Evaluation, records: Sequence[EvaluationRecord]) -> Measurement:
    mine = [r.evaluation for r in records if r.evaluation.model_sha256 == version.sha256 and r.evaluation.n]
    others = [e for e in mine if e.dataset == known.dataset and e.digest != known.digest]
    first = next((e for name in BASELINES for e in mine if e.dataset == name), None)
    if known.dataset == "golden":
        first = others[-1] if others else None
    return Measurement(
        evaluation=known,
        portrait=_portrait(version.name, known),
        before=others[0] if others and others[0] is not first else None,
        baseline=first,
    )


def _portrait(model: str, known: Evaluation) -> Portrait:
    """What was kept when it was scored; an empty one for evaluations of older versions."""
    try:
        return portrait_of(store().get(portrait_key(model, known), PORTRAIT_BYTES))
    except NotFound:
        return Portrait()


def _numbers(version: ModelRef) -> dict[str, str]:
    """Versions that are or were champion, and the one that the page is about."""
    was = {move.to_sha256 for move in ledger().promotions.history(version.name)} | {version.sha256}
    refs = [record.ref for record in ledger().versions.list(version.name) if record.ref.sha256 in was]
    return {ref.sha256: f"v{ref.version}" if ref.version else ref.sha256[:8] for ref in (*refs, version)}


def _kpis(model: str) -> KpiTable | None:
    rows = ledger().windows.latest(model, 50)
    kept = (kpis_kept(row.facts.artifacts) for row in rows if row.facts is not None)
    return next((table for each in kept if (table := kpi_table(each)) is not None), None)
