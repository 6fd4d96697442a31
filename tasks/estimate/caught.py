"""Earlier estimates that enough labels have caught up with: each is held against what they say of its window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol as Typed

import numpy as np
import pyarrow as pa

from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.intervals import interval
from tasks.domain.scoring.truth import Truth, truths
from tasks.estimate import kept
from tasks.estimate.backtest import Check
from tasks.estimate.checking import quality_drawn
from tasks.estimate.fitting import quality_of, scored_as
from tasks.estimate.framed import framed, framed_truth
from tasks.estimate.given import estimates_of
from tasks.estimate.rules import EstimateRules


class Asked(Typed):
    """Answers as an evaluation asks for them."""

    def answers(self, table: pa.Table) -> Iterable[Prediction]:
        """The answers about the images of a `datasets` table, in its order."""


def truths_of(champion: ModelRef, table: pa.Table) -> list[Truth]:
    """The labels of a `datasets` table; of whole pictures as boxes around them."""
    found = truths(table)
    return [framed_truth(each) for each in found] if champion.kind is Kind.CLASSIFY else found


def caught_up(
    champion: ModelRef, labelled: pa.Table, digest: str, rules: EstimateRules, asked: Callable[[], Asked]
) -> tuple[Check, ...]:
    """The checks that are new; `asked` gives the version's answers, and is called only when there is one.

    `labelled` is a `datasets` table, `digest` the one of its bytes.
    """
    known, found, answering = {(each.window, each.n) for each in kept.checks_of(champion)}, [], None
    captured, whole = labelled["captured_at"].to_pylist(), champion.kind is Kind.CLASSIFY
    for window, flag, value in estimates_of(champion):
        rows = [at for at, moment in enumerate(captured) if moment is not None and window.contains(moment)]
        if len(rows) < rules.backtest_images or (window, len(rows)) in known:
            continue
        answering = answering or asked()
        part = labelled.take(rows)
        answers = [framed(each) for each in answering.answers(part)]
        scored = scored_as(truths_of(champion, part), answers, champion.classes, whole)
        measured = interval(quality_of(scored, whole), quality_drawn(scored, whole), scored.sessions)
        doubt = (measured.high - measured.low) / kept.STANDARD
        if not np.isfinite(doubt):
            continue
        check = Check(window=window, flag=flag, estimate=value, measured=measured.value, doubt=doubt, n=len(rows))
        kept.keep_check(champion, check, measured, digest)
        found.append(check)
    return tuple(found)
