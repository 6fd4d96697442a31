"""Every image has one answer in its place, also when memory runs out on the way."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.answering import Answering
from tasks.adapters.yolo import Yolo, protocol
from tasks.adapters.yolo_stream import AUTO_CPU, AUTO_CUDA, decoded, first_batch, in_batches
from tasks.domain.errors import ConfigError, ContractError
from tasks.domain.model import Kind


def numbered(n):
    return iter([np.full((2, 2, 3), i, np.uint8) for i in range(n)])


class Card:
    """A device that holds so many images at once."""

    def __init__(self, holds, error):
        self.holds, self.error, self.sizes, self.released = holds, error, [], 0

    def answer(self, images):
        if len(images) > self.holds:
            raise self.error
        self.sizes.append(len(images))
        return [int(image[0, 0, 0]) for image in images]

    def release(self):
        self.released += 1


CONV = "Non-zero status code returned while running Conv node."
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    torch.OutOfMemoryError("Allocation on device 0 would exceed allowed memory."),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("onnxruntime: Failed to allocate memory for requested buffer of size 99"),
    MemoryError(),
    RuntimeException(
        f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {CONV} Failed to allocate memory for requested buffer"
    ),
    Fail("[ONNXRuntimeError] : 1 : FAIL : CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size);"),
    Fail("[ONNXRuntimeError] : 1 : FAIL : Available memory of 0 is smaller than requested bytes of 256"),
]


@pytest.mark.parametrize("error", FULL, ids=[f"{n} {type(each).__name__}" for n, each in enumerate(FULL)])
def test_a_batch_that_does_not_fit_is_halved_and_no_answer_is_lost(error):
    card = Card(3, error)
    assert list(in_batches(numbered(23), 16, card.answer, card.release)) == list(range(23))
    assert set(card.sizes[:-1]) == {2}
    assert card.released == 3


def test_one_image_that_does_not_fit_is_a_sentence():
    card = Card(0, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(ConfigError, match="not even one image fits"):
        list(in_batches(numbered(3), 4, card.answer))


@pytest.mark.parametrize("kind", [RuntimeError, Fail, InvalidArgument, ContractError, KeyError])
def test_another_error_is_not_taken_for_full_memory(kind):
    card = Card(0, kind("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(kind, match="mat1"):
        list(in_batches(numbered(3), 4, card.answer, card.release))
    assert card.released == 0


def test_fewer_answers_than_images_are_refused():
    with pytest.raises(ContractError, match="4 images went in, 3 answers"):
        list(in_batches(numbered(4), 8, lambda images: [0] * (len(images) - 1)))


def test_images_come_in_order_and_only_a_few_wait_in_memory():
    read = []

    def slowly(path):
        read.append(int(path.name))
        return np.full((1, 1, 3), int(path.name), np.uint8)

    images = decoded([Path(str(i)) for i in range(40)], 4, slowly)
    first = [int(next(images)[0, 0, 0]) for _ in range(3)]
    assert first == [0, 1, 2]
    assert max(read) <= 3 + 4
    assert [int(image[0, 0, 0]) for image in images] == list(range(3, 40))


def test_auto_begins_with_what_the_device_is_good_for():
    assert (first_batch("auto", "cpu"), first_batch("auto", "0"), first_batch(7, "0")) == (AUTO_CPU, AUTO_CUDA, 7)


@dataclass
class Small:
    """The network of an `ultralytics.YOLO` on a card that holds so many images."""

    network: object
    holds: int

    def predict(self, images, **asked):
        if len(images) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.network.predict(images, **asked)


def test_an_evaluation_with_a_batch_that_is_too_large_gets_every_answer_and_keeps_it(detector, tmp_path):
    """`batch: auto` from the protocol down to the network, which says what torch says when a card is full."""
    model = Yolo.load(detector.result.weights, detector.result.sha256, Kind.DETECT, "cpu")
    small = replace(model, model=Small(model.model, 3))
    paths = {row.sha256: row.path for row in (*detector.plan.train, *detector.plan.val)}
    table = pa.table({"key": list(paths), "sha256": list(paths)})

    def asked(batch, loaded, folder):
        cache = AnswerCache(tmp_path / folder, 2**24)
        used = protocol(64, 0.001, 0.7, batch, "cpu")
        images = SimpleNamespace(fetch=lambda key, sha256: paths[sha256])
        return Answering(sha256=model.sha256, protocol=used, load=lambda: loaded, images=images, cache=cache)

    full, fits = asked("auto", small, "full"), asked(2, model, "fits")
    for first, second in zip(full.answers(table), fits.answers(table), strict=True):
        assert second.confidences == pytest.approx(first.confidences, abs=1e-5)
    assert full.unknown(table).num_rows == 0
    assert asked(1, None, "full").answers(table), "kept for any batch: no model is needed"


def test_a_card_without_room_for_one_image_ends_the_evaluation_with_a_sentence(detector):
    model = Yolo.load(detector.result.weights, detector.result.sha256, Kind.DETECT, "cpu")
    with pytest.raises(ConfigError, match="a smaller imgsz, or a device with more free memory"):
        replace(model, model=Small(model.model, 0)).predict([detector.plan.train[0].path], 64, batch="auto")


def test_a_real_model_that_runs_out_of_memory_answers_as_with_a_batch_that_fits(detector):
    model = Yolo.load(detector.result.weights, detector.result.sha256, Kind.DETECT, "cpu")
    paths = [row.path for row in detector.plan.train]
    small = replace(model, model=Small(model.model, 2))
    whole, halved = model.predict(paths, 64, batch=2), small.predict(paths, 64, batch="auto")
    for first, second in zip(whole, halved, strict=True):
        assert np.array_equal(first.boxes, second.boxes)
        assert np.array_equal(first.confidences, second.confidences)
