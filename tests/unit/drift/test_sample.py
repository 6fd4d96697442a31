"""From tables to samples: distinct scenes, and the model's answers image by image."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tasks.domain.finding import Outcome
from tasks.domain.scenes import distinct
from tasks.domain.tables import PREDICTIONS, PROFILES, REFERENCES, stamped
from tasks.domain.window import Window
from tasks.drift.answers import answers
from tasks.drift.compare import compare
from tasks.drift.questions import questions
from tasks.drift.rules import DriftRules
from tasks.drift.sample import joined, main_version, sample

RULES = DriftRules()
START = datetime(2026, 11, 20, tzinfo=UTC)


def profile(number, camera="a", dhash=None, **changes):
    row = {name: 1.0 for name in PROFILES.names if PROFILES.field(name).type == pa.float64()}
    row |= {"sha256": f"{number:064x}", "image_id": f"i{number}", "key": f"k{number}", "camera": camera}
    row |= {"captured_at": START + timedelta(minutes=number), "embedding": [float(number), 1.0]}
    return row | {"dhash": f"{(number * 0x9E3779B97F4A7C15) % 2**64:016x}" if dhash is None else dhash} | changes


def box(class_id, confidence, corners=(0.0, 0.0, 10.0, 10.0)):
    return {"class_id": class_id, "confidence": confidence, "box": list(corners)}


def prediction(number, detections=(), kind="detect", version="3", **changes):
    row = {"image_id": f"i{number}", "key": f"k{number}", "captured_at": START, "camera": "a", "kind": kind}
    return row | {"model_version": version, "width": 100, "height": 50, "detections": list(detections)} | changes


def reference(profiles, predictions):
    return joined(
        pa.Table.from_pylist(profiles, schema=PROFILES), pa.Table.from_pylist(predictions, schema=PREDICTIONS)
    )


def test_repeated_scenes_count_once_per_camera():
    near = f"{0b111:016x}"
    keep = distinct(["a", "a", "b", "a", "a"], ["0" * 16, "0" * 15 + "3", "0" * 16, near, ""], bits=2)
    assert keep.tolist() == [True, False, True, True, True]


def test_distinct_scenes_equal_a_double_loop():
    rng = np.random.default_rng(0)
    values = [int(v) for v in rng.integers(0, 2**10, 60)]
    kept = []
    for value in values:
        if all((value ^ other).bit_count() > 2 for other in kept):
            kept.append(value)
    assert distinct(["a"] * 60, [f"{v:016x}" for v in values], 2).sum() == len(kept)


def test_joining_keeps_every_image_and_the_answer_of_its_own():
    table = reference(
        [profile(2), profile(1), profile(3)],
        [prediction(1, [box(0, 0.9)]), prediction(2, error="timeout"), prediction(9), prediction(1, [])],
    )
    assert table.schema.names == REFERENCES.names
    assert table["image_id"].to_pylist() == ["i1", "i2", "i3"]
    assert table["model_version"].to_pylist() == ["3", None, None]
    assert len(table["detections"][0]) == 1
    stamped(table, "references")


def test_answers_are_counted_per_image():
    table = reference(
        [profile(1), profile(2), profile(3)],
        [
            prediction(1, [box(0, 0.9), box(1, 0.3, (0, 0, 50, 50)), box(1, 0.1)]),
            prediction(2, []),
            prediction(3, [box(7, 0.8)], version="2"),
        ],
    )
    found = answers(table, ("crack", "dent"), 0.25, "3")
    assert found.scalars["objects"][:2].tolist() == [2, 0]
    assert np.isnan(found.scalars["objects"][2])
    assert found.scalars["confidence"][0] == pytest.approx(0.9)
    assert np.isnan(found.scalars["confidence"][1])
    assert found.scalars["confidence_mean"][0] == pytest.approx(0.6)
    assert found.scalars["box_area"][0] == pytest.approx((np.log(100 / 5000) + np.log(2500 / 5000)) / 2)
    assert found.scalars["confidence[dent]"][0] == pytest.approx(0.3)
    assert np.isnan(found.scalars["confidence[dent]"][1])
    assert found.rates["no_objects"][:2].tolist() == [0, 1]
    assert found.rates["doubtful"][:2].tolist() == [1, 0]
    assert found.rates["class[dent]"][:2].tolist() == [1, 0]


def test_a_box_that_is_wider_than_high_is_told_by_its_aspect():
    table = reference([profile(1)], [prediction(1, [box(0, 0.9, (0, 0, 40, 10)), box(0, 0.9, (0, 0, 10, 10))])])
    found = answers(table, ("crack",), 0.25, "3").scalars["box_aspect"]
    assert found[0] == pytest.approx(np.log(4) / 2)


def test_a_class_whose_confidence_fell_alone_is_named():
    def side(first, sure):
        rows = [profile(n) for n in range(first, first + 60)]
        return reference(
            rows,
            [prediction(n, [box(0, 0.9 - n % 7 / 100), box(1, sure - n % 9 / 100)]) for n in range(first, first + 60)],
        )

    pair = [sample(side(first, sure), ("crack", "dent"), "3", RULES) for first, sure in ((1, 0.8), (101, 0.6))]
    asked = {question.subject: question for question in questions(*pair, RULES)}
    assert asked["confidence[dent]"].reference.mean() > asked["confidence[dent]"].current.mean() + 0.15
    assert asked["confidence[crack]"].reference.mean() == pytest.approx(
        asked["confidence[crack]"].current.mean(), abs=0.01
    )


def test_a_class_that_was_never_shown_has_no_confidence_to_compare():
    with_dent = sample(reference([profile(1)], [prediction(1, [box(1, 0.8)])]), ("crack", "dent"), "3", RULES)
    without = sample(reference([profile(2)], [prediction(2, [box(0, 0.8)])]), ("crack", "dent"), "3", RULES)
    asked = {question.subject: question for question in questions(with_dent, without, RULES)}
    assert (len(asked["confidence[dent]"].reference), len(asked["confidence[dent]"].current)) == (1, 0)
    assert asked["class[dent]"].current.tolist() == [0.0]


def test_a_classifier_answers_with_its_first_class_alone():
    first = [{"class_id": 1, "confidence": 0.2}, {"class_id": 0, "confidence": 0.8}]
    table = reference([profile(1)], [prediction(1, first, kind="classify")])
    found = answers(table, ("good", "bad"), 0.25, "3")
    assert set(found.scalars) == {"confidence", "confidence[good]"}
    assert found.scalars["confidence"][0] == pytest.approx(0.8)
    assert {name: values.tolist() for name, values in found.rates.items()} == {"class[good]": [1.0]}


def test_no_answers_by_that_version_are_no_columns():
    table = reference([profile(1)], [prediction(1)])
    assert answers(table, (), 0.25, "4").scalars == {}
    assert main_version(table) == "3"
    assert main_version(reference([profile(1)], [])) == ""


def test_a_sample_holds_distinct_scenes_and_counts_the_rest():
    same = "f" * 16
    table = reference([profile(1, dhash=same), profile(3, camera="b", dark_fraction=0.0), profile(4, dhash=same)], [])
    found = sample(table, (), "3", DriftRules())
    assert found.cameras.tolist() == ["a", "b"]
    assert found.images == {"a": 2, "b": 1}
    assert found.photometric.rates["dark_images"].tolist() == [1.0, 0.0]
    assert found.embedding.tolist() == [[1, 1], [3, 1]]
    assert found.of("b").scenes() == {"b": 1}


def shots(hours, seed, darker=0.0):
    """Pictures every three minutes that are dark at night."""
    rng = np.random.default_rng(seed)
    found = []
    for number, minute in enumerate(minute for hour in hours for minute in range(60 * hour, 60 * hour + 60, 3)):
        day = np.sin(np.pi * (minute % 1440) / 1440)
        light = 60 + 100 * day + rng.normal(0, 8) - darker
        moment = {"captured_at": START + timedelta(minutes=minute), "image_id": f"i{seed}-{number}"}
        found.append(profile(seed * 10_000 + number, brightness=light, **moment))
    return reference(found, [])


def brightness(now, before, window, rules):
    samples = (sample(before, (), "", rules, window), sample(now, (), "", rules))
    found = [each for each in compare(*samples, rules) if each.subject == "brightness" and each.camera]
    return {each.outcome for each in found}


def test_night_is_held_against_night():
    before, rules = shots(range(24), 1), DriftRules(min_scenes=35)
    whole_day = rules.model_copy(update={"hours_around": 12})
    for hour in (1, 8, 12, 23):
        window = Window(START + timedelta(hours=24 + hour), START + timedelta(hours=26 + hour))
        tonight = shots(range(24 + hour, 26 + hour), hour + 2)
        assert brightness(tonight, before, window, rules) == {Outcome.OK}
        darker = shots(range(24 + hour, 26 + hour), hour + 2, darker=30)
        assert brightness(darker, before, window, rules) == {Outcome.BREACH}
    tonight = shots(range(25, 27), 3)
    window = Window(START + timedelta(hours=25), START + timedelta(hours=27))
    assert brightness(tonight, before, window, whole_day) == {Outcome.BREACH}


def test_a_burst_is_one_scene_and_no_sign_of_a_frozen_camera():
    """The reference is thinned and has lost its bursts; a camera that shows one scene for minutes is frozen."""
    second = timedelta(seconds=1)
    known = [profile(n, captured_at=START + timedelta(minutes=n)) for n in range(100)]
    bursts = [profile(n, dhash=f"{n // 3 * 0x9E3779B97F4A7C15 % 2**64:016x}",
                      captured_at=START + timedelta(minutes=n // 3) + n % 3 * second) for n in range(90)]  # fmt: skip
    stuck = [profile(n, dhash="f" * 16, captured_at=START + 20 * n * second) for n in range(90)]
    before = sample(reference(known, []), (), "", RULES)
    verdicts = {}
    for name, rows in (("bursts", bursts), ("stuck", stuck)):
        found = compare(before, sample(reference(rows, []), (), "", RULES), RULES)
        verdicts[name] = next(each.outcome for each in found if each.check == "frozen")
    assert verdicts == {"bursts": Outcome.OK, "stuck": Outcome.BREACH}


def test_repeats_at_other_hours_do_not_make_a_camera_look_frozen_or_alive():
    before = reference([profile(n, captured_at=START + timedelta(minutes=5 * n)) for n in range(288)], [])
    window = Window(START + timedelta(hours=24), START + timedelta(hours=25))
    found = sample(before, (), "", DriftRules(min_scenes=36), window)
    assert found.images == found.scenes() == {"a": 36}


def test_an_embedding_of_another_length_is_nan():
    table = reference([profile(1), profile(2), profile(3, embedding=[])], [])
    assert np.isnan(sample(table, (), "3", DriftRules()).embedding[2]).all()


def test_an_empty_table_is_an_empty_sample():
    found = sample(reference([], []), (), "", DriftRules())
    assert len(found) == 0
    assert found.images == {}


def test_a_misspelt_detector_is_refused_when_the_rules_are_read():
    with pytest.raises(ValueError, match="known: anderson_darling, chi_square, domain_classifier"):
        DriftRules(scalar_detector="kss")


@pytest.mark.parametrize(
    ("field", "wrong", "takes", "fits"),
    [
        ("scalar_detector", "mmd", "one number per image", "ks"),
        ("scalar_detector", "fisher", "one number per image", "wasserstein"),
        ("vector_detector", "ks", "one vector per image", "energy"),
        ("place_detector", "ks", "one vector per image", "largest_shift"),
        ("rate_detector", "chi_square", "shares of images", "fisher"),
        ("mix_detector", "mmd", "counts of classes per image", "chi_square"),
        ("explainer", "mmd", "ranks properties", "domain_classifier"),
    ],
)
def test_a_detector_of_the_wrong_kind_is_refused_when_the_rules_are_read(field, wrong, takes, fits):
    with pytest.raises(ValueError, match=rf"{field}.*{takes}.*{wrong}.*fitting:.*{fits}"):
        DriftRules(**{field: wrong})


def test_every_default_and_every_fitting_detector_is_taken():
    for field in ("scalar_detector", "vector_detector", "place_detector", "rate_detector", "mix_detector", "explainer"):
        name = DriftRules.model_fields[field].default
        assert getattr(DriftRules(**{field: name}), field) == name
    assert DriftRules(place_detector="mmd", scalar_detector="psi", explainer="").place_detector == "mmd"
