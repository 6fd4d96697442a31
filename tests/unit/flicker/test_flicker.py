"""Objects that are gone for a frame: counted as a person would, and held against the sessions of healthy windows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tasks.domain.finding import ALL, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.subjects import Topic, topic
from tasks.domain.tables import PREDICTIONS
from tasks.drift.cause import causes_of
from tasks.flicker.judging import BASELINE, flicker_findings, split, usable
from tasks.flicker.rules import FlickerRules
from tasks.flicker.tracks import Frame, Session, chosen, of_sessions, sessions, vanished

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = FlickerRules()
BOX = (10.0, 10.0, 50.0, 50.0)


def frame(*boxes, classes=None, at=0.0):
    return Frame(
        moment=NOON + timedelta(seconds=at),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes if classes is not None else [0] * len(boxes), np.int64),
    )


def moved(box, by):
    return tuple(side + by for side in box)


FAR = moved(BOX, 300)


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (frame(BOX), (1, 0)),
        (frame(), (1, 1)),
        (frame(FAR), (1, 1)),
        (frame(BOX, classes=[1]), (1, 1)),
        (frame(moved(BOX, 5)), (1, 0)),
        (frame(BOX, BOX), (1, 0)),
    ],
    ids=["stays", "gone", "elsewhere", "another class", "a little aside", "found twice"],
)
def test_an_object_that_is_there_before_and_after_is_looked_for_between(between, expected):
    assert vanished(frame(BOX), between, frame(BOX), 0.3) == expected


def test_an_object_that_left_or_came_is_no_flicker():
    assert vanished(frame(BOX), frame(), frame(), 0.3) == (0, 0)
    assert vanished(frame(), frame(), frame(BOX), 0.3) == (0, 0)


def test_an_object_that_moves_evenly_is_looked_for_half_way():
    steps = [frame(moved(BOX, by)) for by in (0, 5, 10)]
    assert vanished(*steps, 0.3) == (1, 0)
    assert vanished(steps[0], frame(moved(BOX, -30)), steps[2], 0.3) == (1, 1)


def test_two_objects_side_by_side_are_not_taken_for_each_other():
    beside = moved(BOX, 12)
    assert vanished(frame(BOX, beside), frame(BOX), frame(BOX, beside), 0.3) == (2, 1)


def predictions(rows):
    content = [
        {
            "image_id": f"i{n}", "key": f"k{n}", "camera": "a", "session": "s", "model_version": "1", "kind": "detect",
            "width": 640, "height": 480, "captured_at": NOON + timedelta(seconds=0.1 * n), "detections": [], **row,
        }
        for n, row in enumerate(rows)
    ]  # fmt: skip
    return pa.Table.from_pylist(content, schema=PREDICTIONS)


def seen(confidence=0.9, box=BOX):
    return {"detections": [{"class_id": 0, "confidence": confidence, "box": list(box)}]}


def test_the_rate_of_a_session_is_what_vanished_of_what_could_have():
    (found,) = sessions(predictions([seen(), seen(), {}, seen(), seen(0.1), seen(), seen(), seen()]), "1", RULES)
    assert (found.objects, found.gone, found.camera, round(found.gap, 3)) == (3, 2, "a", 0.1)
    assert found.rate == pytest.approx(2 / 3)


def test_frames_far_apart_are_no_neighbours():
    rows = [{**seen(), "captured_at": NOON + timedelta(seconds=5 * n)} for n in range(9)]
    (found,) = sessions(predictions(rows), "1", RULES)
    assert (found.objects, found.gap) == (0, 5.0)


def test_frames_out_of_order_are_put_in_order():
    rows = [seen(), {}, seen(), seen()]
    table = predictions(rows)
    assert sessions(table.take([3, 1, 0, 2]), "1", RULES) == sessions(table, "1", RULES)


@pytest.mark.parametrize(
    "odd",
    [{"session": None}, {"model_version": "2"}, {"error": "timed out"}, {"kind": "classify", "detections": []}],
    ids=["no session", "another version", "failed", "nothing found"],
)
def test_what_is_no_video_of_this_version_has_no_rate(odd):
    found = sessions(predictions([{**seen(), **odd}] * 6), "1", RULES)
    assert all(session.objects == 0 for session in found)


def test_of_very_many_frames_whole_sessions_of_every_camera_are_looked_at():
    """Single pictures are no video; of a session that is longer than the camera's part, the first frames."""
    rows = [{**seen(), "camera": "a", "session": f"s{n // 10}"} for n in range(400)]
    rows += [{**seen(), "camera": "b", "session": "long"} for _ in range(300)]
    rows += [{**seen(), "camera": "b", "session": f"single {n}"} for n in range(300)]
    pieces = predictions(rows).to_batches(max_chunksize=64)
    wanted = chosen(pieces, "1", most=100)
    shown = pa.concat_tables(of_sessions(pieces, "1", wanted))
    found = sessions(shown, "1", RULES)
    assert {session.camera for session in found} == {"a", "b"}
    frames = Counter((row["camera"], row["session"]) for row in shown.to_pylist())
    assert frames["b", "long"] == 50
    assert {count for (camera, _), count in frames.items() if camera == "a"} == {10}
    assert sum(frames.values()) == 100
    assert chosen(pieces, "2") == {}


