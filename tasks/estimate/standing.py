"""How a model stands without labels, and what labels said of earlier estimates: what the command line shows."""

from __future__ import annotations

import math
from typing import Any

from tasks.connections import ledger
from tasks.domain.evaluation import Evaluation
from tasks.domain.finding import Finding
from tasks.domain.model import ModelRef
from tasks.domain.window import Window
from tasks.estimate import kept
from tasks.estimate.backtest import running
from tasks.estimate.calibration import Calibration
from tasks.estimate.flag import Flag
from tasks.estimate.guess import UNCALIBRATED, flag_of, is_estimate
from tasks.estimate.rules import EstimateRules

SHOWN = 20
"""Rows of checks and audits."""


def standing(model: str) -> dict[str, Any] | None:
    """The newest estimate, its running error, what the calibration is made of, checks and audits; None: no champion."""
    champion = ledger().promotions.champion(model)
    if champion is None:
        return None
    said, checks, calibration = _newest(champion), kept.checks_of(champion), kept.calibration_of(champion)
    last = EstimateRules().backtests
    errors = {flag.value: running(checks, flag, last) for flag in (Flag.VALID, Flag.EXTRAPOLATING)}
    flag = (flag_of(said[1]) or Flag.UNVERIFIABLE).value if said else None
    return {
        "model": model,
        "version": champion.sha256,
        "window": str(said[0]) if said else None,
        "flag": flag,
        "metric": said[1].subject if said else None,
        "value": said[1].value if said else None,
        "images": said[1].n if said else 0,
        "sentence": _sentence(model, said, calibration is not None),
        "running_error": {
            name: {"n": each.n, "error": each.error, "bias": each.bias} for name, each in errors.items() if each
        },
        "calibration": _learnt(calibration) if calibration else None,
        "checks": [
            {"window": str(c.window), "flag": c.flag, "estimate": c.estimate, "labels": c.measured, "n": c.n}
            for c in checks[:SHOWN]
        ],
        "audits": [_audit(window, found) for window, found in kept.audited_of(champion)[:SHOWN]],
    }


def _sentence(model: str, said: tuple[Window, Finding] | None, calibrated: bool) -> str:
    if said is None:
        return f"no window has an estimate yet: `evergreen monitor {model}`"
    window, found = said
    if calibrated and found.note.startswith(UNCALIBRATED):
        again = f"`evergreen monitor {model} --rescore --window {window}`"
        return f"judged before this version was calibrated; {again} judges it again"
    return found.note


def _learnt(calibration: Calibration) -> dict[str, Any]:
    return {
        "labelled_images": calibration.n,
        "metric": calibration.metric,
        "quality": calibration.quality,
        "calibration_error": calibration.belief.error,
        "left_out_error": None if math.isnan(calibration.error) else calibration.error,
        "second_version": calibration.second or None,
    }


def _audit(window: Window, found: Evaluation) -> dict[str, Any]:
    return {
        "window": str(window),
        "metric": found.metric,
        "value": found.headline.value,
        "low": found.headline.low,
        "high": found.headline.high,
        "labels": found.n,
        "narrower": found.metrics.get("gain"),
    }


def _newest(champion: ModelRef) -> tuple[Window, Finding] | None:
    """The newest window that says something of this version without labels."""
    for row in ledger().windows.latest(champion.name, SHOWN):
        for stage, found in ledger().findings.of(champion.name, row.window):
            if is_estimate(stage, found):
                return row.window, found
    return None
