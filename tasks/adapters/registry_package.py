"""A version as MLflow stores it: the weights, the code that loads them, and a signature; verified after upload."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import warnings
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np

from tasks.domain.card import TAG_KIND, TAG_SHA256
from tasks.domain.errors import RegistryUnavailable, UnsafeModel
from tasks.domain.model import Kind, ModelRef

CODE = Path(__file__).with_name("yolo_pyfunc.py")
WEIGHTS = "artifacts/weights.pt"
"""Where the weights lie inside a stored model."""

CONFIDENCE = 0.25
"""Confidence cut of a loaded model, unless the caller asks for another."""

_REQUIRED = ("ultralytics", "torch", "torchvision", "numpy")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_file(path: Path, expected: str) -> None:
    """Raise `UnsafeModel` unless the file hashes to `expected`."""
    if (found := file_sha256(path)) != expected:
        raise UnsafeModel(f"weights hash to {found[:12]}, recorded is {expected[:12]}: they were replaced or damaged")


def stored_model(client: Any, url: str, ref: ModelRef, weights: Path, source: tuple[str, str]) -> str:
    """The id of a complete stored model with these weights: the one that is there, or a new upload.

    `source` is (experiment id, run id) of the training. An upload that died on the way is
    marked as failed and never registered.

    Raises:
        UnsafeModel: `weights` are not the bytes that `ref` names.
        RegistryUnavailable: what was uploaded does not read back.
    """
    check_file(weights, ref.sha256)
    experiment_id, run_id = source
    for found in _stored(client, experiment_id, ref):
        if str(found.status) == "READY":
            return str(found.model_id)
    model = client.create_logged_model(
        experiment_id,
        name=ref.name.replace(".", "_") or "model",
        source_run_id=run_id,
        tags={TAG_SHA256: ref.sha256, TAG_KIND: ref.kind.value},
        params={"imgsz": str(ref.imgsz), "classes": str(len(ref.classes))},
        model_type=f"yolo-{ref.kind.value}",
    )
    with tempfile.TemporaryDirectory(prefix="evergreen-package-") as scratch:
        folder = Path(scratch) / "model"
        _package(model, ref, weights, folder)
        client.log_model_artifacts(model.model_id, str(folder))
        _read_back(url, model.artifact_location, folder)
    client.finalize_logged_model(model.model_id, "READY")
    for found in _stored(client, experiment_id, ref):
        if str(found.status) != "READY":
            client.finalize_logged_model(found.model_id, "FAILED")
    return str(model.model_id)


def _stored(client: Any, experiment_id: str, ref: ModelRef) -> list[Any]:
    asked = f"tags.`{TAG_SHA256}` = '{ref.sha256}'"
    return list(client.search_logged_models(experiment_ids=[experiment_id], filter_string=asked))


def _package(model: Any, ref: ModelRef, weights: Path, folder: Path) -> None:
    pyfunc = _pyfunc()
    from mlflow.models import Model

    record = Model(
        artifact_path=model.artifact_location,
        model_uuid=model.model_id,
        model_id=model.model_id,
        run_id=model.source_run_id,
        metadata={"sha256": ref.sha256, "kind": ref.kind.value, "classes": list(ref.classes)},
    )
    named = folder.parent / "weights.pt"
    shutil.copyfile(weights, named)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for an example picture, which would add 69 MB to every version
        pyfunc.save_model(
            str(folder),
            python_model=str(CODE),
            artifacts={"weights": str(named)},
            model_config={"sha256": ref.sha256, "task": ref.kind.value, "imgsz": ref.imgsz, "conf": CONFIDENCE},
            signature=_signature(ref),
            pip_requirements=[f"{name}=={installed(name).split('+')[0]}" for name in _REQUIRED],
            mlflow_model=record,
        )
    for cache in folder.rglob("__pycache__"):
        shutil.rmtree(cache)
    _forget_where_code_came_from(folder / "MLmodel")


def _pyfunc() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing it warns about type hints of MLflow's own agent classes
        import mlflow.pyfunc
    return mlflow.pyfunc


def _signature(ref: ModelRef) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    params = [ParamSpec("imgsz", "long", ref.imgsz)]
    if ref.kind is not Kind.CLASSIFY:
        params.append(ParamSpec("conf", "double", CONFIDENCE))
    pictures = TensorSpec(np.dtype("uint8"), (-1, -1, -1, 3))  # unnamed: a name would turn the input into a dict
    return ModelSignature(inputs=Schema([pictures]), params=ParamSchema(params))


def _forget_where_code_came_from(record: Path) -> None:
    """MLflow writes the absolute path of the code on this machine; it reads only the last part."""
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace(str(CODE), CODE.name), encoding="utf-8")


def _read_back(url: str, location: str, folder: Path) -> None:
    from mlflow.artifacts import download_artifacts

    sent = {path.relative_to(folder): file_sha256(path) for path in folder.rglob("*") if path.is_file()}
    with tempfile.TemporaryDirectory(prefix="evergreen-readback-") as scratch:
        there = Path(download_artifacts(artifact_uri=location, dst_path=scratch, tracking_uri=url))
        wrong = [
            str(name)
            for name, digest in sent.items()
            if not (there / name).is_file() or file_sha256(there / name) != digest
        ]
    if wrong:
        raise RegistryUnavailable(
            f"of {len(sent)} uploaded files {len(wrong)} did not read back unchanged ({', '.join(sorted(wrong)[:5])}): "
            "nothing was registered"
        )


def fetch_weights(client: Any, url: str, model_id: str, scratch: Path) -> Path | None:
    """The weights of a stored model as a file below `scratch`; None when the model is an empty shell."""
    from mlflow.artifacts import download_artifacts

    location = client.get_logged_model(model_id).artifact_location
    folder, _, name = WEIGHTS.rpartition("/")
    if name not in {Path(entry.path).name for entry in client.list_logged_model_artifacts(model_id, folder)}:
        return None
    return Path(download_artifacts(artifact_uri=f"{location}/{WEIGHTS}", dst_path=str(scratch), tracking_uri=url))
