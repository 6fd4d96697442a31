"""Commands that show figures: how the model was served, what the business says, how good it is."""

from __future__ import annotations

from typing import Any

from tasks.cli.known_model import hint
from tasks.cli.output import OK, nothing, say, show_json, show_table


def serving(model: str, *, window: str | None = None, json: bool = False) -> int:
    """Latency, throughput, errors and promises of the newest window (or `--window start/end`)."""
    from tasks.connections import ledger
    from tasks.domain.finding import Stage, finding_json
    from tasks.domain.serving import figures_json, figures_kept

    row = _judged(model, window)
    figures = figures_kept(row.facts.artifacts) if row is not None and row.facts is not None else None
    if row is None or figures is None:
        note = f"no serving figures of {model} yet: `evergreen monitor {model}` (`--rescore --window` for older ones)"
        return nothing(note + hint(model), json)
    found = [f for stage, f in ledger().findings.of(model, row.window) if stage is Stage.SERVING]
    if json:
        shown = figures_json(figures)
        shown.pop("tallies")
        show_json({"window": str(row.window), **shown, "findings": [finding_json(each) for each in found]})
        return OK
    show_table(f"{model}, {row.window}: latency in ms", [_group(each) for each in figures.groups], "")
    rows = [{"promise": f.subject, "question": f.check, "is": f.outcome.value, "because": f.note} for f in found]
    show_table("promises", rows, "nothing is promised")
    return OK


def _group(group: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"where": group.where, "images": group.requests, "a second": f"{group.per_second:.3g}"}
    row["errors"] = f"{group.error_rate:.2%}"
    for step in ("total", "preprocess", "inference", "postprocess"):
        found = group.latency.get(step)
        row[f"{step} P50/95/99"] = "/".join(f"{value:.3g}" for value in found.quantiles) if found else "–"
    return row


def _judged(model: str, window: str | None) -> Any:
    """The named window, or the newest judged one."""
    from tasks.connections import ledger
    from tasks.domain.window import Window

    book = ledger()
    if window:
        return book.windows.get(model, Window.parse(window))
    return next((row for row in book.windows.latest(model, 50) if row.facts is not None), None)


def kpis(model: str, *, window: str | None = None, json: bool = False) -> int:
    """The numbers of the business in the newest window (or `--window start/end`), and rows that were kept out."""
    from json import loads

    from tasks.domain.kpi import kpis_kept, kpis_text

    row = _judged(model, window)
    if row is None or row.facts is None:
        return nothing(f"no such window of {model} was judged: `evergreen windows {model}`{hint(model)}", json)
    business = kpis_kept(row.facts.artifacts)
    if json:
        show_json({"window": str(row.window), **loads(kpis_text(business))})
        return OK
    rows = [
        {"number": each.name, "where": each.slice, "value": f"{each.value:.6g} {each.unit}".strip(),
         "better": each.better, "limit": each.limit, "is": each.outcome.value if each.outcome else "",
         "from": each.source}
        for each in business.kpis
    ]  # fmt: skip
    show_table(f"{model}, {row.window}", rows, f"no number is about {row.window}: write tables to {model}/kpis/")
    for each in business.refused:
        say(f"kept out: {each.source}: {each.reason}, {each.note}")
    return OK


def evaluation(model: str, *, open: bool = False, json: bool = False) -> int:
    """How good the champion is on labelled images, and where its page is (`--open` shows it)."""
    import webbrowser

    from tasks.connections import ledger, store
    from tasks.report.evaluation_page import page_key
    from tasks.report.evaluations import newest
    from tasks.report.index_page import page_path
    from tasks.settings import settings

    champion = ledger().promotions.champion(model)
    known = newest(model, champion.sha256) if champion else []
    if champion is None or not known:
        return nothing(f"no evaluation of {model}'s champion yet: `evergreen evaluate {model}`{hint(model)}", json)
    key = page_key(model, known)
    path = page_path(key) if store().exists(key) else None
    url = f"{(settings().pages_url or '').rstrip('/')}{path}" if path else ""
    rows = [_evaluated(each) for each in known]
    if json:
        numbers = {each.dataset: _finite(each.metrics) for each in known}
        show_json({"version": str(champion), "page": url, "evaluations": rows, "numbers": numbers})
    else:
        show_table(f"{champion} on labelled images", rows, "")
        say(url or f"no page yet: `evergreen evaluate {model}`")
    if open and url.startswith("http"):
        webbrowser.open(url)
    return OK


def _evaluated(each: Any) -> dict[str, Any]:
    headline = _finite({"value": each.headline.value, "low": each.headline.low, "high": each.headline.high})
    return {"set": each.dataset, "metric": each.metric, **headline, "images": each.n}


def _finite(values: Any) -> dict[str, float | None]:
    from math import isfinite

    return {name: round(value, 6) if isfinite(value) else None for name, value in values.items()}
