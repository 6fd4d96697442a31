"""A comparison says which gate is shut and by how much."""

from __future__ import annotations

from tasks.domain.evaluation import Comparison
from tasks.domain.finding import Finding, Outcome


def test_a_closed_gate_is_named_with_what_was_measured() -> None:
    fine = Finding(check="finite", subject="answers", outcome=Outcome.OK, value=0.0)
    shut = Finding(
        check="non_inferiority", subject="golden map50_95", outcome=Outcome.INCONCLUSIVE, note="-0.026, must be above"
    )
    comparison = Comparison(champion_sha256="a" * 64, challenger_sha256="b" * 64, gates=(fine, shut))
    assert comparison.closed == "non_inferiority of golden map50_95 inconclusive -0.026, must be above"
    assert Comparison(champion_sha256="a" * 64, challenger_sha256="b" * 64, gates=(fine,)).closed == ""
