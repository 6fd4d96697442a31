"""A small picture is made once of the same bytes, however many pages show it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.domain.errors import ContractError
from tasks.report import thumbnail as stage
from tasks.report.thumbnail import thumbnail

NAME = "ab" * 32


@pytest.fixture
def image(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    (tmp_path / NAME).write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())
    return tmp_path / NAME


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on no image can be opened."""
    monkeypatch.setattr(stage.Image, "open", lambda *given, **named: (_ for _ in ()).throw(OSError("opened")))


def test_the_same_bytes_are_decoded_once(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = thumbnail(image, "now", 120, limit=9_000)
    blind(monkeypatch)
    again = thumbnail(image, "then", 120, limit=9_000)
    assert (again.data, again.caption) == (first.data, "then")
    for side, part, limit in ((100, None, 9_000), (120, (0.0, 0.0, 9.0, 9.0), 9_000), (120, None, 8_000)):
        with pytest.raises(ContractError):
            thumbnail(image, "", side, part, limit)


@pytest.mark.parametrize("damage", [b"", b"\xff\xd8 half", b"no picture\xff\xd9"])
def test_a_damaged_small_picture_is_made_again(image: Path, damage: bytes) -> None:
    first = thumbnail(image)
    [kept] = (image.parent / "small").iterdir()
    kept.write_bytes(damage)
    assert thumbnail(image) == first
    assert kept.read_bytes() == first.data


def test_of_a_file_whose_name_does_not_say_its_bytes_nothing_is_kept(image: Path) -> None:
    named = image.with_name("photo.jpg")
    named.write_bytes(image.read_bytes())
    assert thumbnail(named) == thumbnail(image)
    assert len(list((image.parent / "small").iterdir())) == 1
