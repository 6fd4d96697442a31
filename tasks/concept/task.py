"""One question after every evaluation: how did each window do, and has the champion's error in production risen?"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import DecisionKind
from tasks.concept.answered import Answered
from tasks.concept.judging import Asked, label_return, report
from tasks.concept.maturity import DATASET
from tasks.concept.reading import Books, Scored, keep_rows, windows_of
from tasks.concept.rules import ConceptRules
from tasks.concept.sequence import Baseline, again, baseline_of, track
from tasks.connections import ledger, store, tables
from tasks.domain.blocked import Blocked, blocked
from tasks.domain.errors import NotFound
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.model import ModelRef
from tasks.domain.signed import require_signed
from tasks.domain.snapshot import TableRef
from tasks.domain.subjects import TOLD_ONLY, Topic, topic

log = logging.getLogger(__name__)

STEADY = "concept_baseline"
"""Kind of the decision that holds which images a champion's error is held against."""


@task(cache_policy=NO_CACHE)
def check_concept(champion: ModelRef, labels: TableRef, performance: Report, rules: ConceptRules) -> Report:
    """Score the windows whose labels changed, keep a row for each, and say whether the error rose and with what.

    Args:
        champion: Whose answers count.
        labels: The labels that count now.
        performance: What evaluation found; a fall there asks the same questions.
        rules: Margins, chances, and how many labels make a window mature.
    """
    books = Books(ledger=ledger(), store=store(), tables=tables())
    known = {row["image_id"]: row for row in tables().read(labels).to_pylist()}
    scored = windows_of(books, champion.name, known, rules)
    changed = keep_rows(books, champion.name, scored, rules)
    log.info("labels of %s: %d of %d windows have a new row", champion.name, changed, len(scored))
    images = _of_champion(scored, champion, _broken(champion.name, rules))
    steady = _baseline(champion, images, rules)
    tracked = track(images, steady, rules) if steady else None
    asked = Asked(
        moved=_moved(champion.name, scored),
        fell=any(f.outcome is Outcome.BREACH and f.check not in TOLD_ONLY for f in performance.findings),
        audited=_audited(champion),
        rules=rules,
    )
    found = report(images, tracked, asked)
    returned = label_return(books.ledger.evaluations.by_window(champion.name, DATASET), rules)
    return replace(found, findings=(*found.findings, *returned))


def audit_labels(model: str, by: str, reason: str) -> int:
    """Note that somebody looked at the labels and found them right; the number of the decision.

    It holds for the present champion: the next one is asked about anew.

    Raises:
        ConfigError: nobody, or no reason, is named.
        NotFound: there is no champion that the labels could be held against.
    """
    require_signed("an audit of labels", by, reason)
    champion = ledger().promotions.champion(model)
    if champion is None:
        raise NotFound(f"{model} has no champion, so no labels show a fall: `evergreen versions` shows what there is")
    return ledger().decisions.append(model, DecisionKind.LABELS_AUDITED, champion.sha256, by, {"reason": reason})


def _of_champion(scored: Iterable[Scored], champion: ModelRef, broken: Sequence[Blocked]) -> list[Answered]:
    """What this version answered, wherever it is known who answered; each image once, none of a broken camera."""
    number = str(champion.version) if champion.version else ""
    found = {
        image.image_id: image
        for each in scored
        if each.seen.champion_sha256 == champion.sha256
        for image in each.seen.images
        if not number or image.version == number
    }
    sound = (image for image in found.values() if not any(each.covers(image) for each in broken))
    return [image for image in sound if not image.golden]


def _broken(model: str, rules: ConceptRules) -> list[Blocked]:
    """Cameras while they were at fault: mended since or not, errors on what they took are no errors of the model."""
    return blocked((record.window, record.verdict) for record in ledger().windows.latest(model, rules.windows))


def _baseline(champion: ModelRef, images: list[Answered], rules: ConceptRules) -> Baseline | None:
    """The one that was noted for this champion, else the first labelled images, noted from now on."""
    noted = ledger().decisions.latest(champion.name, STEADY, champion.sha256)
    if noted is not None and noted.payload["size"] == rules.baseline_images:
        kept = Baseline(images=tuple(noted.payload["images"]), losses=tuple(noted.payload["losses"]))
        return again(kept, images)
    found = baseline_of(images, rules)
    if found is not None:
        told = {"size": rules.baseline_images, "images": list(found.images), "losses": list(found.losses)}
        ledger().decisions.append(champion.name, STEADY, champion.sha256, "evaluate", told)
    return found


def _moved(model: str, scored: Iterable[Scored]) -> frozenset[str]:
    """Labelled images from windows in which the pictures, or the model's view of them, were found to have moved."""
    return frozenset(
        image.image_id
        for each in scored
        if each.seen.images and inputs_moved(ledger().findings.of(model, each.seen.window))
        for image in each.seen.images
    )


def inputs_moved(found: Iterable[tuple[Stage, Finding]]) -> bool:
    """Whether a window's drift findings name anything but the model's answers."""
    stages = (Stage.DRIFT, Stage.WATCH)
    breaches = [f for stage, f in found if stage in stages and f.outcome is Outcome.BREACH]
    return any(topic(f.subject) is not Topic.PREDICTION for f in breaches)


def _audited(champion: ModelRef) -> str:
    """Who audited the labels that this champion is held against, when and why; empty when nobody did."""
    noted = ledger().decisions.latest(champion.name, DecisionKind.LABELS_AUDITED, champion.sha256)
    if noted is None:
        return ""
    return f"{noted.actor} on {noted.at:%Y-%m-%d %H:%M}: {noted.payload['reason']}"
