"""Who approves a promotion looks at images: what people said, what the champion says, what the challenger says."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.domain.contrast import Answer, Contrast, Example, Mark, Photo
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.evaluation import Comparison
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.report.decision_page import OPEN, DecisionPage, decision_markdown, decision_page
from tasks.report.gallery import LABELLED, exhibits, region
from tasks.report.thumbnail import shown_size, thumbnail
from tasks.shadow.examples import Examined, contrast
from tasks.shadow.gates import Pair

HOSTILE = "</figure><script>alert(1)</script>\"'><img src=x onerror=y>"


class Folder:
    """Images by their key, as the cache of a stage gives them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[tuple[str, str]] = []

    def fetch(self, key: str, sha256: str = "") -> Path:
        self.asked.append((key, sha256))
        found = self.path / key.rsplit("/", 1)[-1]
        if not found.is_file():
            raise NotFound(f"{key} is gone")
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    save(tmp_path / "a.jpg", 320, 240)
    return Folder(tmp_path)


def save(path: Path, width: int, height: int) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, quality=90)


def example(before: float = 0.0, after: float = 1.0, camera: str = "line-1", key: str = "a.jpg") -> Example:
    mark = Mark(label="crack", box=(40.0, 60.0, 90.0, 110.0), confidence=0.83)
    other = Mark(label="chip", box=(200.0, 60.0, 250.0, 110.0), confidence=0.41)
    photo = Photo(
        image_id="i", key=f"m/images/{key}", sha256="a" * 64, camera=camera,
        captured_at=datetime(2026, 11, 20, 6, 30, tzinfo=UTC),
    )  # fmt: skip
    return Example(
        photo=photo,
        truth=(replace(mark, confidence=None),),
        champion=Answer(score=before, wrong=(other,), missed=(replace(mark, confidence=None),)),
        challenger=Answer(score=after, right=(mark,)),
    )


def named(before: float, after: float) -> Example:
    right, wrong = Mark(label="crack", confidence=0.91), Mark(label="ok", confidence=0.62)
    missed = Mark(label="crack", confidence=0.2)
    answers = [
        Answer(score=1.0, right=(right,)) if score else Answer(score=0.0, wrong=(wrong,), missed=(missed,))
        for score in (before, after)
    ]
    return replace(example(), truth=(Mark(label="crack"),), champion=answers[0], challenger=answers[1])


def page(folder: Folder, seen: Contrast, kind: Kind = Kind.DETECT) -> DecisionPage:
    champion, challenger = (
        ModelRef(name="m", sha256=s * 64, uri="s3://b/k", kind=kind, classes=("crack", "chip"), imgsz=640, version=v)
        for s, v in (("a", 3), ("c", 4))
    )
    return DecisionPage(
        champion=champion,
        challenger=challenger,
        comparison=Comparison(champion_sha256="a" * 64, challenger_sha256="c" * 64, gates=(), contrast=seen),
        exhibits=exhibits(seen.examples, folder, kind is Kind.DETECT),
    )


