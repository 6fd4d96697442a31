"""What is tested on is never trained on, in whatever disguise it comes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.curate.rules import CurateRules
from tasks.curate.split import (
    Labelled,
    golden_rows,
    held_out,
    held_out_rows,
    session_name,
    settled,
    trainable,
    training_rows,
    unlearnt,
)
from tasks.domain.blocked import Blocked

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = CurateRules()


def image(i, session=None, days=0.0, camera="line-1", **changes):
    made = Labelled(
        image_id=f"i{i:04d}",
        key=f"m/images/{camera}/{i}.png",
        sha256=f"{i:064x}",
        camera=camera,
        session=session or f"s{i // 4}",
        captured_at=NOON + timedelta(days=days),
        labelled_at=NOON,
        golden=False,
        objects=(),
    )
    return replace(made, **changes)


def free_session(start=0):
    return next(name for name in (f"free{i}" for i in range(start, 10_000)) if not held_out(name, RULES))


def test_the_held_out_share_of_sessions_is_about_the_one_that_was_asked_for():
    share = sum(held_out(f"s{i}", RULES) for i in range(4000)) / 4000
    assert share == pytest.approx(RULES.holdout_share, abs=0.03)


def test_holding_out_does_not_depend_on_when_it_is_asked_or_who_else_is_there():
    images = [image(i, days=-i) for i in range(200)]
    whole = {row.image.image_id for row in held_out_rows(images, NOON - timedelta(days=999), (), RULES)}
    half = {row.image.image_id for row in held_out_rows(images[:100], NOON - timedelta(days=999), (), RULES)}
    assert half == {name for name in whole if name < "i0100"}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 8), st.integers(-9, 0), st.booleans()), min_size=1, max_size=60
    )
)
def test_no_session_and_no_content_is_on_both_sides(facts):
    images = [
        image(i, session=f"s{session}", days=days, sha256=f"{content:064x}", golden=golden and i % 5 == 0)
        for i, (content, session, days, golden) in enumerate(facts)
    ]
    since = NOON - timedelta(days=4)
    usable, _ = trainable(images, (), RULES)
    training = training_rows(usable, since, RULES)
    tested = [*held_out_rows(images, since, (), RULES), *golden_rows(images)]
    assert not {row.image.sha256 for row in training} & {row.image.sha256 for row in tested}
    assert not {row.image.session for row in training} & {row.image.session for row in tested}
    hashes = [row.image.sha256 for row in training]
    assert len(hashes) == len(set(hashes))


def test_a_copy_of_a_golden_image_under_another_name_is_left_out_and_counted():
    golden = image(1, session="g", golden=True)
    copy = image(2, session=free_session(), sha256=golden.sha256)
    kept, counts = trainable([golden, copy, image(3, session=free_session())], (), RULES)
    assert [one.image_id for one in kept] == ["i0003"]
    assert counts["leak"] == 1


def test_frames_of_a_golden_images_session_are_left_out():
    session = free_session()
    kept, counts = trainable([image(1, session=session, golden=True), image(2, session=session)], (), RULES)
    assert kept == []
    assert counts["golden_session"] == 1


def test_an_image_waits_until_its_time_is_judged_unless_a_person_chose_it():
    early, late, chosen = image(1), image(2, days=3), replace(image(3, days=3), golden=True)
    end = NOON + timedelta(days=1)
    assert settled([early, late, chosen], end) == [early, chosen]
    assert settled([early, replace(early, captured_at=end)], end) == [early]
    assert settled([early, late, chosen], None) == [early, late, chosen]


def test_images_of_a_broken_camera_are_left_out_only_while_it_was_broken():
    session = free_session()
    fault = Blocked(camera="line-1", start=NOON, end=NOON + timedelta(hours=1))
    before, during = image(1, session=session, days=-1), image(2, session=session)
    other = image(3, session=session, camera="line-2")
    kept, counts = trainable([before, during, other], (fault,), RULES)
    assert [one.image_id for one in kept] == ["i0001", "i0003"]
    assert counts["camera_fault"] == 1


def test_golden_images_and_their_copies_are_not_in_the_recent_set():
    session = next(f"h{i}" for i in range(99) if held_out(f"h{i}", RULES))
    golden = image(1, session=session, golden=True)
    rows = held_out_rows(
        [golden, image(2, session=session, sha256=golden.sha256), image(3, session=session)], NOON, (), RULES
    )
    assert [row.image.image_id for row in rows] == ["i0003"]


def test_what_is_held_out_is_recent_from_a_moment_on_and_stays_held_out_before_it():
    session = next(f"h{i}" for i in range(99) if held_out(f"h{i}", RULES))
    rows = held_out_rows([image(1, session=session, days=-3), image(2, session=session)], NOON, (), RULES)
    assert [(row.image.image_id, row.source) for row in rows] == [("i0001", "held_out"), ("i0002", "recent")]


def test_what_a_version_learnt_is_no_test_nor_its_copies_nor_the_rest_of_its_session():
    learnt, copy = image(1, session="s"), image(2, session="u", sha256=image(1).sha256)
    beside_it, beside_the_copy = image(3, session="s"), image(4, session="u")
    kept = unlearnt([learnt, copy, beside_it, beside_the_copy], {learnt.image_id}, {learnt.sha256})
    assert kept == [beside_the_copy], "a copy that lies elsewhere says nothing about the rest there"
    assert unlearnt([learnt, copy], (), ()) == [learnt, copy]


def test_at_least_half_is_replay_when_there_is_enough_of_it():
    rules = CurateRules(max_images=100)
    images = [image(i, days=-10) for i in range(300)] + [image(i) for i in range(300, 900)]
    rows = training_rows(images, NOON - timedelta(days=1), rules)
    assert len(rows) == 100
    assert sum(row.source == "replay" for row in rows) == 50


def test_all_new_images_are_used_when_they_fit():
    images = [image(i, days=-10) for i in range(300)] + [image(i) for i in range(300, 340)]
    rows = training_rows(images, NOON - timedelta(days=1), CurateRules(max_images=200))
    assert sum(row.source == "recent" for row in rows) == 40
    assert len(rows) == 200


def test_everything_is_used_when_there_is_little_replay():
    images = [image(i, days=-10) for i in range(5)] + [image(i) for i in range(5, 50)]
    assert len(training_rows(images, NOON - timedelta(days=1), RULES)) == 50


@pytest.mark.parametrize("n", [2, 3, 8, 40, 200])
def test_both_splits_have_images_and_share_no_session(n):
    rows = training_rows([image(i) for i in range(n)], NOON, RULES)
    sides = {split: {row.image.session for row in rows if row.split == split} for split in ("train", "val")}
    assert all(any(row.split == split for row in rows) for split in sides)
    assert n < 8 or not sides["train"] & sides["val"]


def test_one_large_session_does_not_end_up_in_val():
    images = [image(i, session="big") for i in range(90)] + [image(i, session="small") for i in range(90, 100)]
    rows = training_rows(images, NOON, RULES)
    assert {row.image.session for row in rows if row.split == "val"} == {"small"}


def test_with_a_single_session_the_last_images_choose():
    images = [image(i, session="one", days=i / 100) for i in range(10)]
    val = [row.image.image_id for row in training_rows(images, NOON, RULES) if row.split == "val"]
    assert val == ["i0008", "i0009"]


def test_the_order_of_labels_changes_nothing():
    images = [image(i, days=-i / 10) for i in range(60)]
    assert training_rows(images, NOON, RULES) == training_rows(images[::-1], NOON, RULES)


def test_sessions_of_two_cameras_never_share_a_name():
    assert session_name("a", NOON, "shift", 10) != session_name("b", NOON, "shift", 10)
    assert session_name("a", NOON, None, 10) != session_name("a", NOON + timedelta(minutes=10), None, 10)


def test_nothing_gives_nothing():
    assert trainable([], (), RULES)[0] == []
    assert training_rows([], NOON, RULES) == []
    assert golden_rows([]) == []
