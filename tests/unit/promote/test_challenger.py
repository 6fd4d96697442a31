"""Which version a person means who asks for a comparison."""

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

FIRST, SECOND, BROUGHT = "a1" * 32, "a2" * 32, "b3" * 32


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
    assert challenger_of(book, "m", "A2").sha256 == SECOND
    assert book.versions.get("m", BROUGHT).foreign and not book.versions.get("m", SECOND).foreign


def test_the_newest_version_may_be_the_champion_then_the_one_before_it_is_meant(book: Ledger) -> None:
    crown(book, BROUGHT)
    assert challenger_of(book, "m").sha256 == SECOND


def test_without_a_champion_there_is_nothing_to_compare_with(book: Ledger) -> None:
    with pytest.raises(NotFound, match="evergreen adopt m"):
        challenger_of(book, "m")


@pytest.mark.parametrize(
    ("prefix", "error", "says"),
    [("a1", Stale, "not compared with itself"), ("a", Stale, "2 versions of m begin"), ("c", NotFound, "no version c")],
)
def test_a_version_that_cannot_be_meant_is_refused_in_a_sentence(
    book: Ledger, prefix: str, error: type[Exception], says: str
) -> None:
    crown(book, FIRST)
    with pytest.raises(error, match=says):
        challenger_of(book, "m", prefix)
