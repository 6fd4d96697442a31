"""What became of every label, as findings on the window's page: none is left out without a word."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tasks.adapters.objects import ObjectStore
from tasks.domain.finding import Finding, Outcome
from tasks.domain.snapshot import TableRef

CHECK = "label_use"
MAX_BYTES = 32 << 20
NAMED = 5

WORDS = {
    "superseded": "superseded by a later one",
    "partial": "partial (a verdict without a correction)",
    "unresolved": "as shown, but what was shown is not on record",
    "unknown_image": "of an image that nobody knows",
    "quarantined": "of a quarantined image",
    "not_one_class": "that do not name one class",
    "no_correction": "that correct nothing",
}
"""Places and reasons in words; others are shown as they are."""


def read(store: ObjectStore, labels: TableRef) -> Mapping[str, Any]:
    """The account that lies beside a table of labels; {} for one that an older version wrote."""
    key = f"{store.key_of(labels.uri).removesuffix('.parquet')}-account.json"
    return json.loads(store.get(key, MAX_BYTES)) if store.exists(key) else {}


def findings(told: Mapping[str, Any], used: int, unused: Mapping[str, int]) -> tuple[Finding, ...]:
    """How many labels are used and why the others are not; contradictions; what verdicts say of the answers.

    Args:
        told: The account (`tasks.ingest.account.account_json`).
        used: Labels that meet an image which can be used.
        unused: Those that do not, by reason.
    """
    counts: Counter[str] = Counter(told.get("places", {}))
    del counts["counts"]
    counts.update(unused)
    counts.update({f"refused as {reason}": n for reason, n in told.get("refused", {}).items()})
    rows = int(told.get("rows", used + sum(unused.values())))
    parts = [f"{n} {WORDS.get(name, name)}" for name, n in sorted(counts.items()) if n]
    note = f"of {rows} labels {used} are used" + (f"; not used: {', '.join(parts)}" if parts else "")
    share = used / rows if rows else None
    outcome = Outcome.OK if rows else Outcome.INCONCLUSIVE
    use = Finding(check=CHECK, subject="labels", outcome=outcome, value=share, unit="0..1", n=rows, note=note)
    return (use, *_conflicts(told), *_verdicts(told))


def _conflicts(told: Mapping[str, Any]) -> tuple[Finding, ...]:
    found = told.get("conflicts", [])
    if not found:
        return ()
    named = ", ".join(f"{each['image_id']} ({' and '.join(each['annotators'])})" for each in found[:NAMED])
    note = f"{len(found)} image(s) with contradicting labels of one moment: {named}; settle them, the later file counts"
    return (Finding(check=CHECK, subject="contradictions", outcome=Outcome.INCONCLUSIVE, n=len(found), note=note),)


def _verdicts(told: Mapping[str, Any]) -> tuple[Finding, ...]:
    said = told.get("feedback", {})
    if not said.get("images"):
        return ()
    share, low, high = said["share"]
    note = (
        f"{said['right']} of {said['images']} answers that people looked at were called right "
        f"({share:.0%}, 95 %: {low:.0%} to {high:.0%})"
    )
    if said["boxes"]:
        note += f"; of {said['boxes']} boxes shown {said['sure']} to {said['perhaps']} are right"
    waiting = len(told.get("queue", []))
    note += f"; {waiting} image(s) wait for a full label" if waiting else ""
    return (
        Finding(
            check=CHECK, subject="verdicts", outcome=Outcome.OK, value=share, unit="0..1", n=said["images"], note=note
        ),
    )
