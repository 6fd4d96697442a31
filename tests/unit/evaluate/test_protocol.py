"""Scores under different protocols are not compared, and the reason names the fields with both values."""

import hashlib
import json
import math
from dataclasses import replace

import pytest

from tasks.domain.errors import ContractError
from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.finding import Outcome
from tasks.domain.protocol import Protocol, aside, lock, protocol_of, refusal
from tasks.evaluate.performance import judge_performance
from tasks.evaluate.rules import EvaluateRules

BASE = Protocol(
    imgsz=640,
    conf=0.001,
    iou=0.7,
    batch=16,
    rect=False,
    half=False,
    device="cpu",
    versions=("torch==2.15.0", "python==3.11.7"),
)


def evaluated(used, labels="a" * 64, **changes):
    made = Evaluation(
        model_sha256="m" * 64,
        dataset="recent",
        digest=labels,
        protocol=used.digest,
        metric="map50_95",
        headline=Interval(value=0.8, low=0.7, high=0.9),
        n=200,
        conditions=used.conditions(labels),
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"imgsz": 320}, ["imgsz 640 against 320"]),
        ({"conf": 0.25}, ["conf 0.001 against 0.25"]),
        ({"iou": 0.5, "device": "cuda"}, ["iou 0.7 against 0.5", "device cpu against cuda"]),
        ({"rect": True}, ["rect no against yes"]),
        ({"half": True}, ["half no against yes"]),
        ({"format": "onnx"}, ["format pt against onnx"]),
        ({"decoding": "pillow"}, ["decoding opencv, exif, letterbox against pillow"]),
        ({"versions": ("torch==2.16.0", "python==3.11.7")}, ["torch 2.15.0 against 2.16.0"]),
        ({"versions": ("python==3.11.7",)}, ["torch 2.15.0 against nothing"]),
    ],
)
def test_a_refusal_names_every_field_with_both_values_and_what_to_do(changes, words):
    sentence = refusal(evaluated(BASE), evaluated(replace(BASE, **changes)))
    assert all(word in sentence for word in words)
    assert "evaluate both again with `evergreen evaluate`" in sentence
    finding = judge_performance(evaluated(replace(BASE, **changes)), evaluated(BASE), EvaluateRules()).findings[0]
    assert finding.outcome is Outcome.INCONCLUSIVE and "another protocol" in finding.note


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"batch": 4}, "batch 4 against 16"), ({"versions": ("torch==2.15.0", "python==3.11.9")}, "python 3.11.9")],
)
def test_what_moves_no_score_is_told_and_refuses_nothing(changes, words):
    recent, baseline = evaluated(replace(BASE, **changes)), evaluated(BASE)
    assert refusal(recent, baseline) == ""
    assert words in aside(recent, baseline)
    finding = judge_performance(recent, baseline, EvaluateRules(margin=0.2)).findings[0]
    assert finding.outcome is Outcome.OK and words in finding.note
    assert replace(BASE, **changes).recipe == BASE.recipe
    assert replace(BASE, **changes).digest != BASE.digest


def test_an_upgrade_is_called_one_and_anything_else_is_not():
    upgraded = replace(BASE, versions=("torch==2.16.0", "opencv==5", "python==3.11.7"))
    assert "(packages were upgraded)" in refusal(evaluated(BASE), evaluated(upgraded))
    assert "upgraded" not in refusal(evaluated(BASE), evaluated(replace(upgraded, imgsz=320)))
    finding = judge_performance(evaluated(BASE), evaluated(upgraded), EvaluateRules()).findings[0]
    assert "`evergreen evaluate`" in finding.note and "`evergreen golden-freeze MODEL`" in finding.note


def test_the_labels_count_where_images_are_compared_one_by_one():
    first, second = evaluated(BASE), evaluated(BASE, "b" * 64)
    assert refusal(first, second) == ""
    assert "labels aaaaaaaaaaaa against bbbbbbbbbbbb" in refusal(first, second, same_labels=True)
    assert first.lock != second.lock and lock({}) == ""


def test_two_metrics_do_not_compare():
    assert "map50_95 does not compare with accuracy" in refusal(evaluated(BASE), evaluated(BASE, metric="accuracy"))


def test_evaluations_from_before_the_fields_were_kept_still_compare_by_their_digest():
    old = {
        "imgsz": 640, "conf": 0.001, "iou": 0.7, "batch": 16, "rect": False, "half": False, "device": "cpu",
        "versions": ["torch==2.15.0", "python==3.11.7"],
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(old, sort_keys=True).encode()).hexdigest()
    kept = evaluated(BASE, protocol=digest, conditions={})
    assert refusal(evaluated(BASE), kept) == ""
    assert "before its fields were kept" in refusal(evaluated(replace(BASE, imgsz=320)), kept)
    assert aside(evaluated(BASE), kept) == ""


def test_a_protocol_is_read_back_from_what_an_evaluation_kept():
    assert protocol_of(evaluated(BASE).conditions) == BASE
    assert protocol_of(replace(BASE, batch="auto").conditions("")).batch == "auto"
    with pytest.raises(ContractError, match="evaluate again"):
        protocol_of({})


def test_a_baseline_without_a_score_is_never_a_comparison():
    nothing = evaluated(BASE, headline=Interval(value=math.nan, low=math.nan, high=math.nan))
    assert judge_performance(evaluated(BASE), nothing, EvaluateRules()).outcome is Outcome.INCONCLUSIVE
