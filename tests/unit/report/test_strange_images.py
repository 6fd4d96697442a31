"""The strangest images, the map of all and the maps of moved objects: bounded, numbered, deaf to strangers' words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.domain.errors import NotFound
from tasks.domain.finding import Finding, Outcome
from tasks.domain.wording import one_line
from tasks.report.embedding_map import COLUMNS, ROWS, embedding_map
from tasks.report.heat import CAMERAS, moved
from tasks.report.pictures import per_camera
from tasks.report.strangers import SHOWN, chosen, strangers
from tasks.report.window_page import WindowPage, window_page
from tests.unit.report.test_report_pages import DAY, HOSTILE, page, watched

CLASSES = ("nut", "bolt")


class Noise:
    """A picture that no JPEG makes small, for every key but those that are gone."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "noise.png"
        pixels = np.random.default_rng(1).integers(0, 255, (400, 400, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(self.path)

    def fetch(self, key: str, sha256: str = "") -> Path:
        if "gone" in key:
            raise NotFound(key)
        return self.path


@pytest.fixture
def cache(tmp_path: Path) -> Noise:
    return Noise(tmp_path)


def row(number: int, strangeness: float | None = 0.5, side: str = "window", **how: Any) -> dict[str, Any]:
    place = np.random.default_rng(number + (side == "window")).random(2)
    return {
        "side": side, "image_id": f"{side}-{number}", "key": f"m/{number}.jpg", "sha256": "", "camera": "cam-1",
        "captured_at": DAY.start + timedelta(minutes=number), "session": f"s{number}", "strangeness": strangeness,
        "x": float(place[0]), "y": float(place[1]), "width": 400, "height": 400,
        "detections": [
            {"class_id": 0, "confidence": 0.9, "box": [20.0, 30.0, 80.0, 90.0]},
            {"class_id": 1, "confidence": 0.1, "box": [0.0, 0.0, 9.0, 9.0]},
        ],
    } | how  # fmt: skip


def breach(camera: str = "cam-1", note: str = "moved to the left; p = 1e-3") -> Finding:
    return Finding(
        check="places",
        subject="object_position",
        slice=f"camera={camera}",
        outcome=Outcome.BREACH,
        value=0.3,
        note=note,
    )


def places(camera: str = "cam-1") -> list[dict[str, Any]]:
    grid = [1 / 64] * 64
    return [{"camera": camera, "side": side, "images": 40, "grid": grid} for side in ("reference", "window")]


def test_the_strangest_come_first_and_every_session_before_any_comes_twice() -> None:
    rows = [row(n, 3.0 - n / 100, session="burst") for n in range(40)] + [row(100 + n, 1.0 + n) for n in range(3)]
    found = chosen([*rows, row(900, None), row(901, None, side="reference")])
    assert len(found) == SHOWN
    assert [each["strangeness"] for each in found[:4]] == [3.0, 3.0, 2.99, 2.98]
    assert {each["image_id"] for each in found} >= {f"window-{100 + n}" for n in range(3)}


def test_a_picture_carries_the_models_boxes_and_says_what_it_found(cache: Noise) -> None:
    (found,) = strangers([row(7, 2.345)], CLASSES, cache)
    assert (found.number, found.times, found.beyond, found.words) == (1, 2.35, True, "found 1 × nut")
    assert [(box.look, box.box, box.text) for box in found.boxes] == [("answer", (20.0, 30.0, 60.0, 60.0), "nut 0.90")]
    assert (found.where, found.when) == ("cam-1", "2026-11-20 00:07 UTC")


def test_a_classifier_a_silent_model_and_a_model_without_answer_are_told_apart(cache: Noise) -> None:
    said = [{"class_id": 1, "confidence": 0.83, "box": None}, {"class_id": 9, "confidence": 0.17, "box": None}]
    words = [strangers([row(1, 1.5, detections=each)], CLASSES, cache)[0].words for each in (said, [], None)]
    assert words == ["says bolt, 83% sure", "found nothing", "the model was not asked"]


def test_an_image_that_is_gone_and_a_box_that_is_none_spoil_nothing(cache: Noise) -> None:
    odd = [
        {"class_id": 99, "confidence": 0.9, "box": [float("nan")] * 4},
        {"class_id": 0, "confidence": None, "box": None},
    ]
    (found,) = strangers([row(1, 1.5, key="gone.jpg", detections=odd)], CLASSES, cache)
    assert (found.picture, found.boxes, found.words) == (None, (), "says #99, 90% sure")
    drawn = embedding_map([row(1, 1.5, key="gone.jpg"), row(2, None, side="reference")], [found], cache)
    assert drawn is not None and (drawn.as_it_is, len(drawn.as_it_was)) == ((), 1)
    assert moved([breach()], places(), ([], []), cache)[0].maps[0].picture is None


def test_numbers_of_the_gallery_are_found_on_the_map(cache: Noise) -> None:
    rows = [row(n, 0.4 + n / 10) for n in range(20)] + [row(n, None, side="reference") for n in range(30)]
    known = strangers(rows, CLASSES, cache)
    drawn = embedding_map(rows, known, cache)
    assert drawn is not None
    assert sorted(dot.number for dot in drawn.numbered) == list(range(1, SHOWN + 1))
    assert (len(drawn.reference), len(drawn.window)) == (30, 20 - SHOWN)
    assert all(0 < dot.x < 1000 and 0 < dot.y < 400 for dot in (*drawn.reference, *drawn.window, *drawn.numbered))
    assert len(drawn.as_it_was) <= COLUMNS * ROWS


def test_without_places_or_one_side_there_is_no_map(cache: Noise) -> None:
    nowhere = row(1, 0.5, x=None, y=float("nan"))
    assert embedding_map([], (), cache) is None
    assert embedding_map([row(1), nowhere], (), cache) is None
    assert embedding_map([nowhere, row(2, None, side="reference")], (), cache) is None


def test_identical_images_lie_on_one_point(cache: Noise) -> None:
    same = {"x": 0.0, "y": 0.0}
    drawn = embedding_map([row(1, **same), row(2, None, side="reference", **same)], (), cache)
    assert drawn is not None and (drawn.window[0].x, drawn.window[0].y) == (500.0, 200.0)


def test_only_cameras_whose_objects_moved_have_maps_and_not_too_many(cache: Noise) -> None:
    fine = replace(breach(), outcome=Outcome.OK)
    assert moved([fine, breach("absent")], places(), ([], []), cache) == ()
    names = [f"cam-{n}" for n in range(20)]
    found = moved([breach(name) for name in names], [each for name in names for each in places(name)], ([], []), cache)
    assert len(found) == CAMERAS
    assert found[0].note == "moved to the left"
    assert len(found[0].maps[0].cells) == 64


@pytest.mark.parametrize("word", HOSTILE)
def test_what_strangers_wrote_stays_text(cache: Noise, word: str) -> None:
    rows = [row(1, 2.0, camera=word, session=word, key=f"a/{word}"), row(2, None, side="reference", camera=word)]
    known = strangers(rows, (word,), cache)
    full = replace(
        page(word),
        strangers=known,
        atlas=embedding_map(rows, known, cache),
        moved=moved([breach(word, word)], places(word), ([], []), cache),
    )
    told = one_line(word, 100)
    assert watched(window_page(full)).text.count(told) > watched(window_page(page(word))).text.count(told) + 2


def test_the_largest_page_stays_below_five_megabytes(cache: Noise) -> None:
    names = [f"cam-{n:02}" for n in range(40)]
    shown = [{"camera": name, "key": f"{name}/{n}.png", "sha256": ""} for name in names for n in range(4)]
    box = [{"class_id": n % 2, "confidence": 0.9, "box": [n, n, n + 9.0, n + 9.0]} for n in range(300)]
    rows = [row(n, 2 + n / 1000, detections=box) for n in range(660)]
    rows += [row(n, None, side="reference") for n in range(600)]
    known = strangers(rows, CLASSES, cache)
    full = WindowPage(
        model="m",
        window=DAY,
        verdict=page().verdict,
        pictures=per_camera(shown, shown, cache, names),
        strangers=known,
        atlas=embedding_map(rows, known, cache),
        moved=moved(
            [breach(name) for name in names], [each for name in names for each in places(name)], (shown, shown), cache
        ),
    )
    assert len(window_page(full)) < 5_000_000
