"""The page about one version: where it is weak on labelled images, and what it may have learnt instead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.domain.finding import Finding, Outcome, finding_json
from tasks.domain.model import ModelRef
from tasks.domain.subjects import TOLD_ONLY, WEAK_SEGMENT
from tasks.domain.weak import Case, Spot
from tasks.domain.wording import moment, one_line
from tasks.report.boxed import Boxed, boxed
from tasks.report.gallery import Cache
from tasks.report.rendering import render
from tasks.report.rows import Row, row_of

BYTES = 30_000
"""Most bytes of a picture: with the pictures of six segments the page stays below 2 MB."""

ARTIFACT = "weak_segments"
"""Name of the page among the artifacts of a judged window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One finding with its pictures."""

    row: Row
    title: str
    worst: tuple[Boxed, ...]
    best: tuple[Boxed, ...]


def told(findings: Sequence[Finding]) -> list[Finding]:
    """Those of the findings that this page is about."""
    return [finding for finding in findings if finding.check in TOLD_ONLY]


def page_key(model: str, findings: Sequence[Finding]) -> str:
    """Where the page of these findings lies: the same findings have the same page, and no page is ever changed."""
    text = json.dumps([finding_json(finding) for finding in told(findings)], sort_keys=True)
    return f"{model}/evergreen/windows/weak-{hashlib.sha256(text.encode()).hexdigest()[:24]}.html"


def weak_page(version: ModelRef, n: int, spots: Sequence[Spot], cache: Cache) -> bytes:
    """The page as one self-contained HTML file; `n` is how many labelled images there were."""
    shown = [_shown(spot, cache) for spot in spots]
    findings = [spot.finding for spot in spots]
    return render(
        "weak.html.j2",
        version=str(version),
        n=n,
        segments=[each for each, f in zip(shown, findings, strict=True) if f.check == WEAK_SEGMENT and _open(f)],
        shortcuts=[each for each, f in zip(shown, findings, strict=True) if f.check != WEAK_SEGMENT and _open(f)],
        fine=[each.row for each, f in zip(shown, findings, strict=True) if not _open(f)],
    )


def _open(finding: Finding) -> bool:
    return finding.outcome is Outcome.BREACH or (finding.outcome is Outcome.INCONCLUSIVE and finding.value is not None)


def _shown(spot: Spot, cache: Cache) -> Shown:
    finding = spot.finding
    where = f" (camera {finding.camera})" if finding.camera and finding.camera not in finding.subject else ""
    return Shown(
        row=row_of(finding),
        title=one_line(f"{finding.subject[:1].upper()}{finding.subject[1:]}{where}", 200),
        worst=_pictures(spot.worst, cache),
        best=_pictures(spot.best, cache),
    )


def _pictures(cases: Sequence[Case], cache: Cache) -> tuple[Boxed, ...]:
    found = (_picture(case, cache) for case in cases)
    return tuple(each for each in found if each is not None)


def _picture(case: Case, cache: Cache) -> Boxed | None:
    photo = case.photo
    when = f", {moment(photo.captured_at)}" if photo.captured_at else ""
    if any(mark.box for mark in (*case.truth, *case.answer)) or not case.answer:
        words = f"score {case.score:.2f}"
    else:
        truth = ", ".join(one_line(mark.label, 40) for mark in case.truth[:3]) or "nothing"
        words = f"is {truth}, answered {one_line(case.answer[0].label, 40)} ({case.answer[0].confidence or 0:.0%} sure)"
    marks = [("truth", mark) for mark in case.truth] + [("answer", mark) for mark in reversed(case.answer)]
    return boxed(photo.key, photo.sha256, marks, f"{words}; {one_line(photo.camera, 60)}{when}", cache, BYTES)
