"""A window's page shows each camera as it was and as it is, the suspected ones before all others."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tasks.domain.errors import NotFound
from tasks.report.pictures import CAMERAS, SHOWN, per_camera


class Folder:
    """One picture for every key, except those that are gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        Image.new("RGB", (32, 24), (90, 90, 90)).save(path)

    def fetch(self, key: str, sha256: str = "") -> Path:
        if "gone" in key:
            raise NotFound(key)
        return self.path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "a.jpg")


def rows(camera: str, count: int, word: str = "x") -> list[dict[str, object]]:
    return [{"camera": camera, "key": f"{camera}/{word}{i}.jpg", "sha256": ""} for i in range(count)]


def test_a_suspected_camera_has_pictures_however_many_cameras_there_are(folder: Folder) -> None:
    many = [row for i in range(40) for row in rows(f"cam-{i:02}", 2)]
    found = per_camera(many, many, folder, ["cam-39", "cam-31", "absent"])
    assert [each.camera for each in found][:3] == ["cam-39", "cam-31", "cam-00"]
    assert len(found) == CAMERAS
    assert len(found[0].current) == len(found[0].reference) == 2


def test_pictures_are_spread_over_the_window(folder: Folder) -> None:
    (found,) = per_camera(rows("line-1", 60), rows("line-1", 60, "was"), folder)
    assert [picture.words for picture in found.current] == ["x10.jpg", "x30.jpg", "x50.jpg"]
    assert [picture.words for picture in found.reference] == ["was10.jpg", "was30.jpg", "was50.jpg"]
    assert len(found.current) == SHOWN


def test_a_picture_that_is_gone_leaves_the_others(folder: Folder) -> None:
    (found,) = per_camera([*rows("line-1", 1, "gone"), *rows("line-1", 1)], [], folder)
    assert [picture.words for picture in found.current] == ["x0.jpg"]
    assert found.reference == ()
