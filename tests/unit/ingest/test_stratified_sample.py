"""A sample of a crowded window: every kind of image is in it, and totals from it are right on average."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.contract import Detection, PredictionRecord
from tasks.domain.model import Kind
from tasks.domain.window import Window
from tasks.ingest import sample
from tasks.ingest.members import Member
from tasks.ingest.records import Found
from tasks.ingest.sheet import Sheet, blank
from tasks.ingest.sheet_rows import Drawn

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T08:00:00Z")
HOUR = timedelta(hours=1)

Shot = tuple[Member, PredictionRecord | None]


def shot(name: str, camera: str, classes: list[int], hour: int = 0, answered: bool = True) -> Shot:
    moment = WINDOW.start + hour * HOUR + timedelta(minutes=7)
    key = f"m/images/{camera}/{name}.jpg"
    member = Member(key=key, size=9, etag="e", camera=camera, image_id=name, moment=moment, landed=moment)
    found = tuple(Detection(class_id=each, confidence=0.9, box=(1, 1, 5, 5)) for each in classes)
    record = PredictionRecord(
        schema=1, image_id=name, key=key, captured_at=moment, camera=camera, model_version="1", kind=Kind.DETECT,
        width=9, height=9, detections=found,
    )  # fmt: skip
    return member, record if answered else None


def plant(seed: int, count: int = 1200) -> list[Shot]:
    """Two hours of two cameras; class 0 is everywhere, class 1 on a tenth, class 2 on four images of one camera."""
    dice = random.Random(seed)
    shots = []
    for number in range(count):
        camera = "busy" if number % 6 else "calm"
        classes = [0] * dice.randint(1, 4) + ([1] if number % 10 == 0 else []) + ([2] if number % 300 == 7 else [])
        shots.append(shot(f"{seed}-{number}", camera, classes, number % 2, answered=number % 50 != 3))
    return shots


@pytest.fixture
def sheet(tmp_path: Path) -> Iterator[Sheet]:
    with blank(tmp_path) as sheet:
        yield sheet


def drawn(sheet: Sheet, shots: list[Shot], limit: int) -> list[Drawn]:
    sheet.add_objects(member for member, _ in shots)
    records = [record for _, record in shots if record]
    sheet.add_records((Found(source=r.image_id, size=1, etag="e", answer=r) for r in records), WINDOW)
    sheet.settle(timedelta(seconds=1))
    left_out = sheet.draw(limit)
    found = list(sheet.objects())
    assert len(found) + left_out == len(shots)
    return found


def on(each: Drawn, class_id: int) -> int:
    return sum(d.class_id == class_id for d in each.record.detections) if each.record else 0


def crowded(each: PredictionRecord | None) -> float:
    """Images of the quieter camera with more than three objects."""
    return float(each is not None and each.camera == "calm" and len(each.detections) > 3)


def common(each: PredictionRecord | None) -> float:
    """Objects of the ordinary class."""
    return float(sum(d.class_id == 0 for d in each.detections)) if each else 0.0


def rare(each: PredictionRecord | None) -> float:
    """Objects of the rarest class."""
    return float(sum(d.class_id == 2 for d in each.detections)) if each else 0.0


def test_totals_from_the_sample_are_right_on_average(tmp_path: Path) -> None:
    """Over 40 windows: no bias beyond chance, errors spread as their own standard error says, the rarest exact."""
    errors: dict[Callable[[PredictionRecord | None], float], list[float]] = {crowded: [], common: [], rare: []}
    for seed in range(40):
        (tmp_path / str(seed)).mkdir()
        shots = plant(seed, 600)
        with blank(tmp_path / str(seed)) as sheet:
            found = drawn(sheet, shots, 150)
        for total, seen in errors.items():
            seen.append(sum(total(each.record) / each.chance for each in found) - sum(total(r) for _, r in shots))
    for total in (crowded, common):
        mean = sum(errors[total]) / 40
        deviation = math.sqrt(sum((e - mean) ** 2 for e in errors[total]) / 39)
        assert deviation > 0
        assert abs(mean) < 3 * deviation / math.sqrt(40)
        assert sum(abs(e) < 2 * deviation for e in errors[total]) >= 34
    assert max(map(abs, errors[rare])) < 1e-9, "every image of the rarest class is certain to be drawn"


def test_adding_up_the_weights_counts_every_camera_class_and_hour_exactly(sheet: Sheet) -> None:
    shots = plant(1)
    found = drawn(sheet, shots, 200)
    told: Counter[tuple[str, str]] = Counter()
    for each in found:
        assert each.member is not None
        told[each.member.camera, f"{each.member.moment:%H}"] += 1 / each.chance  # type: ignore[assignment]
    truth = Counter((member.camera, f"{member.moment:%H}") for member, _ in shots)
    assert dict(told) == pytest.approx(dict(truth))


def test_every_camera_class_and_hour_is_in_the_sample(sheet: Sheet) -> None:
    odd = [shot("alone", "new", [5]), shot("empty", "calm", []), shot("mute", "new", [], 1, answered=False)]
    shots = [*plant(2), *odd]
    found = drawn(sheet, shots, 200)
    assert len(found) == 200
    assert {each.member.image_id for each in found if each.member} >= {"alone", "empty", "mute"}
    assert sum(on(each, 2) for each in found) == 4
    assert {each.chance for each in found if on(each, 2)} == {1.0}


def test_an_image_counts_for_the_rarest_class_on_it() -> None:
    assert sample.rarest([0, 1, 2], {0: 90, 1: 10, 2: 4}) == "2"
    assert sample.rarest([0, 1], {0: 5, 1: 5}) == "0"
    assert sample.rarest([], {}) == sample.NOTHING


def test_a_window_that_is_not_crowded_is_looked_at_whole(sheet: Sheet) -> None:
    assert {each.chance for each in drawn(sheet, plant(3, 100), 100)} == {1.0}


def test_the_same_window_gives_the_same_sample_whatever_the_order(tmp_path: Path) -> None:
    shots, names = plant(4), []
    for turn in (shots, shots[::-1]):
        (tmp_path / str(len(names))).mkdir()
        with blank(tmp_path / str(len(names))) as sheet:
            names.append([each.member.key for each in drawn(sheet, turn, 200) if each.member])
    assert names[0] == names[1] == sorted(names[0])


def test_a_few_late_images_change_little(tmp_path: Path) -> None:
    shots, names = plant(5), []
    late = [shot(f"late-{n}", "busy", [0], n % 2) for n in range(6)]
    for turn in (shots, shots + late):
        (tmp_path / str(len(names))).mkdir()
        with blank(tmp_path / str(len(names))) as sheet:
            names.append({each.member.key for each in drawn(sheet, turn, 200) if each.member})
    assert len(names[0] - names[1]) <= 12


def test_too_many_strata_are_put_together_and_every_weight_stays_finite(sheet: Sheet) -> None:
    shots = [shot(f"n{n}", f"cam-{n % 7}", [n % 40], n % 2) for n in range(1120)]
    found = drawn(sheet, shots, 30)
    assert len(found) == 30
    assert {each.member.camera for each in found if each.member} == {f"cam-{n}" for n in range(7)}
    assert sum(1 / each.chance for each in found) == pytest.approx(1120)


def test_records_without_an_image_are_drawn_among_themselves(sheet: Sheet) -> None:
    base = plant(6, 400)
    lone = [r.model_copy(update={"key": "", "image_id": f"lone-{n}"}) for n, (_, r) in enumerate(plant(7, 400)) if r]
    sheet.add_objects(member for member, _ in base)
    sheet.add_records((Found(source=r.image_id, size=1, etag="e", answer=r) for r in lone), WINDOW)
    sheet.settle(timedelta(seconds=1))
    assert sheet.draw(100) == 300 + len(lone) - 100
    found = list(sheet.lone_records())
    assert len(found) == 100
    assert sum(1 / each.chance for each in found) == pytest.approx(len(lone))


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 5000), min_size=1, max_size=30), st.integers(1, 6000))
def test_an_allocation_takes_what_it_may_and_leaves_nobody_out(sizes: dict[str, int], limit: int) -> None:
    if not sample.fits(len(sizes), limit) and sum(sizes.values()) > limit:
        with pytest.raises(ValueError, match="do not fit"):
            sample.allocation(sizes, limit)
        return
    taken = sample.allocation(sizes, limit)
    assert sum(taken.values()) == min(limit, sum(sizes.values()))
    assert all(1 <= taken[name] <= size for name, size in sizes.items())


def test_a_sample_is_shared_out_in_proportion_above_the_floor() -> None:
    taken = sample.allocation({"a": 600_000, "b": 300_000, "c": 99_990, "rare": 10}, 20_000)
    assert taken["rare"] == 10
    assert taken["a"] == pytest.approx(2 * taken["b"], abs=1)
