"""The page about the loop knows every flow, every state it may end in, every action, every event."""

from __future__ import annotations

import re

import pytest
import yaml

from tasks.domain.verdict import STATE_NAMES, Action
from tests.unit.docs.doc_pages import ROOT, headings, text_of

FLOWS = sorted(
    {d["entrypoint"].split(".")[1] for d in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_flow_has_a_section_that_names_every_state_it_may_end_in(flow: str) -> None:
    page = text_of("loop.md")
    assert flow in headings(page)
    section = page.split(f"### {flow}\n")[1].split("\n##")[0]
    states = set(re.findall(r'Completed\(name="(\w+)"', (ROOT / "flows" / f"{flow}.py").read_text(encoding="utf-8")))
    assert {state for state in states if f"`{state}`" not in section} == set()


def test_every_state_of_a_verdict_and_every_action_is_explained() -> None:
    page = text_of("loop.md")
    for word in (*STATE_NAMES.values(), *Action):
        assert f"`{word}`" in page


def test_every_event_is_listed_among_the_signals() -> None:
    announced = re.findall(r'"(evergreen\.[\w.]+)"', (ROOT / "flows/events.py").read_text(encoding="utf-8"))
    listed = re.findall(r"^\| `(evergreen\.[\w.]+)` \|", text_of("signals.md"), flags=re.MULTILINE)
    assert sorted(announced) == sorted(listed)
