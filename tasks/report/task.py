"""Write a verdict or a comparison down once: the page into the bucket, the facts into the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.tables import MANY
from tasks.connections import images, ledger, registry, store, tables
from tasks.domain.evaluation import Comparison
from tasks.domain.finding import Finding
from tasks.domain.intent import Intent, IntentKind
from tasks.domain.kpi import kpis_kept
from tasks.domain.model import Kind, ModelRef
from tasks.domain.notice import Fact, Link
from tasks.domain.serving import figures_kept
from tasks.domain.snapshot import AS_OF, LEFT_OUT, STRANGE, WHERE, Claim, TableRef, table_of
from tasks.domain.verdict import Verdict
from tasks.domain.weak import Spot
from tasks.report import decision_page, evaluations, weak_page
from tasks.report.comparison_json import comparison_from_json, comparison_json
from tasks.report.decision_page import DecisionPage
from tasks.report.embedding_map import embedding_map
from tasks.report.evaluation_page import evaluation_markdown, evaluation_page, page_key
from tasks.report.gallery import exhibits
from tasks.report.heat import moved
from tasks.report.index_page import decision_key, page_links
from tasks.report.judged import Judged
from tasks.report.kpi_table import kpi_table
from tasks.report.pictures import Row, per_camera, places, sampled, with_answers
from tasks.report.rows import blamed
from tasks.report.serving_table import serving_table
from tasks.report.strangers import strangers
from tasks.report.window_page import WindowPage, window_markdown, window_page
from tasks.settings import settings

HTML = "text/html; charset=utf-8"
SEEN = ["image_id", "key", "camera", "sha256", "captured_at"]
"""What is read of an image that may be shown."""


@task(cache_policy=NO_CACHE)
def publish_window(claim: Claim, verdict: Verdict, facts: WindowFacts) -> WindowFacts:
    """The one-page report in the bucket and as a Prefect artifact; the facts with its address."""
    suspects = blamed(verdict)
    before, now = _reference(facts, suspects), _catalog(facts, suspects)
    seen, classes = _rows(facts, STRANGE), _classes(claim, facts)
    strange = strangers(seen, classes, images())
    page = WindowPage(
        model=claim.model,
        window=claim.window,
        verdict=verdict,
        pictures=per_camera(now, before, images(), suspects, classes),
        links=page_links(facts.artifacts, settings().pages_url or ""),
        listed=facts.listed,
        accepted=facts.accepted,
        quarantined=facts.quarantined,
        made_of=_made_of(claim, facts),
        strangers=strange,
        atlas=embedding_map(seen, strange, images()),
        moved=moved(verdict.findings(), _rows(facts, WHERE), (before, now), images()),
        kpis=kpi_table(kpis_kept(facts.artifacts)),
        serving=serving_table(figures_kept(facts.artifacts)),
    )
    folder = f"{claim.model}/evergreen/windows/{claim.window.start:%Y%m%dT%H%M%SZ}"
    key = f"{folder}/report-{claim.revision}-{claim.epoch}.html"
    store().put(key, window_page(page), HTML)
    create_markdown_artifact(window_markdown(page), key=artifact_key("window", claim.model))
    artifacts = {**facts.artifacts, "page": store().uri(key)}
    return replace(facts, artifacts=artifacts)


@task(cache_policy=NO_CACHE)
def commit_window(claim: Claim, verdict: Verdict, facts: WindowFacts, intents: Sequence[Intent]) -> Judged:
    """The verdict in the ledger, with everything that must follow from it; all or nothing."""
    record = ledger().windows.commit(claim, verdict, facts, intents)
    return Judged(
        model=claim.model,
        window=claim.window,
        revision=record.revision,
        verdict=verdict,
        pages={link.label: link.url for link in page_links(facts.artifacts, settings().pages_url or "")},
    )


@task(cache_policy=NO_CACHE)
def publish_weak(version: ModelRef, n: int, spots: Sequence[Spot]) -> tuple[Finding, ...]:
    """The page about a version's weak segments and shortcuts, when there is something on it; their findings."""
    findings = tuple(spot.finding for spot in spots)
    if any(finding.value is not None for finding in findings):
        page = weak_page.weak_page(version, n, spots, images())
        store().put(weak_page.page_key(version.name, findings), page, HTML)
    return findings


@task(cache_policy=NO_CACHE)
def publish_evaluation(version: ModelRef) -> str:
    """The page about a version's newest evaluations in the bucket and as a Prefect artifact; its address, or ""."""
    known = evaluations.newest(version.name, version.sha256)
    if not known:
        return ""
    key = page_key(version.name, known)
    made_of = (
        Fact(label="Weights", value=version.sha256[:12]),
        *(Fact(label=f"Labels ({each.dataset})", value=each.digest[:12]) for each in known),
        Fact(label="Protocol", value=known[0].protocol[:12]),
        Fact(label="Installation", value=settings().environment),
    )
    page = evaluations.page_of(version, _readings(version, key), made_of)
    store().put(key, evaluation_page(page, images()), HTML)
    create_markdown_artifact(evaluation_markdown(page), key=artifact_key("evaluation", version.name))
    return store().uri(key)


def _readings(version: ModelRef, key: str) -> tuple[Link, ...]:
    """The page itself, the version in MLflow, and the run that made the page."""
    own = page_links({"evaluation": store().uri(key)}, settings().pages_url or "")
    version_url = registry().version_url(version.name, version.version) if version.version else ""
    run_url = flow_run.ui_url or ""
    more = (("version in MLflow", version_url), ("run in Prefect", run_url))
    return (*own, *(Link(label=label, url=url) for label, url in more if url))


