"""The page about a version on labelled images: complete, small, deaf to what strangers call things."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.domain.contrast import Mark, Photo
from tasks.domain.errors import NotFound
from tasks.domain.evaluation import CARD_USE, Evaluation, Interval
from tasks.domain.finding import Outcome
from tasks.domain.kpi import Business, Kpi, Refusal
from tasks.domain.model import Kind, ModelRef
from tasks.domain.notice import Fact, Link
from tasks.domain.portrait import (
    Confusion,
    Curve,
    ErrorShare,
    Part,
    Portrait,
    Reliability,
    Shot,
    gap,
    gaps,
    portrait_bytes,
    portrait_of,
)
from tasks.domain.protocol import Protocol
from tasks.report.charts import Measured, trend
from tasks.report.evaluation_page import EvaluationPage, evaluation_markdown, evaluation_page, page_key
from tasks.report.evaluation_views import SETS, Measurement, view
from tasks.report.index_page import page_path
from tasks.report.kpi_table import kpi_table
from tests.unit.report.test_report_pages import HOSTILE, watched

NOW = datetime(2026, 11, 20, tzinfo=UTC)
FIVE_MB = 5 * 1024 * 1024
USED = Protocol(
    imgsz=640, conf=0.001, iou=0.7, batch=16, rect=False, half=False, device="cpu", versions=("torch==1",)
)  # fmt: skip


class Pictures:
    """One noisy photograph, whatever is asked for: noise is what compresses worst."""

    def __init__(self, folder: Path, side: int = 900) -> None:
        self.path = folder / "noise.png"
        pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(self.path)

    def fetch(self, key: str, sha256: str = "") -> Path:
        if "gone" in key:
            raise NotFound("it is gone")
        return self.path


def evaluation(dataset: str = "recent", value: float = 0.7, **changes: object) -> Evaluation:
    made = Evaluation(
        model_sha256="a" * 64, dataset=dataset, digest=dataset * 8, protocol="p", metric="map50_95",
        headline=Interval(value=value, low=value - 0.03, high=value + 0.03), n=160,
        metrics={"map50": 0.9, "label_lag_seconds": 7200.0, "labelled_fraction": 0.25, "f1": math.nan},
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def under(used: Protocol, value: float = 0.7) -> Evaluation:
    return evaluation(value=value, protocol=used.digest, conditions=used.conditions("l"))


def shot(name: str = "a", word: str = "crack", boxes: int = 3) -> Shot:
    marks = tuple(Mark(label=word, box=(10.0 + i, 10.0, 200.0, 200.0), confidence=0.9) for i in range(boxes))
    photo = Photo(image_id=name, key=f"m/images/c/{name}.jpg", sha256="0" * 64, camera=word, captured_at=NOW)
    return Shot(photo=photo, score=0.1, truth=marks, right=marks[:1], wrong=marks[1:2], missed=marks[2:])


def portrait(word: str = "crack", classes: int = 3, shots: int = 6, boxes: int = 3) -> Portrait:
    names = [f"{word}{i}" for i in range(classes)]
    line = tuple(np.linspace(0, 1, 100).tolist())
    shares = range(min(classes, 30) + 1)
    matrix = tuple(tuple(float(i == j) * 9 for j in shares) for i in shares)
    shown = tuple(shot(str(i), word, boxes) for i in range(shots))
    return Portrait(
        curves=tuple(Curve(name=name, recall=line, precision=line[::-1], value=0.5) for name in names),
        parts=tuple(
            Part(kind=kind, name=name, n=40, objects=90, value=0.3 + 0.4 * i / classes, low=0.2, high=0.9)
            for kind in ("class", "camera", "size")
            for i, name in enumerate(names)
        ),
        errors=(
            ErrorShare(kind="miss", count=12, map50=0.2, f1=None),
            ErrorShare(kind=word, count=0, map50=None, f1=0.0),
        ),
        confusion=Confusion(names=(*names[:30], "background"), rows=matrix),
        reliability=(Reliability(confidence=0.9, right=0.8, count=100),),
        misses=shown,
        phantoms=shown,
        sessions=20,
    )  # fmt: skip


def page(word: str = "crack", **more: int) -> EvaluationPage:
    kept = portrait(word, **more)
    ref = ModelRef(
        name="solar", sha256="a" * 64, uri="s3://b/k", kind=Kind.DETECT, classes=("crack",), imgsz=640, version=3
    )
    kpi = Kpi(name=word, value=1, unit=word, better="lower", start=NOW, end=NOW + timedelta(1), trend=(2.0, 1.0))
    refused = Refusal(source=word, reason="bad_time", note=word)
    return EvaluationPage(
        version=ref,
        measurements=(
            Measurement(evaluation=evaluation(), portrait=kept, baseline=evaluation(value=0.8, digest="b")),
            Measurement(evaluation=evaluation("golden"), portrait=kept, before=evaluation("golden", digest="o")),
        ),
        history=tuple(history(word)),
        kpis=kpi_table(Business(kpis=(kpi,), refused=(refused,), refusals=1)),
        links=(Link(label=word, url="http://127.0.0.1:5000/run"), Link(label="bad", url=word)),
        made_of=(Fact(label=word, value=word),),
    )


def history(word: str = "v1") -> list[Measured]:
    return [
        Measured(
            at=NOW + timedelta(i), dataset=dataset, version=word if i < 3 else "v2",
            value=0.7, low=0.6, high=math.nan, n=9,
        )
        for i in range(5)
        for dataset in ("recent", "golden", "baseline")
    ]  # fmt: skip


@pytest.mark.parametrize("word", HOSTILE)
def test_what_strangers_call_things_stays_text(word: str, tmp_path: Path) -> None:
    made = evaluation_page(page(word), Pictures(tmp_path, 60))
    watched(made)
    assert "127.0.0.1" in made.decode()
    assert "<script" not in evaluation_markdown(page(word))


def test_the_numbers_with_their_interval_and_what_they_were_are_read_first(tmp_path: Path) -> None:
    text = watched(evaluation_page(page(), Pictures(tmp_path, 60))).text
    for words in ("fresh labels", "0.700", "0.670 to 0.730", "was 0.800 (-0.100)", "golden set", "25.0%", "2 h", "160"):
        assert words in text
    assert text.index("0.700") < text.index("Worst misses") < text.index("Since when") < text.index("In detail")


def test_numbers_of_another_protocol_are_shown_and_not_subtracted(tmp_path: Path) -> None:
    was = evaluation(value=0.9, protocol="q")
    made = replace(page(), measurements=(Measurement(evaluation=evaluation(), baseline=was),))
    text = watched(evaluation_page(made, Pictures(tmp_path, 60))).text
    assert "was 0.900 (not comparable: evaluated under another protocol" in text and "-0.2" not in text
    assert "another protocol" in evaluation_markdown(made) and "0.900" not in evaluation_markdown(made)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"imgsz": 320}, "imgsz 640 against 320"),
        ({"half": True, "device": "cuda"}, "half no against yes"),
        ({"versions": ("torch==2", "ultralytics==9")}, "(packages were upgraded)"),
    ],
)
def test_what_differs_between_two_protocols_is_named_with_the_command_that_mends_it(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    now, then = under(USED), under(replace(USED, **changes), value=0.9)
    made = replace(page(), measurements=(Measurement(evaluation=now, baseline=then, before=then),))
    text = watched(evaluation_page(made, Pictures(tmp_path, 60))).text
    assert words in text and "evergreen evaluate" in text and "-0.2" not in text
    assert view(made.measurements[0], Pictures(tmp_path, 60)).outcome is None


def test_another_batch_is_no_other_protocol(tmp_path: Path) -> None:
    now, then = under(USED), under(replace(USED, batch=1), value=0.9)
    each = Measurement(evaluation=now, baseline=then)
    assert "was 0.900 (-0.200)" in [fact.value for fact in view(each, Pictures(tmp_path, 60)).was]
    assert view(each, Pictures(tmp_path, 60)).outcome is Outcome.BREACH


def test_a_baseline_that_is_in_doubt_itself_is_no_proof_of_a_fall(tmp_path: Path) -> None:
    now = under(USED)
    unsure = replace(now, headline=Interval(value=0.9, low=0.6, high=0.95))
    each = Measurement(evaluation=now, baseline=unsure)
    assert view(each, Pictures(tmp_path, 60)).outcome is None


def test_how_busy_the_gpu_was_is_told_where_it_is_known(tmp_path: Path) -> None:
    busy = evaluation(metrics={CARD_USE: 0.834})
    made = replace(page(), measurements=(Measurement(evaluation=busy),))
    assert "83%" in watched(evaluation_page(made, Pictures(tmp_path, 60))).text
    assert "GPU" not in watched(evaluation_page(page(), Pictures(tmp_path, 60))).text


def test_the_line_of_a_trend_is_broken_where_the_protocol_changed() -> None:
    rows = [replace(row, apart="another protocol, imgsz 640 against 320" if at == 4 else "")
            for at, row in enumerate(history())]  # fmt: skip
    drawn = trend(rows, SETS)
    assert drawn is not None
    assert [len(series.lines) for series in drawn.series] == [1, 2]
    assert any("not comparable with the one before: another protocol" in p.hint for p in drawn.series[1].points)


def test_a_large_set_of_many_classes_and_crowded_images_makes_a_page_of_less_than_5_mb(tmp_path: Path) -> None:
    made = evaluation_page(page(classes=80, boxes=40), Pictures(tmp_path))
    assert len(made) < FIVE_MB
    assert made.count(b"data:image/jpeg") == 24


def test_images_that_are_gone_leave_their_words(tmp_path: Path) -> None:
    lost = replace(portrait(), misses=(shot("gone"),), phantoms=())
    made = replace(page(), measurements=(Measurement(evaluation=evaluation(), portrait=lost),))
    text = watched(evaluation_page(made, Pictures(tmp_path, 60))).text
    assert "the image is gone" in text and "missed: 1 × crack" in text


def test_a_version_without_labels_or_of_an_older_program_has_a_page_that_says_so(tmp_path: Path) -> None:
    nothing = evaluation(n=0, headline=Interval(value=math.nan, low=math.nan, high=math.nan))
    none = replace(page(), measurements=(Measurement(evaluation=nothing),), history=(), kpis=None)
    assert "No labelled image" in watched(evaluation_page(none, Pictures(tmp_path, 60))).text
    old = replace(page(), measurements=(Measurement(evaluation=evaluation()),))
    assert "0.700" in watched(evaluation_page(old, Pictures(tmp_path, 60))).text


def test_the_trend_has_every_version_and_both_sets_in_order_of_time() -> None:
    drawn = trend(history(), SETS)
    assert drawn is not None
    assert [(series.look, len(series.points)) for series in drawn.series] == [("recent", 5), ("golden", 5)]
    assert [words for _, words in drawn.marks] == ["v1", "v2"]
    for series in drawn.series:
        xs = [point.x for point in series.points]
        assert xs == sorted(xs) and all(0 <= point.y <= 240 for point in series.points)
        assert all(point.high is None and point.low is not None for point in series.points)
    assert trend([], SETS) is None


def test_other_labels_or_another_protocol_are_another_page_and_the_server_shows_it() -> None:
    one, two = evaluation(), evaluation("golden")
    key = page_key("solar", [one, two])
    assert key == page_key("solar", [two, one])
    assert key not in {page_key("solar", [one]), page_key("solar", [replace(one, protocol="q"), two])}
    assert page_path(key) == f"/pages/{key}"


def test_a_portrait_comes_back_as_it_was() -> None:
    assert portrait_of(portrait_bytes(portrait())) == portrait()


def test_the_worst_part_counts_only_where_there_are_enough_images() -> None:
    known = portrait()
    assert gap(known, "class", 0.7, 20) == pytest.approx(0.4)
    assert gaps(known, 0.7).keys() == {"gap_class"}
    few = replace(known, parts=tuple(replace(part, n=3) for part in known.parts))
    assert gaps(few, 0.7) == {}
