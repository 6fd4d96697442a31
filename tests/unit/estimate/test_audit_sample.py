"""Who is asked for: chance alone decides, the same way every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import numpy as np
import pytest

from tasks.domain.window import Window
from tasks.estimate.audit import Candidate, audit, shared_out

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = Window(NOON, NOON + timedelta(hours=1))


def images(count: int, chance: float = 1.0, name: str = "image") -> list[Candidate]:
    return [
        Candidate(
            key=f"m/images/{name}-{n}.jpg",
            image_id=f"{name}-{n}",
            sha256=sha256(f"{name} {n}".encode()).hexdigest(),
            camera="a",
            captured_at=NOON,
            chance=chance,
        )
        for n in range(count)
    ]


def test_the_same_window_gives_the_same_images_in_whatever_order_they_come() -> None:
    forth, back = audit(HOUR, images(500), 50), audit(HOUR, images(500)[::-1], 50)
    assert forth == back
    assert len(forth.drawn) == 50 and forth.accepted == 500


def test_asking_for_more_adds_to_the_list() -> None:
    few, many = audit(HOUR, images(500), 50), audit(HOUR, images(500), 80)
    assert [each.image for each in many.drawn[:50]] == [each.image for each in few.drawn]


def test_every_image_has_the_chance_that_is_written_beside_it() -> None:
    assert {each.chance for each in audit(HOUR, images(400), 100).drawn} == {0.25}
    assert {each.chance for each in audit(HOUR, images(400, chance=0.5), 100).drawn} == {0.125}
    assert {each.chance for each in audit(HOUR, images(40), 100).drawn} == {1.0}


def test_what_a_model_said_cannot_matter_because_it_is_not_asked() -> None:
    """Over many windows every place in time is drawn alike: the hash knows nothing of the picture."""
    counts = [0, 0]
    for number in range(60):
        for each in audit(HOUR, images(100, name=f"w{number}"), 20).drawn:
            counts[int(each.image.image_id.split("-")[1]) >= 50] += 1
    assert abs(counts[0] - 600) < 70


def test_copies_of_a_picture_are_asked_for_once() -> None:
    same = [*images(10), *[Candidate(**{**copy_of(each), "key": each.key + ".copy"}) for each in images(10)]]
    found = audit(HOUR, same, 20)
    assert found.accepted == 10
    assert len({each.image.sha256 for each in found.drawn}) == len(found.drawn) == 10


def copy_of(image: Candidate) -> dict[str, object]:
    return {name: getattr(image, name) for name in Candidate.__slots__}


def test_an_empty_window_asks_for_nothing() -> None:
    assert audit(HOUR, [], 100).drawn == ()


def test_several_windows_share_the_list_by_size() -> None:
    later = Window(HOUR.end, HOUR.end + timedelta(hours=1))
    found = shared_out([(HOUR, images(300)), (later, images(100, name="late"))], 40)
    assert [len(each.drawn) for each in found] == [30, 10]


def doubtful(count: int) -> dict[str, float]:
    """Every tenth image is doubted much, one in ten not known at all."""
    return {f"image-{n}": 0.4 if n % 10 == 0 else 0.05 for n in range(count) if n % 10 != 5}


def test_what_a_model_doubts_is_asked_for_more_often_and_the_chance_says_so() -> None:
    found = audit(HOUR, images(600), 100, doubtful(600))
    chance = {each.image.image_id: each.chance for each in found.drawn}
    by_kind = [
        {round(c, 6) for name, c in chance.items() if int(name.split("-")[1]) % 10 == kind} for kind in (0, 5, 7)
    ]
    assert [len(kind) for kind in by_kind] == [1, 1, 1]
    often, unknown, seldom = (kind.pop() for kind in by_kind)
    usual = np.mean(list(doubtful(600).values()))
    assert often / unknown == pytest.approx(2, rel=1e-4), "never more than twice as often as the average image"
    assert seldom / unknown == pytest.approx(0.05 / usual, rel=1e-4)


def test_the_written_chances_count_a_window_exactly() -> None:
    """Adding up one over the chance counts the images of every kind, over many windows."""
    counted = [0.0, 0.0]
    for number in range(60):
        listed = images(300, name=f"w{number}")
        doubt = {each.image_id: 0.4 if n % 10 == 0 else 0.05 for n, each in enumerate(listed)}
        for each in audit(HOUR, listed, 60, doubt).drawn:
            counted[int(each.image.image_id.split("-")[1]) % 10 == 0] += 1 / each.chance
    assert counted == pytest.approx([60 * 270, 60 * 30], rel=0.04)


def test_asking_for_more_adds_to_a_doubtful_list_too() -> None:
    few, many = (audit(HOUR, images(500), n, doubtful(500)) for n in (50, 80))
    assert [each.image for each in many.drawn[:50]] == [each.image for each in few.drawn]
