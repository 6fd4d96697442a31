"""Pages for people: complete, of one file, and deaf to what strangers call their cameras."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.domain.contrast import Contrast
from tasks.domain.errors import ContractError
from tasks.domain.evaluation import Comparison, Evaluation, Interval
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.model import Kind, ModelRef
from tasks.domain.notice import Fact, Link
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict
from tasks.domain.window import Window
from tasks.report.boxed import Boxed
from tasks.report.decision_page import DecisionPage, decision_markdown, decision_page
from tasks.report.gallery import Drawn, Exhibit, Tile
from tasks.report.index_page import ApprovalLine, ModelLines, WindowLine, index_page, page_links, page_path
from tasks.report.markdown import escape
from tasks.report.thumbnail import LIMIT, Picture, thumbnail
from tasks.report.window_page import CameraPictures, WindowPage, window_markdown, window_page

DAY = Window.parse("2026-11-20T00:00:00Z/2026-11-21T00:00:00Z")
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "{% raw %}",
    "=cmd()|' /C calc'!A0",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "![x](http://203.0.113.9/leak.png)",
    "http://203.0.113.9/phish www.example.org",
    "a\nb\x1b[31m\x00\u202ec",
    "</td></table><form action=//203.0.113.9>",
    "`x` | y | **z** ~~w~~ <!-- -->",
)


class Watch(HTMLParser):
    """Collects everything on a page that could run, load or send."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "iframe", "object", "embed", "form", "base", "link", "audio", "video"}:
            self.found.append(tag)
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or name in {"action", "formaction", "style", "xlink:href", "srcdoc"}:
                self.found.append(f"{tag} {name}")
            if name in {"src", "srcset", "poster", "background"} and not address.startswith("data:image/"):
                self.found.append(f"{tag} {name}={address[:40]}")
            inside = tag == "image" and address.startswith("data:image/")
            if name == "href" and not inside and not address.startswith(("http://127.0.0.1", "/", "#")):
                self.found.append(f"{tag} href={address[:40]}")

    def handle_data(self, data: str) -> None:
        self.text += data


def watched(page: bytes) -> Watch:
    watch = Watch()
    watch.feed(page.decode())
    assert watch.found == []
    assert "url(" not in page.decode().split("</style>")[0]
    return watch


def verdict(word: str = "line-1") -> Verdict:
    findings = (
        Finding(check="shift", subject="brightness", outcome=Outcome.BREACH, slice=f"camera={word}", value=1.4,
                limit=0.5, unit="sd", n=48, note=word),
        Finding(check="shift", subject=word, outcome=Outcome.INCONCLUSIVE, n=6, unit=word),
        Finding(check=word, subject="noise", outcome=Outcome.OK, value=0.1, limit=0.5),
        Finding(check="odd", subject="nan", outcome=Outcome.BREACH, value=math.nan, limit=0.0),
    )  # fmt: skip
    cause = Cause(kind=CauseKind.CAMERA, summary=f"dark: {word}", cameras=(word,), properties=("brightness",),
                  since=datetime(2026, 11, 20, 6, tzinfo=UTC), share=0.91)  # fmt: skip
    return Verdict(
        outcome=Outcome.BREACH, action=Action.FIX_CAMERA, sentence=f"{word} went dark.", causes=(cause,),
        reports=(Report(stage=Stage.DRIFT, findings=findings),),
    )  # fmt: skip


def jpeg(level: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (level, level, level)).save(buffer, "JPEG")
    return buffer.getvalue()


def page(word: str = "line-1") -> WindowPage:
    box = Drawn(look="answer", box=(0.0, 0.0, 5.0, 5.0), text=word, hint=word, at=None)
    seen = Picture(data=jpeg(), caption=word)
    picture = Boxed(picture=seen, words=word, view=(0.0, 0.0, 32.0, 24.0), unit=0.1, boxes=(box,))
    return WindowPage(
        model=word,
        window=DAY,
        verdict=verdict(word),
        pictures=(
            CameraPictures(camera=word, reference=(picture,), current=(picture,)),
            CameraPictures(camera="line-9", current=(picture,)),
        ),
        links=(Link(label=word, url="http://127.0.0.1:4200/run"), Link(label="bad", url=word)),
        listed=10,
        accepted=9,
        quarantined={word: 1},
        made_of=(Fact(label=word, value=word),),
    )