def test_boxes_that_are_no_boxes_are_left_out():
    broken = [None, [1.0, 2.0], [float("nan"), 0.0, 1.0, 1.0], [0.0, 0.0, float("inf"), 1.0]]
    rows = [{"detections": [{"class_id": 0, "confidence": 0.9, "box": box} for box in broken]}] * 4
    assert sessions(predictions(rows), "1", RULES)[0].objects == 0


def video(rng, count, rate, camera="a", objects=60):
    """Sessions whose objects flicker with this chance, which differs from session to session."""
    own = rng.beta(40 * rate, 40 * (1 - rate), count)
    return [
        Session(camera=camera, start=NOON, objects=objects, gone=int(rng.binomial(objects, p)), gap=0.1) for p in own
    ]


def judged(found, earlier, rules=RULES):
    return flicker_findings(found, usable(found, rules), [usable(each, rules) for each in earlier], rules)


def test_a_rate_that_rises_is_found_and_named_with_its_camera():
    rng = np.random.default_rng(1)
    past = [video(rng, 20, 0.02, camera) for _ in range(3) for camera in "ab"]
    findings = judged([*video(rng, 15, 0.02, "a"), *video(rng, 15, 0.15, "b")], past)
    assert [each.slice for each in findings if each.outcome is Outcome.BREACH][-1] == "camera=b"
    note = findings[-1].note
    assert note.startswith("rose from") and "over sessions" in note


def test_healthy_videos_raise_no_alarm():
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(200):
        past = [video(rng, 20, 0.05, camera) for camera in "ab"]
        found = judged([*video(rng, 12, 0.05, "a"), *video(rng, 12, 0.05, "b")], past)
        alarms += any(each.outcome is Outcome.BREACH for each in found)
    assert alarms <= 0.02 * 200 + 2


def test_one_window_of_a_month_must_be_surer_and_is_no_witness_of_its_own_sessions():
    rng = np.random.default_rng(5)
    past, rates = [video(rng, 60, 0.05)], [0.05] * 7 + [0.2] * 5
    found = video(rng, 12, 0.05)

    def asked(count, month):
        known = [usable(each, RULES) for each in past]
        (answer,) = flicker_findings(found, {"a": rates[-count:]}, [*known, {"a": rates[:-count]}], RULES, month)
        return answer.outcome

    assert asked(12, 1.0) is Outcome.BREACH
    assert asked(12, 1 / 720) is Outcome.INCONCLUSIVE  # the next window is a second witness
    assert asked(4, 1 / 720) is Outcome.OK  # the next one would be judged with most of these sessions
    assert asked(4, 1.0) is Outcome.BREACH


def test_a_rise_that_is_too_small_to_matter_is_told_to_nobody():
    rng = np.random.default_rng(3)
    past = [video(rng, 60, 0.02, objects=4000)]
    (found,) = judged(video(rng, 200, 0.035, objects=4000), past)
    assert found.outcome is Outcome.OK


def test_slow_frames_are_inconclusive_and_single_pictures_are_not_asked():
    slow = [Session(camera="a", start=NOON, objects=0, gone=0, gap=4.0)] * 12
    (found,) = judged(slow, [])
    assert found.outcome is Outcome.INCONCLUSIVE and "frames are 4 s apart, more than 1 s" in found.note
    assert judged([], []) == ()


def test_too_few_sessions_say_how_many_are_missing():
    rng = np.random.default_rng(4)
    (first,) = judged(video(rng, 12, 0.02), [])
    (second,) = judged(video(rng, 4, 0.02), [video(rng, 30, 0.02)])
    assert first.note == "flicker: 0 healthy sessions since the reference, 10 more are needed"
    assert second.note == "flicker: 4 sessions in the window, 6 more are needed"


def test_the_baseline_stays_and_few_sessions_are_filled_up_with_those_before():
    before = [{"a": [0.01] * BASELINE}, {"a": [0.2, 0.3]}]
    known, newest = split("a", {"a": [0.4]}, before, RULES)
    assert known == [0.01] * BASELINE
    assert newest == [0.2, 0.3, 0.4]


def test_flicker_is_about_answers_and_only_its_breach_speaks():
    rng = np.random.default_rng(5)
    past = [video(rng, 40, 0.02)]
    sick = Report(stage=Stage.WATCH, findings=judged(video(rng, 15, 0.2), past))
    open_one = Report(stage=Stage.WATCH, findings=judged(video(rng, 3, 0.2), past))
    sound = Report(stage=Stage.DRIFT, findings=(replace(sick.findings[0], subject="noise", outcome=Outcome.OK),))
    assert topic(sick.findings[0].subject) is Topic.PREDICTION and sick.findings[0].slice == ALL
    causes = causes_of((replace(sick, stage=Stage.DRIFT),), {})
    assert "look as before, but the model's answers changed" in judge((sound, sick), causes, None).sentence
    assert judge((sound, open_one), (), None).outcome is Outcome.OK
