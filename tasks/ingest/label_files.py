"""Files of labels: every label in them, good or refused with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tasks.adapters.objects import ObjectInfo, ObjectStore
from tasks.domain.contract import NO_LIMITS, Limits
from tasks.domain.contract_labels import LabelRecord
from tasks.domain.contract_reasons import Rejected
from tasks.domain.markers import is_marker
from tasks.domain.model import ModelRef
from tasks.ingest.bucket import Bucket
from tasks.ingest.catalog import refused
from tasks.ingest.reading import labels_of
from tasks.ingest.rules import IngestRules


def label_files(store: ObjectStore, model: str) -> list[ObjectInfo]:
    """Every object below the model's labels, in order of keys; what tools leave beside them is no label."""
    listed = store.list(f"{model}/labels/")
    return [info for info in listed if not info.key.endswith("/") and not is_marker(info.key)]


def read_labels(
    bucket: Bucket, listed: Sequence[ObjectInfo], rules: IngestRules, champion: ModelRef | None
) -> tuple[list[tuple[str, LabelRecord]], list[dict[str, Any]]]:
    """Pairs of source (`<key>#<row>`) and label, and a row for what was refused; nothing is downloaded twice.

    A label must be of the champion's kind and classes; before there is one, of any.
    """
    about = Limits(classes=len(champion.classes), kind=champion.kind) if champion else NO_LIMITS
    good: list[tuple[str, LabelRecord]] = []
    bad: list[dict[str, Any]] = []
    limit = rules.max_part_mb << 20
    for info, data in bucket.contents(listed, limit):
        limits = replace(about, latest=info.modified + timedelta(minutes=rules.future_minutes))
        answers = [(info.key, info.size, data)] if isinstance(data, Rejected) else labels_of(info, data, limit, limits)
        for source, size, answer in answers:
            if isinstance(answer, Rejected):
                which = {"key": source, "size": size, "etag": info.etag, "landed": info.modified}
                bad.append({**which, **refused(answer)})
            else:
                good.append((source, answer))
    return good, bad
