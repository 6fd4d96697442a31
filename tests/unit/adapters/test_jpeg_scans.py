"""Zeros where a part was never written are seen, zeros of flat pictures are not taken for them; grey is a colour."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tasks.adapters.image_facts import ImageFacts, inspect
from tasks.adapters.jpeg_scans import ZEROS, segments
from tasks.domain.contract_reasons import Reason, Rejected

HEIGHT, WIDTH = 480, 640
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
NOISE = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3))
BUSY = np.dstack([(X + Y) % 256, (2 * X + Y) % 256, NOISE[..., 0]])


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def boxed(value: int, rows: int = 160) -> np.ndarray:
    """A picture above bars of one colour."""
    return np.where((HEIGHT - rows > Y)[..., None], BUSY, value)


def spans(data: bytes) -> list[tuple[int, int]]:
    """Where scans begin and end, told by the markers alone."""
    marks = list(segments(data))
    ends = [place - 2 for _, place in marks[1:]]
    return [(start, end) for (code, start), end in zip(marks, ends, strict=False) if code == 0xDA]


WAYS: dict[str, dict[str, object]] = {
    "plain": {},
    "grey": {"mode": "L"},
    "fine": {"quality": 100, "subsampling": 0},
    "coarse": {"quality": 5},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_blocks": 4},
}
PIXELS = {
    "busy": BUSY,
    "noise": NOISE,
    "black": np.zeros((1500, 2000, 3)),
    "white": np.full((1500, 2000, 3), 255),
    "grey bars": boxed(128),
    "a grey a shade darker": boxed(127),
    "black bars": boxed(0, rows=400),
    "a ramp": np.dstack([X * 255 // WIDTH] * 3),
    "a falling ramp": np.dstack([(WIDTH - X) * 255 // WIDTH] * 3),
    "a sky": np.dstack([Y * 255 // HEIGHT] * 3),
    "halves": np.dstack([np.where(X < WIDTH / 2, 20, 230)] * 3),
    "stars": np.dstack([np.where(NOISE[..., 0] == 7, 255, 0)] * 3),
}


def written(name: str, way: str) -> bytes:
    options = dict(WAYS[way])
    pixels = PIXELS[name]
    return jpeg(pixels[..., 0] if options.pop("mode", "") else pixels, **options)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PIXELS)
def test_a_sound_picture_is_kept_however_many_zeros_or_grey_rows_it_has(name: str, way: str) -> None:
    answer = inspect(written(name, way))
    assert isinstance(answer, ImageFacts), answer


def test_some_sound_pictures_do_hold_long_runs_of_zeros() -> None:
    assert b"\0" * 10 * ZEROS in written("black", "optimised")
    assert b"\0" * 10 * ZEROS in written("black", "progressive")


def test_zeros_outside_of_the_scans_are_nobodys_business() -> None:
    blank = b"\xff\xe2" + (9000).to_bytes(2, "big") + b"\0" * 8998
    data = written("busy", "plain")
    assert isinstance(inspect(data[:2] + blank + data[2:] + b"\0" * 9000), ImageFacts)


def holes(data: bytes) -> Iterator[bytes]:
    """A sector lost in every scan that has room for it, and everything from there to the end mark."""
    for start, end in spans(data):
        if end - start > 4 * ZEROS:
            middle = (start + end) // 2
            yield data[:middle] + b"\0" * ZEROS + data[middle + ZEROS :]
            yield data[:middle] + b"\0" * (end - middle) + data[end:]


@pytest.mark.parametrize("way", ["plain", "grey", "fine", "coarse", "optimised"])
def test_a_part_that_was_never_written_is_seen(way: str) -> None:
    found = list(holes(written("busy", way)))
    assert found
    for damaged in found:
        answer = inspect(damaged)
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.CORRUPT


def test_a_hole_in_the_scan_that_holds_most_of_a_progressive_picture_is_seen() -> None:
    data = written("busy", "progressive")
    reasons = [answer.reason for answer in map(inspect, holes(data)) if isinstance(answer, Rejected)]
    assert Reason.CORRUPT in reasons


@pytest.mark.parametrize("way", ["plain", "optimised", "progressive"])
def test_a_picture_that_was_cut_off_in_its_first_scan_and_closed_again_is_seen(way: str) -> None:
    data = written("busy", way)
    start, end = spans(data)[0]
    answer = inspect(data[: (start + end) // 2] + b"\xff\xd9")
    assert isinstance(answer, Rejected)
    assert answer.reason is Reason.TRUNCATED


@pytest.mark.parametrize("length", range(20, 900, 7))
def test_headers_that_are_cut_anywhere_give_an_answer(length: int) -> None:
    data = written("busy", "progressive")
    assert isinstance(inspect(data[:length] + data[-40:]), Rejected | ImageFacts)


def test_of_a_progressive_picture_above_grey_bars_scans_that_are_missing_are_missed() -> None:
    data = jpeg(boxed(128), progressive=True)
    for start, end in spans(data)[:-1]:
        answer = inspect(data[: (start + end) // 2] + b"\xff\xd9")
        assert isinstance(answer, Rejected)
        assert answer.reason is Reason.TRUNCATED