CHAMPION, CHALLENGER = "a" * 64, "c" * 64


def ref(sha256: str, version: int) -> ModelRef:
    return ModelRef(
        name="solar", sha256=sha256, uri="s3://b/k", kind=Kind.DETECT, classes=("crack",), imgsz=640, version=version
    )


def evaluation(
    sha256: str, value: float, low: float = math.nan, high: float = math.nan, word: str = "f1"
) -> Evaluation:
    return Evaluation(
        model_sha256=sha256, dataset="recent", digest="d", protocol="p", metric="map50_95",
        headline=Interval(value=value, low=low, high=high), n=180, metrics={f"{word}/crack": value},
    )  # fmt: skip


def exhibit(word: str, gain: float) -> Exhibit:
    drawn = Drawn(look="wrong", box=(0.0, 0.0, 5.0, 5.0), text=word, hint=word, at=(1.0, 9.0))
    return Exhibit(
        where=word, when=word, change=word, gain=gain, boxed=True, picture=Picture(data=jpeg(), caption=word),
        view=(0.0, 0.0, 32.0, 24.0), part=True, unit=0.1,
        tiles=(Tile(title="Champion", words=word, good=False, boxes=(drawn,), odds=0.5),),
    )  # fmt: skip


def decision(word: str = "f1", outcome: Outcome = Outcome.OK) -> DecisionPage:
    gate = Finding(check="non_inferiority", subject=word, outcome=outcome, value=0.08, limit=-0.02, n=180, note=word)
    return DecisionPage(
        champion=ref(CHAMPION, 3),
        challenger=ref(CHALLENGER, 4),
        comparison=Comparison(
            champion_sha256=CHAMPION, challenger_sha256=CHALLENGER, gates=(gate,), agreement=0.93,
            evaluations=(evaluation(CHAMPION, 0.5, 0.4, 0.6, word), evaluation(CHALLENGER, 0.58, 0.5, 0.66, word)),
            contrast=Contrast(better=31, worse=9, alike=140),
        ),
        gate_hash="ab" * 32,
        exhibits=(exhibit(word, 1.0), exhibit(word, -1.0), replace(exhibit(word, -1.0), boxed=False)),
        links=(Link(label=word, url="http://127.0.0.1:5000/"),),
    )  # fmt: skip


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_names_are_inert_text_on_every_page(word: str) -> None:
    visible = "".join(c for c in word if c.isprintable() and not c.isspace())[:8]
    for made in (window_page(page(word)), decision_page(decision(word))):
        text = "".join(watched(made).text.split())
        assert visible in text
        assert "49" not in text


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_names_are_inert_in_markdown(word: str) -> None:
    for made in (window_markdown(page(word)), decision_markdown(decision(word))):
        assert "<" not in made
        own = re.findall(r"(?<!\\)\]\(([^)]*)\)", made)
        assert all(address.startswith("http://127.0.0.1") for address in own)
        assert not re.search(r"(?<!\\)!\[", made)
        assert not re.search(r"https?:(?!//127)(?=/)", made)
        rows = [line for line in made.splitlines() if line.startswith("| ")]
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_names_are_inert_on_the_index(word: str) -> None:
    link = Link(label=word, url=word)
    line = WindowLine(window=DAY, outcome=Outcome.BREACH, sentence=word, pages=(link,))
    waiting = ApprovalLine(number=1, challenger=word, expires=DAY.end, pages=(link,))
    watched(index_page((ModelLines(name=word, champion=word, windows=(line,), approvals=(waiting,)),), DAY.end))


def test_a_window_page_says_what_where_since_when_why_and_what_to_do() -> None:
    text = " ".join(watched(window_page(page())).text.split())
    for words in (
        "Degraded", "line-1 went dark.", "What to do: Look at the camera", "dark: line-1", "since 2026-11-20 06:00 UTC",
        "91% of the change", "camera line-1", "1.4 sd", "0.5 sd", "9 of 10 objects were accepted", "1 other camera",
    ):  # fmt: skip
        assert words in text


