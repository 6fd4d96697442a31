"""Who is asked for: chance alone decides, the same way every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

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
