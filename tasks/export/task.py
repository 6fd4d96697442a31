"""Export a version, keep the file by its hash, and hold its answers against those of the version."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.answering import Answering
from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_export import export_file
from tasks.adapters.yolo_load import sha256_of
from tasks.adapters.yolo_protocol import exported, versions
from tasks.connections import answering, exported_file, ledger, registry, store, tables, weights
from tasks.domain.errors import NotFound, RegistryUnavailable, UnsafeModel
from tasks.domain.evaluation import Evaluation
from tasks.domain.export import Export
from tasks.domain.finding import Finding
from tasks.domain.model import ModelRef
from tasks.domain.protocol import Format, protocol_of
from tasks.domain.scoring.scored import evaluation, score
from tasks.domain.scoring.truth import truths
from tasks.domain.snapshot import TableRef
from tasks.export import parity
from tasks.export.rules import ExportRules
from tasks.settings import settings

log = logging.getLogger(__name__)


def make_export(ref: ModelRef, form: Format, actor: str, half: bool = False) -> Export:
    """The exported file of a version: the one that is kept, or a new one, in bucket, ledger and MLflow.

    Raises:
        ConfigError: this machine cannot make the format.
        UnsafeModel: the weights, or what came out, are not what was recorded.
    """
    known = ledger().exports.of(ref.name, ref.sha256).get(form)
    if known is not None and known.half == half:
        return known
    model = Yolo.load(weights(ref), ref.sha256, ref.kind, settings().device, ref.classes)
    with tempfile.TemporaryDirectory(prefix="evergreen-export-") as scratch:
        path = Path(scratch) / f"export.{form.value}"
        export_file(model, form, ref.imgsz, path, half)
        return _kept(ref, form, path, actor, half, versions(form))


def bring_export(ref: ModelRef, form: Format, path: Path, actor: str) -> Export:
    """The same for a file that a person exported: it is read, checked against the version and kept.

    Raises:
        NotFound: there is no such file.
        UnsafeModel: it reaches outside itself, or has another kind or other classes than the version.
    """
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    found = Yolo.load(path, sha256_of(path), ref.kind, settings().device, ref.classes, form)
    if found.imgsz != ref.imgsz:
        raise UnsafeModel(
            f"contract_mismatch: {path.name} was exported for {found.imgsz} px, {ref} was trained at {ref.imgsz}"
        )
    return _kept(ref, form, path, actor)


def note_deployed(model: str, form: Format, actor: str) -> None:
    """Write down which format production runs: from now on it is evaluated too."""
    ledger().exports.deploy(model, form, actor)


def deployed_format(model: str, rules: ExportRules) -> Format:
    """The format that production runs."""
    return rules.deployed or ledger().exports.deployed(model)


@task(cache_policy=NO_CACHE)
def prepare_export(ref: ModelRef, rules: ExportRules) -> None:
    """Export a challenger to the format that production runs, so that it can be judged as it would be deployed."""
    form = deployed_format(ref.name, rules)
    if form is not Format.PT:
        make_export(ref, form, "shadow")


@task(cache_policy=NO_CACHE)
def check_export(
    ref: ModelRef, datasets: Sequence[tuple[str, TableRef]], like: Evaluation, rules: ExportRules
) -> tuple[Finding, ...]:
    """Findings on the deployed file of a version, on labelled sets by name, under the protocol of `like`.

    () when production runs the .pt file itself. The file's own scores are kept as `<name>-<format>`.
    """
    form = deployed_format(ref.name, rules)
    if form is Format.PT:
        return ()
    export = ledger().exports.of(ref.name, ref.sha256).get(form)
    if export is None:
        return (parity.missing(form, ref.name),)
    _show(ref, export, exported_file(export))
    trained, deployed = _answering(ref, export, like)
    named = [(name, dataset, tables().read(dataset)) for name, dataset in datasets]
    for name, dataset, table in named:
        scored = score(ref, truths(table), deployed.answers(table))
        numbers = deployed.summary(scored, rules.seed)
        kept = evaluation(ref, scored, f"{name}-{form.value}", dataset.digest, deployed.protocol, numbers)
        ledger().evaluations.save(ref.name, kept)
    table = _together([table for _, _, table in named])
    first, second = trained.answers(table), deployed.answers(table)
    said = truths(table)
    before, after = score(ref, said, first), score(ref, said, second)
    return (
        parity.score_kept(form, before, after, rules),
        parity.answers_kept(form, first, second, before, rules),
    )


def _answering(ref: ModelRef, export: Export, like: Evaluation) -> tuple[Answering, Answering]:
    """The weights and the exported file, each under the protocol of `like` as far as its format allows."""
    device, used = settings().device, protocol_of(like.conditions)
    return answering(ref, used, device), answering(ref, exported(used, export.form, device), device, export)


def _together(parts: Sequence[pa.Table]) -> pa.Table:
    """All rows, an image that is in two sets once."""
    table = pa.concat_tables(parts)
    first = {image_id: row for row, image_id in reversed(list(enumerate(table["image_id"].to_pylist())))}
    return table.take(pa.array(sorted(first.values()), pa.int64()))


def _kept(
    ref: ModelRef, form: Format, path: Path, actor: str, half: bool = False, made_by: tuple[str, ...] = ()
) -> Export:
    """In the bucket under its hash, then in the ledger, then shown in MLflow."""
    sha256 = sha256_of(path)
    key = f"{ref.name}/evergreen/models/{sha256}.{form.value}"
    store().put_file(key, path, "application/octet-stream")
    export = Export(
        version_sha256=ref.sha256,
        form=form,
        sha256=sha256,
        uri=store().uri(key),
        imgsz=ref.imgsz,
        half=half,
        versions=made_by,
    )
    ledger().exports.add(ref.name, export, actor)
    _show(ref, export, path)
    return export


def _show(ref: ModelRef, export: Export, path: Path) -> None:
    """In MLflow, where the version is there already; MLflow being away costs a log line."""
    if not ref.version:
        return
    try:
        registry().log_export(ref.name, ref.version, export, path)
    except (RegistryUnavailable, NotFound) as error:
        log.warning("%s is not shown in MLflow: %s", export, error)
