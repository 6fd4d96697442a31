"""What is shown about a version: its card, and the tags that tie MLflow's records to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.domain.snapshot import TableRef

DESCRIPTION_LIMIT = 5_000
"""Characters that MLflow keeps of a description; one more is an error there."""

CUT = "\n\n*… cut here: the whole report lies in the ledger.*"

_FORBIDDEN = re.compile(r"[^\w/.\- :]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """On which of MLflow's records a tag stands (`version`, `run`, `model`), and what it says."""

    on: frozenset[str]
    meaning: str


TAG_SHA256 = "evergreen.sha256"
TAG_KIND = "evergreen.kind"
TAG_SOURCE = "evergreen.source"
TAG_PARENT = "evergreen.parent"
TAG_DATASET = "evergreen.dataset"
TAG_DUPLICATE = "evergreen.duplicate_of"
TAG_ROLE = "evergreen.role"
TAG_EVALUATION = "evergreen.evaluation"
TAG_SAMPLES = "evergreen.samples"
TAG_PROMOTION = "evergreen.promotion"
TAG_EXPORTS = {"onnx": "evergreen.onnx", "engine": "evergreen.engine"}

_VERSION, _RUN, _MODEL = "version", "run", "model"

TAGS: dict[str, TagRule] = {
    TAG_SHA256: TagRule(
        on=frozenset({_VERSION, _RUN, _MODEL}), meaning="SHA-256 of the weights, hex: the identity of the version"
    ),
    TAG_KIND: TagRule(on=frozenset({_VERSION, _MODEL}), meaning="what the model answers with: detect, classify …"),
    TAG_SOURCE: TagRule(on=frozenset({_VERSION}), meaning="where the version came from, as the ledger has it"),
    TAG_PARENT: TagRule(on=frozenset({_VERSION}), meaning="first 12 digits of the SHA-256 that training started from"),
    TAG_DATASET: TagRule(on=frozenset({_VERSION}), meaning="first 12 digits of the training manifest's digest"),
    TAG_DUPLICATE: TagRule(
        on=frozenset({_VERSION}), meaning="number of the version that a lost reply made this a copy of"
    ),
    TAG_ROLE: TagRule(on=frozenset({_RUN}), meaning="train, eval or promotion"),
    TAG_EVALUATION: TagRule(
        on=frozenset({_RUN}), meaning="SHA-256 over weights, dataset, digest and protocol that an eval run is about"
    ),
    TAG_SAMPLES: TagRule(on=frozenset({_RUN}), meaning="digest of the sample pictures that were drawn last"),
    TAG_EXPORTS["onnx"]: TagRule(
        on=frozenset({_VERSION}), meaning="SHA-256 of the ONNX file that was exported from the version last"
    ),
    TAG_EXPORTS["engine"]: TagRule(
        on=frozenset({_VERSION}), meaning="SHA-256 of the TensorRT engine that was exported from the version last"
    ),
    TAG_PROMOTION: TagRule(on=frozenset({_RUN}), meaning="sequence number of the promotion in the ledger"),
}
"""Every tag that Evergreen writes to MLflow; `mlflow/registry/tags.yaml` tells people the same (tested)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCard:
    """What MLflow shows about one version.

    `params` are shown as text; `metrics` are the final numbers; `curves` is one mapping of metric name to value
    per epoch, first epoch first (an `epoch` entry is taken as the step). Values that are not finite are not
    shown. `plots` are local picture files; one that is gone is left out. `dataset_*` name the training manifest,
    by name, `s3://` address and SHA-256. `description` is Markdown, cut to `DESCRIPTION_LIMIT` at a line.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: tuple[Mapping[str, float], ...] = ()
    plots: tuple[Path, ...] = ()
    dataset_name: str = ""
    dataset_uri: str = ""
    dataset_digest: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


def card_json(card: VersionCard) -> dict[str, Any]:
    """The card as JSON values, for the ledger's `versions.card`."""
    return {
        "params": dict(card.params),
        "metrics": dict(card.metrics),
        "curves": [dict(point) for point in card.curves],
        "plots": [str(path) for path in card.plots],
        "dataset_name": card.dataset_name,
        "dataset_uri": card.dataset_uri,
        "dataset_digest": card.dataset_digest,
        "tags": dict(card.tags),
        "description": card.description,
    }


def card_from_json(data: Mapping[str, Any]) -> VersionCard:
    """The inverse of `card_json`; what is missing is empty and unknown entries are passed over.

    >>> card_from_json(card_json(VersionCard(params={"epochs": "3"}))).params
    {'epochs': '3'}
    """
    return VersionCard(
        params={str(k): str(v) for k, v in (data.get("params") or {}).items()},
        metrics={str(k): float(v) for k, v in (data.get("metrics") or {}).items() if v is not None},
        curves=tuple(
            {str(k): float(v) for k, v in point.items() if v is not None} for point in (data.get("curves") or ())
        ),
        plots=tuple(Path(path) for path in (data.get("plots") or ())),
        dataset_name=str(data.get("dataset_name") or ""),
        dataset_uri=str(data.get("dataset_uri") or ""),
        dataset_digest=str(data.get("dataset_digest") or ""),
        tags={str(k): str(v) for k, v in (data.get("tags") or {}).items()},
        description=str(data.get("description") or ""),
    )


def training_set(card: Mapping[str, Any]) -> TableRef | None:
    """The manifest that a version with this card (as JSON) was fitted to; None for a version made elsewhere."""
    if not card.get("dataset_uri"):
        return None
    return TableRef(uri=card["dataset_uri"], schema="datasets", rows=0, digest=card["dataset_digest"])


def clip_markdown(text: str, limit: int = DESCRIPTION_LIMIT) -> str:
    """The text, or as many whole lines of it as fit into `limit` characters with a closing remark.

    A single line that is longer than the limit is cut inside.

    >>> clip_markdown("short")
    'short'
    """
    if len(text) <= limit:
        return text
    room = limit - len(CUT)
    head = text[: room + 1]
    end = head.rfind("\n")
    return head[: end if end > 0 else room] + CUT


def metric_name(name: str) -> str:
    """The name with every character replaced that MLflow refuses, at most 250 long.

    >>> metric_name("metrics/mAP50(B)")
    'metrics/mAP50_B_'
    """
    return _FORBIDDEN.sub("_", name)[:250]
