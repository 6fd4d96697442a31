"""The numbers that windows were given without labels, and how they are found again among a window's findings."""

from __future__ import annotations

from tasks.connections import ledger
from tasks.domain.model import ModelRef
from tasks.domain.window import Window
from tasks.estimate.guess import flag_of, is_estimate

WINDOWS = 60
"""Newest windows whose estimates are held against labels."""


def estimates_of(champion: ModelRef) -> list[tuple[Window, str, float]]:
    """The newest windows in which a number was given for this version, with its flag."""
    found = []
    for row in ledger().windows.latest(champion.name, WINDOWS):
        if row.facts is None or row.facts.champion_sha256 != champion.sha256:
            continue
        for stage, said in ledger().findings.of(champion.name, row.window):
            flag = flag_of(said) if is_estimate(stage, said) else None
            if flag is not None and said.value is not None:
                found.append((row.window, flag.value, said.value))
    return found
