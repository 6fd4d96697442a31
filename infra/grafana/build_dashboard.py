"""Writes `dashboards/evergreen.json`, the Grafana dashboard (schema of Grafana 11.6).

Run it after a change here: `.venv/bin/python infra/grafana/build_dashboard.py`. Tests hold the file against this
program, every expression against Prometheus' own parser, and every metric name against the exporter's catalogue.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "dashboards" / "evergreen.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
ONE = '{model=~"$model"}'
LEVELS = [
    {"type": "value", "options": {"0": {"text": "Healthy", "color": "green", "index": 0}}},
    {"type": "value", "options": {"1": {"text": "Inconclusive", "color": "yellow", "index": 1}}},
    {"type": "value", "options": {"2": {"text": "Degraded", "color": "red", "index": 2}}},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: what it asks Prometheus (expression -> legend) and how it is drawn."""

    title: str
    kind: str
    queries: dict[str, str]
    unit: str = "short"
    width: int = 8
    height: int = 8
    about: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    instant: bool = False


def limit(value: float) -> dict[str, Any]:
    """Green below the value, red from it on, with a line in graphs."""
    steps = [{"color": "green", "value": None}, {"color": "red", "value": value}]
    return {"thresholds": {"mode": "absolute", "steps": steps}, "custom": {"thresholdsStyle": {"mode": "line"}}}


def verdict_levels() -> dict[str, Any]:
    """0, 1 and 2 as the words and colours of a verdict."""
    steps = [{"color": c, "value": v} for c, v in (("green", None), ("yellow", 1), ("red", 2))]
    return {"mappings": LEVELS, "thresholds": {"mode": "absolute", "steps": steps}}


