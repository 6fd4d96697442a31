"""What was exported and what is deployed is written once, the newest counts, and the chain covers it."""

from dataclasses import replace

import pytest

from tasks.adapters.ledger.store import Ledger
from tasks.domain.export import Export
from tasks.domain.protocol import Format

FILE = Export(
    version_sha256="a" * 64, form=Format.ONNX, sha256="b" * 64, uri="s3://b/k", imgsz=640, versions=("torch==2",)
)


@pytest.fixture
def book(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    with Ledger.open(url) as opened:
        yield opened


def test_an_export_is_kept_once_and_the_newest_of_a_format_counts(book):
    book.exports.add("m", FILE, "kim")
    book.exports.add("m", FILE, "kim")
    assert book.exports.of("m", FILE.version_sha256) == {Format.ONNX: FILE}
    newer = replace(FILE, sha256="c" * 64)
    book.exports.add("m", newer, "kim")
    engine = replace(FILE, form=Format.ENGINE, half=True)
    book.exports.add("m", engine, "kim")
    assert book.exports.of("m", FILE.version_sha256) == {Format.ONNX: newer, Format.ENGINE: engine}
    assert book.exports.of("m", "d" * 64) == {}
    assert len(book.decisions.trail("m", "export", FILE.version_sha256)) == 3


def test_production_runs_the_weights_until_somebody_says_otherwise(book):
    assert book.exports.deployed("m") is Format.PT
    for form in (Format.ONNX, Format.ONNX, Format.PT):
        book.exports.deploy("m", form, "kim")
    assert book.exports.deployed("m") is Format.PT
    assert len(book.decisions.trail("m", "deployed", "m")) == 2
    book.decisions.verify()