def test_the_daily_digest_has_its_own_words_on_the_page() -> None:
    found = Finding(check="digest", subject="cameras", outcome=Outcome.OK, note="2 of 50 cameras stand out today: <b>")
    told = replace(verdict(), reports=(Report(stage=Stage.WATCH, findings=(found,)),))
    text = watched(window_page(replace(page(), verdict=told))).text
    assert "The fleet today" in text and "2 of 50 cameras stand out today: <b>" in text
    assert "The fleet today" not in watched(window_page(page())).text


def test_what_a_version_is_like_since_it_was_made_does_not_stand_among_what_changed() -> None:
    weak = Finding(check="weak_segment", subject="noise above 9", outcome=Outcome.BREACH, value=0.2, limit=0.6)
    told = replace(verdict(), reports=(*verdict().reports, Report(stage=Stage.EVALUATE, findings=(weak,))))
    both = replace(page(), verdict=told)
    assert "noise above 9" not in watched(window_page(both)).text + window_markdown(both)


def test_a_cause_over_all_cameras_has_pictures_beside_those_of_the_camera_that_another_names() -> None:
    fleet = Cause(kind=CauseKind.PRODUCT, summary="what is photographed changed over all cameras together")
    both = replace(verdict(), causes=(*verdict().causes, fleet))
    html = window_page(replace(page(), verdict=both)).decode()
    assert html.index("<h3>line-9</h3>") < html.index("<details>")


def test_pictures_come_before_tables() -> None:
    html = window_page(page()).decode()
    assert html.index("data:image/jpeg") < html.index("<table")


def test_the_guilty_camera_is_shown_open_and_the_others_are_folded_away() -> None:
    html = window_page(page()).decode()
    assert html.index("<h3>line-1</h3>") < html.index("<details>") < html.index("<h3>line-9</h3>")


def test_a_window_without_anything_still_makes_a_page() -> None:
    empty = WindowPage(
        model="solar",
        window=DAY,
        verdict=Verdict(outcome=Outcome.INCONCLUSIVE, action=Action.WAIT, sentence="No data."),
    )
    assert "Nothing was checked." in watched(window_page(empty)).text
    assert "No data." in window_markdown(empty)


def test_a_thousand_findings_stay_readable_and_say_what_is_left_out() -> None:
    findings = tuple(
        Finding(check="shift", subject=f"p{i}", outcome=Outcome.BREACH, value=1.0, limit=0.5) for i in range(1000)
    )
    many = Verdict(
        outcome=Outcome.BREACH,
        action=Action.FIX_DATA,
        sentence="x",
        reports=(Report(stage=Stage.DRIFT, findings=findings),),
    )
    big = WindowPage(model="solar", window=DAY, verdict=many)
    assert "800 more findings" in watched(window_page(big)).text
    assert len(window_markdown(big)) <= 5000


def test_the_longest_words_keep_markdown_within_what_mlflow_takes() -> None:
    assert len(window_markdown(page("x_*" * 700))) <= 5000
    assert len(decision_markdown(decision("x_*" * 700))) <= 5000


def test_the_decision_shows_both_with_intervals_and_the_difference() -> None:
    text = " ".join(watched(decision_page(decision())).text.split())
    for words in ("0.500 [0.400, 0.600]", "0.580 [0.500, 0.660]", "+0.080", "passed", "93% of the unlabelled images"):
        assert words in text
    assert "a person may promote solar v4" in text


def test_numbers_of_two_protocols_are_not_subtracted_and_the_decision_says_why() -> None:
    made = decision()
    first, second = made.comparison.evaluations
    used = {"imgsz": 640, "torch": "2.15.0", "labels": "d"}
    apart = (replace(first, conditions=used), replace(second, conditions={**used, "imgsz": 320}))
    page = replace(made, comparison=replace(made.comparison, evaluations=apart))
    for text in (watched(decision_page(page)).text, decision_markdown(page)):
        assert "imgsz 640 against 320" in text and "do not compare" in text and "evergreen evaluate" in text
        assert "+0.080" not in text
    batch = (replace(first, conditions={**used, "batch": 1}), replace(second, conditions={**used, "batch": 16}))
    alike = replace(made, comparison=replace(made.comparison, evaluations=batch))
    assert "+0.080" in decision_markdown(alike)