def words(page: DecisionPage) -> str:
    html = re.sub(r"<style>.*?</style>", " ", decision_page(page).decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_an_example_shows_truth_champion_and_challenger_on_the_picture(folder: Folder) -> None:
    made = page(folder, Contrast(better=1, alike=3, examples=(example(0.25, 1.0),)))
    html, text = decision_page(made).decode(), words(made)
    assert html.count('<img src="data:image/jpeg') == 3
    for part in (
        "Truth 1 object", "Champion 1 wrong, 1 missed", "Challenger 1 right", "F1 0.25 → 1.00", "line-1",
        "2026-11-20 06:30 UTC", "crack 0.83", "chip 0.41", "Of 4 recent labelled images",
    ):  # fmt: skip
        assert part in text
    assert '<rect class="line" x="40.0" y="60.0" width="50.0" height="50.0"/>' in html
    assert folder.asked == [("m/images/a.jpg", "a" * 64)]


def test_a_class_is_shown_with_its_probability_beside_the_truth(folder: Folder) -> None:
    text = words(page(folder, Contrast(better=1, examples=(named(0.0, 1.0),)), Kind.CLASSIFY))
    for part in ("wrong → right", "Truth crack", "Champion ✗ ok 62%, crack 20%", "Challenger ✓ crack 91%"):
        assert part in text


def test_losses_are_shown_open_below_the_gains(folder: Folder) -> None:
    gains, losses = (example(0.0, 1.0),) * 8, (example(1.0, 0.5, "line-bad"),) * 4
    html = decision_page(page(folder, Contrast(better=90, worse=4, examples=gains + losses))).decode()
    folded = re.findall(r"<details>.*?</details>", html, flags=re.DOTALL)
    assert html.count("F1 1.00 → 0.50") == 4
    assert "".join(folded).count("F1 1.00 → 0.50") == 4 - OPEN
    assert html.index("Better than the champion") < html.index("Worse than the champion")


def test_a_page_without_losses_says_so(folder: Folder) -> None:
    assert "On none of these images is it worse." in words(page(folder, Contrast(better=1, examples=(example(),))))


def test_a_comparison_without_labelled_images_shows_no_gallery(folder: Folder) -> None:
    empty = page(folder, Contrast())
    assert "See for yourself" not in words(empty)
    assert "labelled images the challenger" not in decision_markdown(empty)


def test_the_form_in_prefect_counts_the_images_that_got_worse(folder: Folder) -> None:
    text = decision_markdown(page(folder, Contrast(better=31, worse=9, alike=140)))
    assert "Of 180 recent labelled images the challenger is better on 31, worse on 9" in text


@pytest.mark.parametrize(("kind", "one"), [(Kind.DETECT, example()), (Kind.CLASSIFY, named(0.0, 1.0))])
def test_names_of_cameras_classes_and_files_are_text(folder: Folder, kind: Kind, one: Example) -> None:
    save(folder.path / "x.jpg", 320, 240)
    marks = tuple(replace(mark, label=HOSTILE) for mark in one.challenger.right)
    photo = replace(one.photo, camera=HOSTILE, key=f"{HOSTILE.replace('/', '')}x.jpg")
    folder.fetch = lambda key, sha256="": folder.path / "x.jpg"  # type: ignore[method-assign]
    bad = replace(one, photo=photo, truth=marks, challenger=replace(one.challenger, right=marks))
    html = decision_page(page(folder, Contrast(better=1, examples=(bad,)), kind)).decode()
    assert "&lt;script&gt;" in html
    assert "<script" not in html and "onerror=y>" not in html.replace("&gt;", "")


def test_an_image_that_is_gone_costs_its_picture_and_not_the_page(folder: Folder) -> None:
    made = page(folder, Contrast(worse=1, examples=(example(1.0, 0.0, key="gone.jpg"),)))
    assert "the image is gone" in words(made)
    assert "F1 1.00 → 0.00" in words(made)


def test_five_hundred_noisy_images_full_of_boxes_stay_below_five_megabytes(folder: Folder) -> None:
    save(folder.path / "big.jpg", 1600, 1200)
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 1500, (500, 80, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + 40], axis=2)
    classes, sure = np.zeros(80, np.int64), np.linspace(0.9, 0.3, 80, dtype=np.float32)
    truths = [Truth(image_id=f"i{i}", session=f"s{i}", classes=classes, boxes=boxes[i]) for i in range(500)]
    good = [Prediction(boxes=each, classes=classes, confidences=sure) for each in boxes]
    bad = [Prediction(boxes=each[:40] + 300, classes=classes[:40], confidences=sure[:40]) for each in boxes]
    photos = [Photo(image_id=f"i{i}", key="big.jpg", sha256="", camera="line-1") for i in range(500)]
    pair = Pair(
        champion=score_detections(truths, bad, ("crack",)), challenger=score_detections(truths, good, ("crack",))
    )
    seen = contrast(pair, Examined(photos=photos, truth=truths, champion=bad, challenger=good))
    made = decision_page(page(folder, seen))
    assert seen.n == 500
    assert made.count(b"<article") == 12
    assert 200_000 < len(made) < 5_000_000


def test_texts_stay_inside_the_picture_and_never_lie_on_each_other(folder: Folder) -> None:
    crowd = tuple(
        Mark(label="crack", box=(float(x), float(y), x + 30.0, y + 30.0), confidence=0.5)
        for x in range(0, 290, 20)
        for y in range(0, 210, 20)
    )
    one = replace(example(), challenger=Answer(score=1.0, right=crowd))
    (shown,) = exhibits([one], folder, boxed=True)
    placed = [each for each in shown.tiles[2].boxes if each.at is not None]
    assert 0 < len(placed) <= LABELLED
    spans = [(each.at[0], each.at[1], 13 * 0.6 * len(each.text)) for each in placed if each.at]
    assert all(x >= 0 and 13 <= y <= 240 and x + width <= 320.1 for x, y, width in spans)
    for i, (x, y, width) in enumerate(spans):
        assert all(abs(y - b) >= 13 or x + width <= a or a + other <= x for a, b, other in spans[i + 1 :])


def test_of_a_large_image_the_part_with_the_boxes_is_shown(folder: Folder) -> None:
    save(folder.path / "large.jpg", 3000, 2000)
    (shown,) = exhibits([example(key="large.jpg")], folder, boxed=True)
    x, y, width, height = shown.view
    assert shown.part
    assert x <= 40 and y <= 60 and x + width >= 250 and y + height >= 110
    assert width <= 600 and width / height == pytest.approx(1.5, abs=0.01)


def test_boxes_all_over_a_large_image_leave_it_whole() -> None:
    assert region((3000, 2000), [(0, 0, 10, 10), (2900, 1900, 2990, 1990)]) == (0.0, 0.0, 3000.0, 2000.0)
    assert region((3000, 2000), []) == (0.0, 0.0, 3000.0, 2000.0)


def test_boxes_refer_to_the_image_as_it_is_shown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    tilted = Image.new("RGB", (400, 200), (0, 0, 0))
    tilted.paste((255, 255, 255), (0, 0, 100, 200))
    tilted.save(tmp_path / "t.jpg", exif=exif)
    assert shown_size(tmp_path / "t.jpg") == (200, 400)
    with Image.open(io.BytesIO(thumbnail(tmp_path / "t.jpg", part=(0, 0, 200, 100)).data)) as top:
        assert top.convert("L").getextrema()[0] > 200


def test_a_file_that_is_no_image_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    with pytest.raises(ContractError, match="cannot make a picture"):
        shown_size(tmp_path / "a.jpg")
