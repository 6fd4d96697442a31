"""What a stranger wrote into an id or a key does nothing to the screen that shows it."""

from __future__ import annotations

from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.finding import Finding, Outcome
from tasks.domain.plain_text import visible

HOSTILE = "a\x1b[2J\x9b31m\u202eb\u2066\x07\x7f"
SHOWN = r"a\x1b[2J\x9b31m\u202eb\u2066\x07\x7f"


def test_the_notes_of_findings_and_refusals_show_what_would_not_be_seen() -> None:
    assert Finding(check="c", subject="s", outcome=Outcome.OK, note=f"3 rows: {HOSTILE}").note == f"3 rows: {SHOWN}"
    assert Rejected(reason=Reason.BAD_RECORD, note=HOSTILE).note == SHOWN


def test_words_of_every_language_stay_as_they_are() -> None:
    for text in ("Straße 4, 東京, café, مرحبا, \U0001f331", SHOWN, ""):
        assert visible(text) == text