def _catalog(facts: WindowFacts, suspects: Sequence[str]) -> list[Row]:
    """A few accepted images of every camera of the window, with the answers about them."""
    if facts.catalog is None:
        return []
    rows = tables().at(facts.catalog, places(_cameras(facts.catalog), suspects), SEEN)
    note = facts.artifacts.get("predictions", "")
    if not note.startswith("{"):
        return with_answers(rows, None)
    shown = rows["image_id"].combine_chunks()
    return with_answers(rows, tables().about(table_of(note), shown, ["image_id", "detections"]))


def _cameras(catalog: TableRef) -> Iterator[pa.Table]:
    """The camera of every row of a catalog, null where the image was not accepted."""
    for batch in tables().batches(catalog, ["camera", "verdict"], MANY):
        yield pa.table({"camera": pc.if_else(pc.equal(batch["verdict"], "accepted"), batch["camera"], None)})


def _reference(facts: WindowFacts, suspects: Sequence[str]) -> list[Row]:
    if facts.reference_id is None:
        return []
    table = tables().read(ledger().references.get(facts.reference_id).table, [*SEEN, "detections"])
    return with_answers(sampled(table.select(SEEN), suspects), table)


def _rows(facts: WindowFacts, name: str) -> list[Mapping[str, object]]:
    """The rows of a table that was kept for the page; none when the window has no such table."""
    note = facts.artifacts.get(name, "")
    return tables().read(table_of(note)).to_pylist() if note.startswith("{") else []


def _classes(claim: Claim, facts: WindowFacts) -> tuple[str, ...]:
    return ledger().versions.get(claim.model, facts.champion_sha256).ref.classes if facts.champion_sha256 else ()


def _made_of(claim: Claim, facts: WindowFacts) -> tuple[Fact, ...]:
    return (
        Fact(label="Revision", value=str(claim.revision)),
        Fact(label="Champion", value=facts.champion_sha256[:12] or "none"),
        Fact(label="Reference", value=str(facts.reference_id or "none")),
        Fact(label="Rules", value=facts.config_hash[:12]),
        Fact(label="Measured by", value=facts.artifacts.get(AS_OF, "what was in force when it was judged")),
        *_sampled(facts),
        Fact(label="Installation", value=settings().environment),
    )


def _sampled(facts: WindowFacts) -> tuple[Fact, ...]:
    left_out = int(facts.artifacts.get(LEFT_OUT, "0"))
    sentence = f"{left_out:,} images or records were not looked at; what was is drawn by camera, class and hour"
    return (Fact(label="Sample", value=sentence),) if left_out else ()


@task(cache_policy=NO_CACHE)
def publish_comparison(champion: ModelRef, challenger: ModelRef, comparison: Comparison) -> str:
    """The gate report in the ledger, its page in the bucket; the report's hash."""
    gate_hash: str = ledger().gates.save(
        challenger.name, challenger.sha256, champion.sha256, comparison.outcome, comparison_json(comparison)
    )
    for each in comparison.evaluations:
        payload = {"model": challenger.name, "sha256": each.model_sha256, "dataset": each.dataset}
        key = (
            f"{IntentKind.LOG_EVALUATION}/{challenger.name}/{each.model_sha256[:16]}/{each.dataset}/{each.digest[:16]}"
        )
        ledger().outbox.add(Intent(key=key, kind=IntentKind.LOG_EVALUATION, payload=payload))
    page = _decision(champion, challenger, comparison, gate_hash)
    shown = exhibits(comparison.contrast.examples, images(), challenger.kind is Kind.DETECT)
    page = replace(page, exhibits=shown)
    store().put(decision_key(challenger.name, gate_hash), decision_page.decision_page(page), HTML)
    create_markdown_artifact(decision_page.decision_markdown(page), key=artifact_key("comparison", challenger.name))
    return gate_hash


def decision_markdown(gate_hash: str) -> str:
    """The evidence of a stored gate report, as the form of the Prefect UI shows it."""
    gate = ledger().gates.get(gate_hash)
    champion, challenger = (
        ledger().versions.get(gate.model, sha256).ref for sha256 in (gate.champion_sha256, gate.challenger_sha256)
    )
    page = _decision(champion, challenger, comparison_from_json(gate.report), gate_hash)
    return decision_page.decision_markdown(page)


def artifact_key(name: str, model: str) -> str:
    """A key as Prefect wants it: lower case, digits and dashes.

    >>> artifact_key("window", "Parts_2 (new)")
    'window-parts-2--new'
    """
    return f"{name}-{''.join(c if c.isascii() and c.isalnum() else '-' for c in model.lower())}".strip("-")


def _decision(champion: ModelRef, challenger: ModelRef, comparison: Comparison, gate_hash: str) -> DecisionPage:
    compare = registry().compare_url(challenger.name, [champion.version, challenger.version])
    own = page_links({"page": store().uri(decision_key(challenger.name, gate_hash))}, settings().pages_url or "")
    return DecisionPage(
        champion=champion,
        challenger=challenger,
        comparison=comparison,
        gate_hash=gate_hash,
        foreign=ledger().versions.get(challenger.name, challenger.sha256).foreign,
        links=(*own, Link(label="compare in MLflow", url=compare)),
    )
