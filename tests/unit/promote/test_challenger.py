"""Which version a person means who names one, or asks for a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.adapters.ledger.records import IMPORTED
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import NotFound, Stale
from tasks.domain.model import Kind, ModelRef
from tasks.domain.promotion import PromotionKind
from tasks.promote.challenger import challenger_of
from tasks.promote.named import named, newest

FIRST, SECOND, BROUGHT = "abcd1" + "0" * 59, "abcd2" + "0" * 59, "1234" * 16


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    with Ledger.open(url) as ledger:
        for sha256, source in ((FIRST, "first"), (SECOND, "retrain"), (BROUGHT, IMPORTED)):
            uri = f"s3://b/{sha256}.pt"
            ref = ModelRef(name="m", sha256=sha256, uri=uri, kind=Kind.DETECT, classes=("bolt",), imgsz=64)
            ledger.versions.add(ref, source)
        yield ledger


def crown(book: Ledger, sha256: str) -> None:
    book.promotions.move("m", PromotionKind.BOOTSTRAP, expected_from="", to=sha256, actor="Ada", reason="test")


def test_the_newest_version_beside_the_champion_is_meant_or_the_one_that_is_named(book: Ledger) -> None:
    crown(book, FIRST)
    assert challenger_of(book, "m").sha256 == BROUGHT
    assert challenger_of(book, "m", "ABCD2").sha256 == SECOND
    assert book.versions.get("m", BROUGHT).foreign and not book.versions.get("m", SECOND).foreign


def test_the_newest_version_may_be_the_champion_then_the_one_before_it_is_meant(book: Ledger) -> None:
    crown(book, BROUGHT)
    assert challenger_of(book, "m").sha256 == SECOND


def test_without_a_champion_there_is_nothing_to_compare_with(book: Ledger) -> None:
    with pytest.raises(NotFound, match="evergreen adopt m"):
        challenger_of(book, "m")


@pytest.mark.parametrize(
    ("prefix", "error", "says"),
    [
        ("abcd1", Stale, "not compared with itself"),
        ("abcd", Stale, "2 versions of m are called abcd"),
        ("abc", NotFound, "no version abc"),
    ],
)
def test_a_version_that_cannot_be_meant_is_refused_in_a_sentence(
    book: Ledger, prefix: str, error: type[Exception], says: str
) -> None:
    crown(book, FIRST)
    with pytest.raises(error, match=says):
        challenger_of(book, "m", prefix)


def test_a_number_and_the_beginning_of_a_hash_name_a_version_and_what_could_be_either_is_not_guessed(
    book: Ledger,
) -> None:
    book.versions.number("m", SECOND, 2)
    assert [named(book, "m", said).sha256 for said in ("2", "v2", " ABcd2")] == [SECOND] * 3
    assert newest(book, "m").sha256 == BROUGHT
    book.versions.number("m", FIRST, 1234)
    with pytest.raises(Stale, match="2 versions of m are called 1234"):
        named(book, "m", "1234")
    assert (named(book, "m", "12341").sha256, named(book, "m", "v1234").sha256) == (BROUGHT, FIRST)


@pytest.mark.parametrize("said", ["", " ", "None", "none", "9", "v", "123"])
def test_what_names_no_version_is_refused(book: Ledger, said: str) -> None:
    with pytest.raises(NotFound, match="evergreen versions m"):
        named(book, "m", said)
