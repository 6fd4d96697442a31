"""Serving goes on whatever happens; what was captured reads back as the data contract."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tasks.adapters.yolo_load import ultralytics
from tasks.capture.answers import Answer, from_result
from tasks.capture.capture import Batching, Capture, SamplingRules
from tasks.capture.delivery import Delivery
from tasks.capture.sampling import LEAST, Sampler
from tasks.capture.spool import Parcel, Spool
from tasks.domain.contract import PredictionRecord, parse_prediction
from tasks.domain.errors import ConfigError
from tasks.domain.model import Kind
from tests.fakes.memory_store import MemoryStore

MOMENT = datetime(2026, 11, 20, 6, 59, 59, 900_000, tzinfo=UTC)
PIXELS = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
JPEG = cv2.imencode(".jpg", PIXELS)[1].tobytes()


@dataclass
class Boxes:
    """Like `ultralytics.engine.results.Boxes`."""

    xyxy: Any = field(default_factory=lambda: np.array([[1.0, 2.0, 30.0, 40.0]], np.float32))
    conf: Any = field(default_factory=lambda: np.array([0.75], np.float32))
    cls: Any = field(default_factory=lambda: np.array([1.0], np.float32))
    xyxyxyxy: Any = None
    data: Any = None
    xy: Any = None


@dataclass
class Result:
    """Like `ultralytics.engine.results.Results`, without ultralytics."""

    boxes: Any = field(default_factory=Boxes)
    probs: Any = None
    obb: Any = None
    masks: Any = None
    keypoints: Any = None
    orig_img: Any = field(default_factory=lambda: PIXELS.copy())
    orig_shape: tuple[int, int] = (48, 64)
    speed: dict[str, float | None] = field(
        default_factory=lambda: {"preprocess": 1.0, "inference": 9.5, "postprocess": None}
    )


def capture_to(store: MemoryStore, **options: Any) -> Capture:
    return Capture(**{"model": "parts", "model_version": "3", "camera": "cam-1", "store": store, **options})


def records(store: MemoryStore) -> list[PredictionRecord]:
    lines = [
        line for key in sorted(store.objects) if "/predictions/" in key for line in store.objects[key].splitlines()
    ]
    parsed = [parse_prediction(line) for line in lines]
    assert all(isinstance(record, PredictionRecord) for record in parsed), parsed
    return [record for record in parsed if isinstance(record, PredictionRecord)]


def test_two_lines_write_a_picture_and_its_record() -> None:
    store = MemoryStore()
    with capture_to(store) as capture:
        image_id = capture.record(Result(), captured_at=MOMENT)
    [record] = records(store)
    assert record.image_id == image_id
    assert record.key == f"parts/images/cam-1/2026/11/20/06/{image_id}.jpg"
    assert record.sha256 == hashlib.sha256(store.objects[record.key]).hexdigest()
    assert store.types[record.key] == "image/jpeg"
    assert any(key.startswith("parts/predictions/date=2026-11-20/hour=06/") for key in store.objects)
    assert record.captured_at == MOMENT
    assert record.sampling_probability == 1.0
    assert record.detections[0].box == (1.0, 2.0, 30.0, 40.0)
    assert record.latency_ms is not None
    assert (record.latency_ms.inference, record.latency_ms.postprocess) == (9.5, None)


def test_encoded_pictures_are_kept_byte_by_byte() -> None:
    store = MemoryStore()
    with capture_to(store) as capture:
        capture.record(Result(), captured_at=MOMENT, encoded=JPEG, image_id="a", camera="cam-2", suffix="jpg")
    assert store.objects["parts/images/cam-2/2026/11/20/06/a.jpg"] == JPEG


def test_the_callers_buffer_may_be_reused_at_once() -> None:
    store, result = MemoryStore(), Result()
    with capture_to(store, image_format="png") as capture:
        capture.record(result, captured_at=MOMENT, image_id="a")
        result.orig_img[:] = 0
    kept = cv2.imdecode(
        np.frombuffer(store.objects["parts/images/cam-1/2026/11/20/06/a.png"], np.uint8), cv2.IMREAD_COLOR
    )
    assert np.array_equal(kept, PIXELS)


SHAPES: dict[str, tuple[Callable[[], Result], Kind]] = {
    "detect": (Result, Kind.DETECT),
    "classify": (lambda: Result(boxes=None, probs=Boxes(data=np.array([0.1, 0.9], np.float32))), Kind.CLASSIFY),
    "obb": (lambda: Result(boxes=None, obb=Boxes(xyxyxyxy=np.array([[[1, 1], [20, 1], [20, 9], [1, 9]]]))), Kind.OBB),
    "segment": (lambda: Result(masks=Boxes(xy=[np.array([[1, 1], [20, 1], [20, 9]])])), Kind.SEGMENT),
    "segment of a mask one pixel high": (
        lambda: Result(masks=Boxes(xy=[np.array([[1, 1], [20, 1], [9, 1]])])),
        Kind.SEGMENT,
    ),
    "pose": (lambda: Result(keypoints=Boxes(data=np.ones((1, 17, 3)))), Kind.POSE),
    "pose without visibility": (lambda: Result(keypoints=Boxes(data=np.ones((1, 17, 2)))), Kind.POSE),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_kind_of_result_reads_back(name: str) -> None:
    make, kind = SHAPES[name]
    store = MemoryStore()
    with capture_to(store) as capture:
        capture.record(make(), captured_at=MOMENT)
    [record] = records(store)
    assert record.kind is kind
    assert record.detections[0].class_id == 1


@pytest.mark.parametrize(
    "junk", [None, 3, "x", object(), Result(boxes=Boxes(conf=[0.1, 0.2])), Result(orig_shape=("a", 1))]
)
def test_junk_is_counted_and_never_raised(junk: Any) -> None:
    with capture_to(MemoryStore()) as capture:
        assert capture.record(junk) == "" or capture.close()
        capture.record(Result(), captured_at=datetime(2026, 11, 20))  # noqa: DTZ001 — the point
        capture.record(Result(), camera="../x")
        capture.record_arrays(None, {"nonsense": 1})
    stats = capture.stats()
    assert stats["unreadable"] + stats["broken"] == 4


def test_a_model_that_answers_nan_counts_as_an_error() -> None:
    store = MemoryStore()
    with capture_to(store) as capture:
        capture.record(Result(boxes=Boxes(conf=np.array([np.nan]))), captured_at=MOMENT)
    assert "NaN" in (records(store)[0].error or "")


def test_failed_requests_are_recorded() -> None:
    store = MemoryStore()
    with capture_to(store, kind=Kind.CLASSIFY) as capture:
        capture.record_error("timeout", captured_at=MOMENT)
    [record] = records(store)
    assert (record.error, record.key, record.kind) == ("timeout", "", Kind.CLASSIFY)


def test_a_failure_without_words_is_still_one() -> None:
    store = MemoryStore()
    with capture_to(store) as capture:
        capture.record_error(" \n", captured_at=MOMENT)
    assert records(store)[0].error == "?"


def test_plain_arrays_are_enough() -> None:
    store = MemoryStore()
    with capture_to(store) as capture:
        capture.record_arrays(
            PIXELS,
            {"size": (64, 48), "boxes": [[1, 2, 3, 4]], "confidences": [0.5], "class_ids": [0]},
            captured_at=MOMENT,
        )
    assert records(store)[0].detections[0].confidence == 0.5


def test_a_full_queue_drops_and_counts_and_does_not_block() -> None:
    capture = capture_to(MemoryStore(), queue_mb=0)
    assert capture.record(Result(), captured_at=MOMENT) == ""
    assert capture.stats()["dropped"] == 1
    capture.close()


def test_a_replay_waits_and_loses_nothing() -> None:
    store = MemoryStore()
    with capture_to(store, queue_items=2, wait_when_full=True) as capture:
        for index in range(50):
            assert capture.record(Result(), captured_at=MOMENT, encoded=JPEG, image_id=f"i{index}")
    assert len(records(store)) == 50


def test_what_the_store_does_not_take_waits_on_disk_and_arrives_later(tmp_path: Path) -> None:
    store = MemoryStore()
    store.away = True
    with capture_to(store, spool=tmp_path / "spool") as capture:
        capture.record(Result(), captured_at=MOMENT)
    assert store.objects == {}
    assert capture.stats()["spooled"] == 2
    store.away = False
    with capture_to(store, spool=tmp_path / "spool") as capture:
        capture.record(Result(), captured_at=MOMENT)
    assert len(records(store)) == 2
    assert all(record.key in store.objects for record in records(store))
    assert list((tmp_path / "spool").iterdir()) == []


def test_without_a_spool_what_cannot_be_delivered_is_counted_as_lost() -> None:
    store = MemoryStore()
    store.away = True
    with capture_to(store) as capture:
        capture.record(Result(), captured_at=MOMENT)
    assert capture.stats()["lost"] == 2


def test_parts_are_written_after_so_many_lines() -> None:
    store = MemoryStore()
    with capture_to(store, batching=Batching(lines=2)) as capture:
        for _ in range(5):
            capture.record(Result(), captured_at=MOMENT)
    assert sorted(len(store.objects[key].splitlines()) for key in store.objects if "/predictions/" in key) == [1, 2, 2]


def test_an_unsafe_name_is_refused_when_the_capture_is_made() -> None:
    with pytest.raises(ConfigError):
        capture_to(MemoryStore(), model="../x")
    with pytest.raises(ConfigError):
        capture_to(MemoryStore(), image_format="gif")


def test_a_full_spool_refuses_instead_of_overwriting(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=200)
    first = Parcel(key="a", data=b"x" * 100, content_type="t")
    assert spool.add(first)
    assert not spool.add(Parcel(key="b", data=b"x" * 100, content_type="t"))
    assert list(spool.waiting()) == [first]
    spool.remove(first)
    assert len(spool) == 0


def test_a_damaged_parcel_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "x.parcel").write_bytes(b"no header")
    assert list(Spool(tmp_path, limit=10_000).waiting()) == []
    assert (tmp_path / "x.bad").exists()


def test_a_store_that_is_away_is_not_asked_again_at_once(tmp_path: Path) -> None:
    now = [0.0]
    store = MemoryStore()
    store.away = True
    delivery = Delivery(store, Spool(tmp_path, 10**6), clock=lambda: now[0])
    for index in range(5):
        delivery.send(Parcel(key=str(index), data=b"x", content_type="t"))
    assert delivery.counts["failed_puts"] == 1
    store.away = False
    now[0] = 2.0
    delivery.send(Parcel(key="5", data=b"x", content_type="t"))
    assert sorted(store.objects) == ["0", "1", "2", "3", "4", "5"]


def test_stored_chances_undo_the_sampling() -> None:
    """Horvitz-Thompson: the sum of 1/chance over what was kept estimates how many there were, quota or not."""
    rules = SamplingRules(rate=0.5, per_camera_per_hour=200)
    sampler, total = Sampler(rules), 0.0
    kept = 0
    for index in range(2000):
        chance = sampler.chance("c", MOMENT, [(0, 0.9)])
        if sampler.keep("c", MOMENT, f"image-{index}", chance):
            total += 1 / chance
            kept += 1
    assert 150 <= kept <= 210
    assert total == pytest.approx(2000, rel=0.35)


def test_uncertain_answers_and_rare_classes_are_always_wanted() -> None:
    sampler = Sampler(SamplingRules(rate=0.01, keep_below_confidence=0.4, keep_classes=(7,)))
    assert sampler.chance("c", MOMENT, [(0, 0.9), (0, 0.3)]) == 1.0
    assert sampler.chance("c", MOMENT, [(7, 0.9)]) == 1.0
    assert sampler.chance("c", MOMENT, [(0, 0.9)]) == 0.01


def test_a_full_hour_leaves_a_small_chance_and_the_next_hour_begins_anew() -> None:
    sampler = Sampler(SamplingRules(per_camera_per_hour=1))
    assert sampler.keep("c", MOMENT, "a", 1.0)
    assert sampler.chance("c", MOMENT, []) == LEAST
    assert sampler.chance("c", MOMENT + timedelta(hours=1), []) == 1.0
    assert sampler.chance("other", MOMENT, []) == 1.0


def test_pictures_that_are_not_drawn_still_leave_a_record() -> None:
    store = MemoryStore()
    with capture_to(store, sampling=SamplingRules(rate=1e-9)) as capture:
        capture.record(Result(), captured_at=MOMENT)
    [record] = records(store)
    assert record.key == ""
    assert not any("/images/" in key for key in store.objects)


def test_real_results_of_ultralytics_are_understood() -> None:
    ultralytics()
    from ultralytics.engine import results

    boxes = np.array([[1.0, 2.0, 30.0, 40.0, 0.75, 1.0]], np.float32)
    answer = from_result(results.Results(PIXELS, path="x", names={0: "a", 1: "b"}, boxes=boxes))
    assert isinstance(answer, Answer)
    assert answer.scored() == [(1, 0.75)]
    assert json.loads(json.dumps(answer.fields()))["detections"][0]["box"] == [1, 2, 30, 40]
