"""Every family of image bytes ends accepted or quarantined for the right reason, and what is accepted can be shown."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.adapters.image_facts import ImageFacts, inspect
from tasks.adapters.image_magic import Format
from tasks.domain.contract_reasons import Rejected
from tests.fakes.bad_images import BAD, GOOD


@pytest.mark.parametrize("name", GOOD)
def test_what_is_odd_but_whole_is_accepted_and_every_decoder_shows_it_alike(name: str) -> None:
    make, note = GOOD[name]
    data = make()
    facts = inspect(data)
    assert isinstance(facts, ImageFacts), facts
    assert facts.note == note
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None and shown.shape[1::-1] == (facts.width, facts.height)


@pytest.mark.parametrize("name", BAD)
def test_what_is_bad_is_refused_for_its_reason(name: str) -> None:
    make, reason = BAD[name]
    answer = inspect(make())
    assert isinstance(answer, Rejected), answer
    assert answer.reason is reason, answer


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("format_", list(Format))
def test_ordinary_pictures_are_never_refused(seed: int, format_: Format) -> None:
    """Quarantining good data is also a failure: cameras differ in size, quality and what they write beside."""
    rng = np.random.default_rng(seed)
    width, height = (int(side) for side in rng.integers(10, 400, 2))
    smooth = cv2.resize(rng.integers(0, 255, (4, 4, 3), dtype=np.uint8), (width, height))
    options = {
        Format.JPEG: [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(10, 100)), cv2.IMWRITE_JPEG_PROGRESSIVE, seed % 2],
        Format.PNG: [cv2.IMWRITE_PNG_COMPRESSION, seed % 10],
        Format.WEBP: [cv2.IMWRITE_WEBP_QUALITY, int(rng.integers(10, 101))],
    }
    suffix = {Format.JPEG: ".jpg", Format.PNG: ".png", Format.WEBP: ".webp"}[format_]
    done, data = cv2.imencode(suffix, smooth, options[format_])
    facts = inspect(data.tobytes() + bytes(rng.integers(0, 255, seed * 50, dtype=np.uint8)))
    assert done and isinstance(facts, ImageFacts), facts


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, mostly near the front; half of the time a PNG's checksum says that all is well."""
    found = bytearray(data)
    first, last = 8, min(len(found), 600 if rng.random() < 0.7 else len(found))
    if found[:4] == b"\x89PNG" and rng.random() < 0.5:
        starts = [8]
        while starts[-1] + 12 + (length := struct.unpack_from(">I", found, starts[-1])[0]) < len(found) - 12:
            starts.append(starts[-1] + 12 + length)
        start = int(rng.choice(starts))
        (length,) = struct.unpack_from(">I", found, start)
        for _ in range(3 if length else 0):
            found[start + 8 + rng.integers(min(length, 40))] = rng.integers(16)
        end = start + 8 + length
        found[end : end + 4] = struct.pack(">I", zlib.crc32(found[start + 4 : end]))
        return bytes(found)
    for _ in range(rng.integers(1, 6)):
        found[rng.integers(first, last)] = rng.integers(256)
    return bytes(found)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_damaged_gets_an_answer_and_what_is_accepted_can_be_decoded(seed: int) -> None:
    rng = np.random.default_rng(seed)
    seeds = [make() for name, (make, _) in GOOD.items() if name != "narrow and long"]
    accepted = 0
    for _ in range(150):
        data = mutated(seeds[rng.integers(len(seeds))], rng)
        answer = inspect(data)
        assert isinstance(answer, ImageFacts | Rejected)
        if isinstance(answer, ImageFacts):
            accepted += 1
            assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None
    assert accepted > 20


CHILD = """
import resource, sys, time
from tasks.adapters.image_facts import inspect
from tests.fakes.bad_images import encoded, everything, picture
import cv2, numpy
cv2.imdecode(numpy.frombuffer(encoded("PNG", picture()), numpy.uint8), cv2.IMREAD_COLOR)
for make in ("JPEG", "PNG", "WEBP"):
    inspect(encoded(make, picture()))
items = [(name, data) for name, data, _ in everything()]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name, data in items:
    inspect(data)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_no_family_takes_more_than_100_megabytes() -> None:
    """Measured in a process of its own: the peak over the whole corpus, bombs included."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True, cwd=root)
    assert int(done.stdout.split()[-1]) < 100 * 1024
