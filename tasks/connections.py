"""Opens the adapters that the settings name, each once per process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.measure_cache import MeasureCache
from tasks.adapters.objects import ObjectStore
from tasks.adapters.orchestrator import Orchestrator
from tasks.adapters.registry import Registry
from tasks.adapters.tables import TableStore
from tasks.domain.export import Export
from tasks.domain.model import ModelRef
from tasks.domain.protocol import Format, Protocol, scored_as
from tasks.settings import settings

if TYPE_CHECKING:
    from tasks.adapters.answering import Answering


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


@lru_cache(maxsize=1)
def store() -> ObjectStore:
    """The bucket that production writes to."""
    here = settings()
    return ObjectStore(
        bucket=here.bucket,
        endpoint=here.s3_endpoint,
        region=here.s3_region,
        access_key=_plain(here.s3_access_key),
        secret_key=_plain(here.s3_secret_key),
    )


@lru_cache(maxsize=1)
def tables() -> TableStore:
    """Parquet tables in the bucket, verified by digest."""
    return TableStore(store(), settings().cache / "tables")


@lru_cache(maxsize=1)
def images() -> ImageCache:
    """Image bytes by content hash, downloaded once."""
    return ImageCache(store(), settings().cache / "images")


@lru_cache(maxsize=1)
def answers() -> AnswerCache:
    """What models answered before, on this machine."""
    return AnswerCache(settings().cache / "answers", settings().answers_mb * 2**20)


@lru_cache(maxsize=1)
def measures() -> MeasureCache:
    """What was measured of images before, on this machine."""
    return MeasureCache(settings().cache / "measures.db", settings().measures_mb * 2**20)


@lru_cache(maxsize=1)
def ledger() -> Ledger:
    """The source of truth."""
    return Ledger.open(settings().ledger_url)


@lru_cache(maxsize=1)
def registry() -> Registry:
    """MLflow, a projection of the ledger."""
    return Registry(settings().mlflow_url)


@lru_cache(maxsize=1)
def orchestrator() -> Orchestrator:
    """The Prefect server, asked over HTTP: starting and answering runs needs no Prefect import."""
    here = settings()
    return Orchestrator(here.prefect_url, _plain(here.prefect_auth))


def weights(ref: ModelRef) -> Path:
    """A local file with exactly the bytes that `ref.sha256` names, downloaded when it is not there yet.

    The name of the file is the hash; whoever loads it verifies the hash again (`Yolo.load`).
    """
    return _fetched(f"{ref.sha256}.pt", ref.uri)


def exported_file(export: Export) -> Path:
    """The same for an exported file."""
    return _fetched(f"{export.sha256}.{export.form.value}", export.uri)


def answering(ref: ModelRef, used: Protocol, device: str = "", export: Export | None = None) -> Answering:
    """The answers of a version, or of what was exported from it, under a protocol: kept ones first.

    `device` is where the rest is inferred, empty for the worker's own. Nothing is downloaded before that.
    """
    from tasks.adapters.answering import Answering  # loads OpenCV, which most commands do without
    from tasks.adapters.yolo import Yolo

    asked, where = export or ref, device or settings().device
    form = export.form if export else Format.PT

    def load() -> Yolo:
        path = exported_file(export) if export else weights(ref)
        return Yolo.load(path, asked.sha256, ref.kind, where, ref.classes, form)

    protocol = scored_as(used, ref.kind)
    return Answering(sha256=asked.sha256, protocol=protocol, load=load, images=images(), cache=answers())


def _fetched(name: str, uri: str) -> Path:
    path = settings().cache / "weights" / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        store().get_file(store().key_of(uri), path)
    return path


def close() -> None:
    """Close what this process has opened; the next call opens it again, with the settings of then."""
    if orchestrator.cache_info().currsize:
        orchestrator().close()
    if ledger.cache_info().currsize:
        ledger().close()
    for opened in (store, tables, images, answers, measures, ledger, registry, orchestrator):
        opened.cache_clear()
