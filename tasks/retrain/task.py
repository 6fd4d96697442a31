"""Train a challenger, keep its bytes, and write it into the ledger."""

from __future__ import annotations

import hashlib
import logging
import math
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import IMPORTED
from tasks.adapters.manifests import local_paths
from tasks.adapters.yolo import LOWEST_CONFIDENCE, NMS_IOU, Yolo, protocol, versions
from tasks.adapters.yolo_data import FitImage, FitObject
from tasks.adapters.yolo_fit import FitPlan, FitResult, fit
from tasks.connections import images, ledger, store, tables, weights
from tasks.domain.card import VersionCard, card_json
from tasks.domain.errors import NotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.intent import Intent, IntentKind
from tasks.domain.model import ModelRef
from tasks.domain.scoring.scored import evaluation, score
from tasks.domain.scoring.truth import truths
from tasks.domain.snapshot import TableRef
from tasks.retrain.plan import TRAINED, Contract, Supply, contract_of, fit_key, learning_rate, refusal
from tasks.retrain.rules import RetrainRules
from tasks.retrain.underway import waiting
from tasks.settings import settings

log = logging.getLogger(__name__)


@task(cache_policy=NO_CACHE)
def check_retrain(model: str, champion: ModelRef | None, dataset: TableRef, rules: RetrainRules) -> str:
    """Why nothing is trained now, in a sentence for people; empty when `fit_challenger` may go on."""
    if _fitted(model, fit_key(model, champion, dataset.digest, rules)) is not None:
        return ""
    if champion is not None and (question := waiting(model)):
        return question
    table = tables().read(dataset, ["split", "source"])
    supply = Supply(train=table["split"].to_pylist().count("train"), recent=table["source"].to_pylist().count("recent"))
    made = [record.created_at for record in ledger().versions.list(model) if record.source in TRAINED]
    return refusal(champion, supply, made, datetime.now(UTC), rules)


@task(cache_policy=NO_CACHE)
def fit_challenger(
    champion: ModelRef | None, dataset: TableRef, model: str, rules: RetrainRules, reason: str = ""
) -> ModelRef:
    """Train on a manifest and give back the version; its number is 0 until reconciling has shown it in MLflow.

    The same manifest, champion and rules were trained before: that version is given back.
    """
    key = fit_key(model, champion, dataset.digest, rules)
    known = _fitted(model, key)
    if known is not None:
        return _announced(known)
    contract = contract_of(champion, rules)
    table = tables().read(dataset)
    scratch = settings().home / "scratch" / f"fit-{key[:24]}"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        paths = local_paths(images(), table)
        result = fit(_plan(champion, contract, rules, scratch, (table, paths)), _log_epoch)
        ref = _stored(model, contract, result.weights, result.sha256)
        scored = _validated(ref, result.weights, table, paths)
        card = _card(ref, champion, dataset, rules, (result, scored, reason))
        return _recorded(ref, champion, dataset, {**card_json(card), "plots": [], "fit_key": key}, scored)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def import_version(model: str, path: Path, sha256: str, imgsz: int | None = None) -> ModelRef:
    """A version from weights that a person trained elsewhere; kind and classes are read from the file.

    `sha256` is what the person says that the file is: it is verified before anything is loaded. Importing the same
    bytes again gives the version that is there. Its number is 0 until reconciling has shown it in MLflow.

    Raises:
        NotFound: there is no such file.
        UnsafeModel: other bytes, code inside, or numbers that are not finite.
    """
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    found = Yolo.load(path, sha256, device=settings().device)
    contract = Contract(kind=found.kind, classes=found.classes, imgsz=imgsz or found.imgsz)
    ref = _stored(model, contract, path, sha256)
    card = VersionCard(
        params={"imgsz": str(contract.imgsz), "file": path.name},
        tags={"evergreen.source": IMPORTED},
        description=f"Imported from {path.name}.",
    )
    return _announced(ledger().versions.add(ref, IMPORTED, "", "", card_json(card)))


def _fitted(model: str, key: str) -> ModelRef | None:
    found = (record.ref for record in ledger().versions.list(model) if record.card.get("fit_key") == key)
    return next(found, None)