@pytest.mark.parametrize("foreign", [True, False])
def test_of_weights_that_somebody_brought_the_decision_says_what_nobody_knows(foreign: bool) -> None:
    seen = replace(decision(), foreign=foreign)
    for text in (watched(decision_page(seen)).text, decision_markdown(seen)):
        assert ("whether it has learnt from these images" in text) is foreign


@pytest.mark.parametrize("outcome", [Outcome.BREACH, Outcome.INCONCLUSIVE])
def test_a_gate_that_is_not_passed_is_named_in_the_first_sentence(outcome: Outcome) -> None:
    text = watched(decision_page(decision(outcome=outcome))).text
    assert "solar v4 (cccccccccccc) may not be promoted: non inferiority f1." in text


def test_without_a_champion_or_numbers_the_decision_still_makes_a_page() -> None:
    bare = DecisionPage(
        champion=None,
        challenger=ref(CHALLENGER, 0),
        comparison=Comparison(
            champion_sha256="", challenger_sha256=CHALLENGER, gates=(), evaluations=(evaluation(CHALLENGER, math.nan),)
        ),
    )
    assert "There is no champion yet." in watched(decision_page(bare)).text
    assert "no gate was judged" in decision_markdown(bare)


def test_markdown_keeps_plain_words_plain() -> None:
    assert escape("brightness of line-1 fell by 3.5 %") == "brightness of line-1 fell by 3.5 %"


def test_a_thumbnail_is_small_upright_and_carries_no_exif(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (900, 1600, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "secret camera owner"
    Image.fromarray(noise).save(tmp_path / "a.jpg", exif=exif, quality=95)
    small = thumbnail(tmp_path / "a.jpg")
    assert len(small.data) <= LIMIT
    assert b"secret" not in small.data
    with Image.open(io.BytesIO(small.data)) as opened:
        assert opened.height > opened.width


def test_a_file_that_is_no_image_makes_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    with pytest.raises(ContractError, match="cannot make a picture"):
        thumbnail(tmp_path / "a.jpg")


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"\xff\xd8\xff" + b"0" * LIMIT])
def test_only_small_jpeg_and_png_get_into_a_page(data: bytes) -> None:
    with pytest.raises(ContractError, match="JPEG or PNG"):
        _ = Picture(data=data).uri


def test_only_a_models_own_pages_have_a_path() -> None:
    assert page_path("solar/evergreen/windows/a/report.html") == "/pages/solar/evergreen/windows/a/report.html"
    for key in (
        "solar/images/a.html", "solar/evergreen/models/a.html", "solar/evergreen/windows/report.svg",
        "solar/evergreen/windows/../models/a.html", "../evergreen/windows/a.html", "solar/evergreen/windows//a.html",
        "a/b/evergreen/windows/a.html", "solar/evergreen/windows/a\\b.html", "solar/evergreen/windows/a\n.html",
    ):  # fmt: skip
        assert page_path(key) is None


def test_artifacts_that_are_no_pages_get_no_link() -> None:
    artifacts = {"drift_page": "s3://b/solar/evergreen/windows/1/evidently.html", "manifest": "s3://b/solar/x.parquet"}
    assert page_links(artifacts, "http://127.0.0.1:9464/") == (
        Link(label="drift page", url="http://127.0.0.1:9464/pages/solar/evergreen/windows/1/evidently.html"),
    )


@pytest.mark.parametrize(("subject", "name"), [("map50", "mAP50"), ("accuracy", "Accuracy")])
def test_an_estimate_says_what_it_is_an_estimate_of(subject: str, name: str) -> None:
    said = Finding(check="estimate", subject=subject, outcome=Outcome.OK, value=0.9, note="valid: about 0.900")
    guessed = replace(verdict(), reports=(Report(stage=Stage.ESTIMATE, findings=(said,)),))
    assert f"{name} without labels: valid: about 0.900" in watched(window_page(replace(page(), verdict=guessed))).text
