"""Files of labels: every label in them, good or refused with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tasks.adapters.objects import ObjectInfo, ObjectStore
from tasks.domain.contract import Limits
from tasks.domain.contract_labels import LabelRecord
from tasks.domain.contract_reasons import Rejected
from tasks.domain.markers import is_marker
from tasks.ingest.bucket import Bucket
from tasks.ingest.catalog import refused
from tasks.ingest.reading import labels_of
from tasks.ingest.rules import IngestRules


def label_files(store: ObjectStore, model: str) -> list[ObjectInfo]:
    """Every object below the model's labels, in order of keys; what tools leave beside them is no label."""
    listed = store.list(f"{model}/labels/")
    return [info for info in listed if not info.key.endswith("/") and not is_marker(info.key)]


def read_labels(
    bucket: Bucket, listed: Sequence[ObjectInfo], rules: IngestRules, classes: int | None
) -> tuple[list[tuple[str, LabelRecord]], list[dict[str, Any]]]:
    """Pairs of source (`<key>#<row>`) and label, and a row for what was refused; nothing is downloaded twice."""
    good: list[tuple[str, LabelRecord]] = []
    bad: list[dict[str, Any]] = []
    limit = rules.max_part_mb << 20
    for info, data in bucket.contents(listed, limit):
        limits = Limits(latest=info.modified + timedelta(minutes=rules.future_minutes), classes=classes)
        answers = [(info.key, info.size, data)] if isinstance(data, Rejected) else labels_of(info, data, limit, limits)
        for source, size, answer in answers:
            if isinstance(answer, Rejected):
                which = {"key": source, "size": size, "etag": info.etag, "landed": info.modified}
                bad.append({**which, **refused(answer)})
            else:
                good.append((source, answer))
    return good, bad
