"""A training is asked for once, and only when there is something to learn."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from tasks.domain.errors import ConfigError
from tasks.domain.model import Kind, ModelRef
from tasks.retrain.plan import FINE_TUNE_LR, Supply, contract_of, fit_key, learning_rate, refusal
from tasks.retrain.rules import RetrainRules

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = RetrainRules(min_images=20, min_new_labels=50, cooldown_hours=24, max_per_week=2)
CHAMPION = ModelRef(name="m", sha256="a" * 64, uri="s3://b/k", kind=Kind.CLASSIFY, classes=("x", "y"), imgsz=96)
PLENTY = Supply(train=500, recent=100)


def ago(**span):
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("supply", "made", "word"),
    [
        (Supply(train=12, recent=100), [], "8 more"),
        (Supply(train=500, recent=30), [], "20 more"),
        (PLENTY, [ago(hours=5)], "within the last 24 hours"),
        (PLENTY, [ago(days=2), ago(days=4)], "2 times in seven days"),
    ],
)
def test_a_refusal_says_what_is_missing(supply, made, word):
    assert word in refusal(CHAMPION, supply, made, NOW, RULES)


@pytest.mark.parametrize("made", [[], [ago(hours=25)], [ago(days=2), ago(days=9)]])
def test_enough_labels_and_time_are_no_refusal(made):
    assert refusal(CHAMPION, PLENTY, made, NOW, RULES) == ""


def test_a_first_version_needs_images_but_no_recent_labels():
    assert refusal(None, Supply(train=20, recent=0), [], NOW, RULES) == ""
    assert refusal(None, Supply(train=19, recent=0), [], NOW, RULES)


def test_the_key_follows_everything_that_decides_the_outcome():
    key = fit_key("m", CHAMPION, "d", RULES)
    assert key == fit_key("m", CHAMPION, "d", RetrainRules(**RULES.model_dump()))
    changed = [
        fit_key("n", CHAMPION, "d", RULES),
        fit_key("m", None, "d", RULES),
        fit_key("m", CHAMPION, "e", RULES),
        *(
            fit_key("m", CHAMPION, "d", RULES.model_copy(update=change))
            for change in ({"seed": 1}, {"epochs": 3}, {"lr0": 0.1}, {"hyper": {"mosaic": 0.5}}, {"freeze": 2})
        ),
    ]
    assert len({key, *changed}) == len(changed) + 1


def test_the_key_does_not_follow_when_to_train():
    later = RULES.model_copy(update={"cooldown_hours": 1, "min_new_labels": 1, "max_per_week": 9, "min_images": 2})
    assert fit_key("m", CHAMPION, "d", RULES) == fit_key("m", CHAMPION, "d", later)


def test_a_challenger_keeps_the_champions_kind_classes_and_size():
    found = contract_of(CHAMPION, RetrainRules(kind=Kind.DETECT, classes=("other",)))
    assert (found.kind, found.classes, found.imgsz) == (Kind.CLASSIFY, ("x", "y"), 96)


def test_a_first_version_takes_its_classes_from_the_rules():
    found = contract_of(None, RetrainRules(kind=Kind.DETECT, classes=("crack",)))
    assert (found.kind, found.classes, found.imgsz) == (Kind.DETECT, ("crack",), 640)


@pytest.mark.parametrize(
    "rules", [RetrainRules(), RetrainRules(classes=("<b>",)), RetrainRules(kind=Kind.POSE, classes=("a",))]
)
def test_a_first_version_that_is_not_described_is_refused(rules):
    with pytest.raises(ConfigError):
        contract_of(None, rules)


def test_a_fine_tune_learns_slowly_unless_told_otherwise():
    assert learning_rate(CHAMPION, RULES) == FINE_TUNE_LR
    assert learning_rate(None, RULES) is None
    assert learning_rate(CHAMPION, RetrainRules(lr0=0.02)) == 0.02


def test_a_misspelt_rule_is_refused():
    with pytest.raises(ValidationError):
        RetrainRules(epoch=3)
