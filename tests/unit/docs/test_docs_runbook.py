"""Nobody is woken by something that the runbook does not explain."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tasks.adapters.metrics_catalogue import CATALOGUE
from tasks.domain.verdict import Action
from tests.unit.docs.doc_pages import PAGES, ROOT, anchors, headings, text_of


def alert_rules() -> list[dict[str, Any]]:
    """Every alerting rule below infra/prometheus/rules, Prometheus' own tests aside."""
    found = []
    for path in sorted((ROOT / "infra/prometheus/rules").rglob("*.y*ml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        found += [rule for group in content.get("groups", ()) for rule in group["rules"] if "alert" in rule]
    return found


RULES = alert_rules()


def test_every_action_of_a_verdict_has_its_section() -> None:
    assert {action.value for action in Action} <= set(headings(text_of("runbook.md")))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_named_in_the_runbook_and_leads_to_a_section(rule: dict[str, Any]) -> None:
    page = text_of("runbook.md")
    assert f"`{rule['alert']}`" in page
    links = [text for name, text in rule.get("annotations", {}).items() if name.startswith("runbook")]
    assert links, f"{rule['alert']} has no runbook annotation"
    for link in links:
        anchor = link.rpartition("#")[2]
        targets = [action.value for action in Action] if "{{" in anchor else [anchor]
        assert "runbook" in link and set(targets) <= set(anchors(page))


def test_the_runbook_explains_no_alert_that_does_not_exist() -> None:
    told = re.findall(r"`(Evergreen\w+)`", text_of("runbook.md"))
    assert told and set(told) <= {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_metric_that_a_page_names_is_exposed(page: Any) -> None:
    named = set(re.findall(r"\bevergreen_[a-z_]+\b", page.read_text(encoding="utf-8")))
    assert named <= set(CATALOGUE)
