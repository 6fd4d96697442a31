"""Every family of image bytes ends accepted or quarantined for the right reason, and what is accepted can be shown."""

from __future__ import annotations

import subprocess
import sys
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