def panels() -> list[Panel]:
    """All panels in reading order: is it healthy, what moved, how good is it, is the monitor itself well."""
    ratio = f"evergreen:finding_ratio{ONE}"
    drift = 'evergreen_finding_outcome{model=~"$model", stage="drift"}'
    good = '{model=~"$model", metric=~"map50_95|accuracy"}'
    return [
        Panel(
            title="Verdict on the newest window", kind="stat", width=6,
            queries={f"max by (model, action) (evergreen_window_outcome{ONE})": "{{model}}: {{action}}"},
            defaults=verdict_levels(), options={"colorMode": "background", "textMode": "value_and_name"}, instant=True,
        ),
        Panel(
            title="Champion", kind="stat", width=6, instant=True, options={"textMode": "name", "colorMode": "none"},
            queries={f"evergreen_champion_info{ONE}": "{{model}} v{{version}}"},
        ),
        Panel(
            title="Promotions that wait for a person", kind="stat", width=6, instant=True, defaults=limit(1),
            queries={f"evergreen_pending_approvals{ONE}": "{{model}}"},
        ),
        Panel(
            title="Since the last judged window", kind="stat", width=6, unit="s", instant=True,
            queries={f"evergreen:monitor_age_seconds{ONE}": "{{model}}"},
        ),
        Panel(
            title="Verdicts over time", kind="status-history", width=24, height=6,
            queries={f"max by (model) (evergreen_window_outcome{ONE})": "{{model}}"},
            defaults=verdict_levels(), options={"showValue": "never"},
        ),
        Panel(
            title="Measured value as a multiple of its limit", kind="timeseries", width=16, height=10,
            about="Over 1 is over the limit, whatever the unit.", defaults=limit(1),
            queries={f"topk(20, {ratio})": "{{subject}} {{slice}} ({{check}})"},
        ),
        Panel(
            title="How the multiples are distributed", kind="histogram", height=10, queries={ratio: "{{subject}}"},
            options={"bucketSize": 0.25},
        ),
        Panel(
            title="Multiples of the limit over time", kind="heatmap", width=12,
            queries={ratio: "{{subject}}"}, options={"calculate": True},
        ),
        Panel(
            title="Drift by camera and property", kind="status-history", width=12,
            queries={f"max by (subject, slice) ({drift})": "{{slice}} {{subject}}"},
            defaults=verdict_levels(), options={"showValue": "never"},
        ),
        Panel(
            title="Performance on labelled images, with its 95 % interval", kind="timeseries", width=16,
            unit="percentunit", defaults={"min": 0, "max": 1},
            queries={
                f"evergreen_performance{good}": "{{dataset}} v{{version}} {{metric}}",
                f"evergreen_performance_low{good}": "{{dataset}} v{{version}} low",
                f"evergreen_performance_high{good}": "{{dataset}} v{{version}} high",
            },
        ),
        Panel(
            title="Labelled images behind it", kind="bargauge", instant=True,
            queries={f"evergreen_performance_images{ONE}": "{{dataset}} v{{version}}"},
        ),
        Panel(
            title="From capture to label", kind="timeseries", unit="s",
            queries={f"evergreen_label_lag_seconds{ONE}": "{{model}}"},
        ),
        Panel(
            title="Labelled share of recent images", kind="timeseries", unit="percentunit",
            queries={f"evergreen_labelled_fraction{ONE}": "{{model}}"}, defaults={"min": 0, "max": 1},
        ),
        Panel(
            title="Latency of answers", kind="timeseries", unit="s", width=12,
            about="Of the newest judged window, all answers together.",
            queries={
                'evergreen_serving_latency_seconds{model=~"$model", slice="all", step="total"}':
                "{{model}} {{quantile}}",
            },
        ),
        Panel(
            title="Images a second and share of errors", kind="timeseries", width=12,
            queries={
                'evergreen_serving_images_per_second{model=~"$model", slice="all"}': "{{model}} images a second",
                'evergreen_serving_error_ratio{model=~"$model", slice="all"}': "{{model}} share of errors",
            },
        ),
        Panel(
            title="How many times too fast bad answers are used up", kind="timeseries", width=16,
            about="Over 1 the allowance does not last its 30 days; each span has its own limit.",
            queries={
                'evergreen_finding_value{model=~"$model", stage="serving", check=~"burn_rate.*"}':
                "{{subject}} {{check}}",
            },
        ),
        Panel(
            title="Quarantined share, all windows", kind="timeseries", unit="percentunit", defaults=limit(0.1),
            queries={f"evergreen:quarantined_ratio{ONE}": "{{model}}"},
        ),
        Panel(
            title="Objects of the last day by verdict and reason", kind="bargauge", width=12, instant=True,
            queries={
                f"sum by (verdict, reason) (increase(evergreen_images_total{ONE}[1d]))": "{{verdict}} {{reason}}"
            },
        ),
        Panel(
            title="Ledger, outbox, windows that were given up", kind="timeseries", width=12,
            queries={
                "evergreen_ledger_up": "ledger up", "evergreen_outbox_pending": "outbox pending",
                "evergreen_outbox_dead": "outbox dead", f"evergreen_windows_failed{ONE}": "{{model}} given up",
            },
        ),
    ]  # fmt: skip


def dashboard() -> dict[str, Any]:
    """The whole dashboard as Grafana imports it."""
    return {
        "uid": "evergreen",
        "title": "Evergreen",
        "tags": ["evergreen"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "timezone": "utc",
        "links": [{"title": "Reports", "type": "link", "url": "http://127.0.0.1:9464/", "targetBlank": True}],
        "templating": {"list": variables()},
        "annotations": {"list": []},
        "panels": placed(panels()),
    }


def variables() -> list[dict[str, Any]]:
    """Which Prometheus, and which models."""
    models = {"query": "label_values(evergreen_windows_failed, model)", "refId": "models"}
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "model", "type": "query", "label": "Model", "datasource": SOURCE, "query": models, "refresh": 2,
            "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
        },
    ]  # fmt: skip


def placed(wanted: list[Panel]) -> list[dict[str, Any]]:
    """Panels left to right, then the next line; ids from 1."""
    x = y = line = 0
    made: list[dict[str, Any]] = []
    for number, panel in enumerate(wanted, start=1):
        if x + panel.width > WIDTH:
            x, y, line = 0, y + line, 0
        made.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, line = x + panel.width, max(line, panel.height)
    return made


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + at), "datasource": SOURCE, "expr": expression, "legendFormat": legend,
            "instant": panel.instant, "range": not panel.instant,
        }
        for at, (expression, legend) in enumerate(panel.queries.items())
    ]  # fmt: skip
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, **panel.defaults}, "overrides": []},
        "options": panel.options,
        "targets": targets,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
