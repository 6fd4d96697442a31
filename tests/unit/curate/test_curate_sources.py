"""A label is used only when it is known which accepted bytes it is about, and what it says."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.curate.sources import index, labelled
from tasks.domain.blocked import blocked
from tasks.domain.window import Window

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOX = {"class_id": 0, "box": [0, 0, 5, 5], "polygon": None, "corners": None, "keypoints": None}


def label(image_id="a", **changes):
    row = {
        "image_id": image_id,
        "key": None,
        "camera": None,
        "session": None,
        "captured_at": None,
        "kind": "detect",
        "objects": [BOX],
        "labelled_at": NOON,
        "annotator": "kim",
        "verdict": None,
        "golden": False,
    }
    return row | changes


def catalog(image_id="a", **changes):
    row = {"key": "m/images/c/a.png", "image_id": image_id, "captured_at": NOON, "camera": "c", "sha256": "s"}
    return row | {"verdict": "accepted"} | changes


def usable(labels, rows=()):
    return labelled(labels, index(rows), 10)


def test_a_label_takes_key_hash_camera_and_time_from_the_catalog():
    (found,), counts = usable([label()], [catalog()])
    assert (found.key, found.sha256, found.camera, found.captured_at) == ("m/images/c/a.png", "s", "c", NOON)
    assert not counts


def test_a_listed_image_keeps_its_chance_and_that_of_an_unlisted_one_is_not_known():
    (drawn,), _ = usable([label()], [catalog(sampling_probability=0.25)])
    (certain,), _ = usable([label()], [catalog(sampling_probability=None)])
    (unlisted,), _ = usable([label(key="m/images/line-2/2026/11/20/07/a.png")])
    assert (drawn.chance, certain.chance, unlisted.chance) == (0.25, 1.0, None)


def test_a_label_cannot_rename_the_camera_that_was_at_fault():
    (listed,), _ = usable([label(camera="another")], [catalog()])
    (told,), _ = usable([label(camera="another", key="m/images/line-2/2026/11/20/07/a.png")])
    (only,), _ = usable([label(camera="another", key="m/elsewhere/a.png", captured_at=NOON)])
    assert (listed.camera, told.camera, only.camera) == ("c", "line-2", "another")


def test_a_label_with_a_key_finds_its_image_without_a_catalog():
    (found,), _ = usable([label(key="m/images/line-2/2026/11/20/07/a.png")])
    assert (found.camera, found.captured_at.hour, found.sha256) == ("line-2", 7, "")


@pytest.mark.parametrize(
    ("given", "rows", "reason"),
    [
        (label(), [], "unknown_image"),
        (label(key="somewhere/else.png"), [], "unknown_image"),
        (label(key="m/images/c/2026/13/40/99/a.png"), [], "unknown_image"),
        (label(), [catalog(verdict="quarantined")], "quarantined"),
        (label(kind="classify", objects=[]), [catalog()], "not_one_class"),
        (label(kind="classify", objects=[BOX, BOX]), [catalog()], "not_one_class"),
        (label(verdict="wrong_label", objects=[]), [catalog()], "no_correction"),
        (label(verdict="false_positive", objects=[]), [catalog()], "no_correction"),
    ],
)
def test_what_cannot_be_used_is_counted_by_reason(given, rows, reason):
    found, counts = usable([given], rows)
    assert found == []
    assert counts == {reason: 1}


@pytest.mark.parametrize("verdict", [None, "correct"])
def test_nothing_there_is_a_label(verdict):
    (found,), _ = usable([label(objects=[], verdict=verdict)], [catalog()])
    assert found.objects == ()


def test_an_image_without_a_label_never_becomes_background():
    found, _ = usable([label("a")], [catalog("a"), catalog("b")])
    assert [one.image_id for one in found] == ["a"]


def test_an_accepted_listing_wins_over_a_quarantined_one():
    rows = [catalog(verdict="quarantined", sha256=None), catalog()]
    assert index(rows)["a"].accepted
    assert index(rows[::-1])["a"].accepted


def test_cameras_that_a_verdict_blames_are_blocked_from_when_the_fault_began():
    window = Window(NOON, NOON + timedelta(hours=1))
    early = NOON - timedelta(hours=3)
    causes = [
        {"kind": "camera", "cameras": ["a"], "since": early.isoformat()},
        {"kind": "camera", "cameras": ["b"], "since": None},
        {"kind": "product", "cameras": ["c"], "since": None},
    ]
    found = blocked([(window, {"causes": causes}), (window, None)])
    assert [(one.camera, one.start, one.end) for one in found] == [("a", early, window.end), ("b", NOON, window.end)]
