"""Fifty thousand images and the names of strangers: the window's page stays small, bounded in pictures, and inert."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tasks.adapters.ledger.records import WindowFacts
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.snapshot import Claim, TableRef, table_note
from tasks.domain.tables import CATALOG, PREDICTIONS, REFERENCES
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict
from tasks.report import task as stage
from tasks.report.pictures import CAMERAS, ROWS, SHOWN, sampled, with_answers
from tests.fakes.memory_store import MemoryStore
from tests.unit.report.test_report_pages import DAY, HOSTILE, watched

IMAGES = 50_000
LIMIT = 5_000_000


class Noise:
    """Large pictures of noise, which compress worst, written once each; counts how many were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0

    def fetch(self, key: str, sha256: str = "") -> Path:
        self.asked += 1
        path = self.folder / f"{self.asked % 8}.jpg"
        if not path.exists():
            pixels = np.random.default_rng(self.asked).integers(0, 255, (480, 640, 3), dtype=np.uint8)
            cv2.imwrite(str(path), pixels)
        return path


class Tables:
    """Tables by name."""

    def __init__(self, known: dict[str, pa.Table]) -> None:
        self.known = known

    def read(self, ref: TableRef, columns: Sequence[str] | None = None) -> pa.Table:
        table = self.known[ref.uri]
        return table if columns is None else table.select(list(columns))

    def batches(self, ref: TableRef, columns: Sequence[str], rows: int) -> list[pa.RecordBatch]:
        return self.read(ref, columns).to_batches(max_chunksize=rows)

    def at(self, ref: TableRef, places: Sequence[int], columns: Sequence[str]) -> pa.Table:
        return self.read(ref, columns).take(pa.array(places, pa.int64()))

    def about(self, ref: TableRef, images: pa.Array, columns: Sequence[str]) -> pa.Table:
        return self.read(ref, columns).filter(pc.is_in(self.known[ref.uri]["image_id"], images))


def names(kind: str) -> list[str]:
    """A camera name for every image: few ones, or one of its own for each, and every one hostile."""
    few = len(HOSTILE) if kind == "few cameras" else IMAGES
    return [f"{HOSTILE[n % len(HOSTILE)]} {n % few}" for n in range(IMAGES)]


def columns(schema: pa.Schema, given: dict[str, object], count: int) -> pa.Table:
    """A table of that schema with what is given; the rest is empty."""
    arrays = [pa.array(given[f.name], f.type) if f.name in given else pa.nulls(count, f.type) for f in schema]
    return pa.table(arrays, schema=schema)


def window(kind: str) -> Tables:
    cameras = names(kind)
    ids = [f"i{n}" for n in range(IMAGES)]
    taken = [DAY.start + timedelta(seconds=n) for n in range(IMAGES)]
    box = [
        {"class_id": n % 2, "confidence": 0.9, "box": [9.0 * n, 9.0 * n, 9.0 * n + 60, 9.0 * n + 50]} for n in range(40)
    ]
    answers = [box] * IMAGES
    base = {"image_id": ids, "key": [f"m/images/{c}/{i}.jpg" for c, i in zip(cameras, ids, strict=True)],
            "camera": cameras, "captured_at": taken, "sha256": ids}  # fmt: skip
    rows = {name: values[: IMAGES // 10] for name, values in base.items()}
    return Tables(
        {
            "catalog": columns(CATALOG, {**base, "verdict": ["accepted"] * IMAGES}, IMAGES),
            "predictions": columns(PREDICTIONS, {**base, "detections": answers}, IMAGES),
            "reference": columns(REFERENCES, {**rows, "detections": answers[: IMAGES // 10]}, IMAGES // 10),
        }
    )


def ref(name: str) -> TableRef:
    return TableRef(uri=name, schema=name, rows=0, digest="d")


def verdict(cameras: Sequence[str]) -> Verdict:
    findings = tuple(
        Finding(
            check="ks",
            subject=camera,
            slice=f"camera={camera}",
            outcome=Outcome.BREACH,
            value=1.0,
            limit=0.5,
            note=camera,
        )
        for camera in cameras[:1000]
    )
    causes = tuple(
        Cause(kind=CauseKind.CAMERA, summary=f"camera {camera}", cameras=tuple(cameras[at::3]), share=0.3)
        for at, camera in enumerate(cameras[:3])
    )
    return Verdict(
        outcome=Outcome.BREACH, action=Action.FIX_CAMERA, sentence=f"{cameras[0]} went dark.", causes=causes,
        reports=(Report(stage=Stage.DRIFT, findings=findings),),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["few cameras", "a camera for each image"])
def test_the_page_of_a_huge_window_is_small_inert_and_has_pictures_for_every_cause(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, cache = MemoryStore(), Noise(tmp_path)
    champion = SimpleNamespace(ref=SimpleNamespace(classes=("<b>nut</b>", "bolt")))
    pinned = SimpleNamespace(table=ref("reference"))
    book = SimpleNamespace(
        versions=SimpleNamespace(get=lambda model, sha256: champion), references=SimpleNamespace(get=lambda id_: pinned)
    )
    tables = window(kind)
    for name, thing in {"store": bucket, "tables": tables, "images": cache, "ledger": book}.items():
        monkeypatch.setattr(stage, name, lambda thing=thing: thing)
    monkeypatch.setattr(stage, "settings", lambda: SimpleNamespace(pages_url="", environment="test"))
    monkeypatch.setattr(stage, "create_markdown_artifact", lambda text, key: None)
    facts = WindowFacts(
        listed=IMAGES, accepted=IMAGES, champion_sha256="c" * 64, catalog=ref("catalog"), reference_id=1,
        artifacts={"predictions": table_note(ref("predictions"))}, quarantined={HOSTILE[0]: 3},
    )  # fmt: skip
    claim = Claim(model="m", window=DAY, epoch=1, revision=1)
    suspects = sorted(set(tables.known["reference"]["camera"].to_pylist()))
    uri = stage.publish_window.fn(claim, verdict(suspects), facts).artifacts["page"]
    page = bucket.objects[uri.split("/", 3)[3]]
    assert len(page) < LIMIT
    assert cache.asked <= 2 * SHOWN * CAMERAS
    watched(page)
    shown = page.decode().split("<h3>")
    for cause_at in range(3):  # every cause has a camera with a picture before, one after, and boxes in both
        before, after = shown[1 + cause_at].split("In this window")[:2]
        assert all("data:image/jpeg" in half and 'class="answer"' in half for half in (before, after))


def test_what_is_picked_from_is_bounded_and_begins_with_the_suspects() -> None:
    rows = pa.table({"camera": [f"c{n}" for n in range(20_000)], "image_id": [str(n) for n in range(20_000)]})
    found = sampled(rows, ["c19999"])
    assert found.num_rows == ROWS and "c19999" in found["camera"].to_pylist()


def test_no_camera_and_no_answer_are_no_error() -> None:
    rows = pa.table({"camera": pa.array([None, "a"]), "image_id": ["1", "2"]})
    assert [row["detections"] for row in with_answers(sampled(rows), None)] == [None]
    assert sampled(rows.slice(0, 0)).num_rows == 0