def _plan(
    champion: ModelRef | None, contract: Contract, rules: RetrainRules, scratch: Path, data: tuple[pa.Table, list[Path]]
) -> FitPlan:
    rows = list(zip(data[0].to_pylist(), data[1], strict=True))
    return FitPlan(
        base=rules.base if champion is None else weights(champion),
        base_sha256=champion.sha256 if champion else "",
        kind=contract.kind,
        classes=contract.classes,
        train=tuple(_image(row, path) for row, path in rows if row["split"] == "train"),
        val=tuple(_image(row, path) for row, path in rows if row["split"] == "val"),
        out=scratch,
        imgsz=contract.imgsz,
        epochs=rules.epochs,
        batch=rules.batch,
        lr0=learning_rate(champion, rules),
        freeze=rules.freeze,
        seed=rules.seed,
        device=settings().device,
        hyper=rules.hyper,
    )


def _image(row: Mapping[str, Any], path: Path) -> FitImage:
    objects = (
        FitObject(class_id=each["class_id"], box=tuple(each["box"]) if each["box"] else None) for each in row["objects"]
    )
    return FitImage(path=path, sha256=row["sha256"], objects=tuple(objects))


def _stored(model: str, contract: Contract, path: Path, sha256: str) -> ModelRef:
    """The weights in the bucket and in the local cache, named by their hash."""
    key = f"{model}/evergreen/models/{sha256}.pt"
    store().put_file(key, path, "application/octet-stream")
    cached = settings().cache / "weights" / f"{sha256}.pt"
    cached.parent.mkdir(parents=True, exist_ok=True)
    part = cached.with_suffix(".part")
    shutil.copyfile(path, part)
    part.replace(cached)
    return ModelRef(
        name=model,
        sha256=sha256,
        uri=store().uri(key),
        kind=contract.kind,
        classes=contract.classes,
        imgsz=contract.imgsz,
    )


def _validated(ref: ModelRef, path: Path, table: pa.Table, paths: list[Path]) -> Evaluation:
    """The version on the split that chose its best epoch: a first baseline, a little too good."""
    keep = [number for number, split in enumerate(table["split"].to_pylist()) if split == "val"]
    device = settings().device
    model = Yolo.load(path, ref.sha256, ref.kind, device, ref.classes)
    predictions = model.predict([paths[number] for number in keep], ref.imgsz)
    val = table.take(keep)
    used = protocol(ref.imgsz, LOWEST_CONFIDENCE, NMS_IOU, 16, device)
    digest = hashlib.sha256("+".join(sorted(val["sha256"].to_pylist())).encode()).hexdigest()
    return evaluation(ref, score(ref, truths(val), predictions), "val", digest, used)


def _card(
    ref: ModelRef,
    champion: ModelRef | None,
    dataset: TableRef,
    rules: RetrainRules,
    outcome: tuple[FitResult, Evaluation, str],
) -> VersionCard:
    result, scored, reason = outcome
    asked = {name: str(value) for name, value in rules.model_dump(mode="json").items()}
    return VersionCard(
        params={**asked, "seconds": f"{result.seconds:.0f}", "versions": " ".join(versions())},
        metrics=_finite({f"val/{name}": value for name, value in scored.metrics.items()}),
        curves=tuple(_finite(point) for point in result.curves),
        plots=result.plots,
        dataset_name=f"{ref.name} training",
        dataset_uri=dataset.uri,
        dataset_digest=dataset.digest,
        tags={"evergreen.source": "retrain" if champion else "first"}
        | ({"evergreen.parent": champion.sha256[:12]} if champion else {}),
        description=f"Trained on {dataset.rows} labelled images"
        + (f" from {champion}" if champion else f" from {rules.base}")
        + (f". Reason: {reason}" if reason else "."),
    )


def _finite(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _recorded(
    ref: ModelRef, champion: ModelRef | None, dataset: TableRef, card: dict[str, Any], scored: Evaluation
) -> ModelRef:
    """First the version, then what follows from it: a version that is not in the ledger does not exist."""
    source = "retrain" if champion else "first"
    kept = ledger().versions.add(ref, source, champion.sha256 if champion else "", dataset.digest, card)
    ledger().evaluations.save(ref.name, scored)
    return _announced(kept)


def _announced(ref: ModelRef) -> ModelRef:
    """The version, with the wish to see it in MLflow in the outbox: `tasks.promote.reconcile` registers it."""
    if not ref.version:
        key, payload = f"register/{ref.name}/{ref.sha256}", {"model": ref.name, "sha256": ref.sha256}
        ledger().outbox.add(Intent(key=key, kind=IntentKind.REGISTER_VERSION, payload=payload))
    return ref


def _log_epoch(epoch: int, epochs: int, numbers: Mapping[str, float]) -> None:
    log.info("epoch %d of %d: %s", epoch, epochs, {name: round(value, 4) for name, value in numbers.items()})
