"""How commands answer: JSON for programs, short sentences and tables for people.

With `--json` standard output is always one JSON document: the answer, an empty one where there is nothing, or
`{"error": …}`. Sentences for people go to standard error then. Text from users and data is never read as markup.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.domain.wording import measure

OK, CHECK_FAILED, USAGE = 0, 1, 2
"""Exit codes: done; a check or a request failed; the call itself was wrong."""

WIDE = 140
"""Columns where the output goes into a file or another program: tables of 80 would be cut into pieces."""

console = Console(
    highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
)
errors = Console(stderr=True, highlight=False, markup=False, emoji=False)


def for_programs(yes: bool) -> None:
    """Whether standard output belongs to a program: what is said to people goes to standard error then."""
    console.stderr = yes


def show_json(data: Any) -> None:
    """One JSON document on standard output, times in ISO 8601; a number that is none is null, as JSON has no word for
    it, and what is no text in Unicode (a name in a broken encoding) is written as an escape.
    """
    text = json.dumps(_finite(data), indent=2, default=str, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def show_table(title: str, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    """Rows as a table with their keys as headings, or the sentence that says why there are none."""
    if not rows:
        say(empty)
        return
    console.print(plain(title), style="italic")
    table = Table(box=None, pad_edge=False)
    for heading in rows[0]:
        table.add_column(plain(heading), overflow="fold")
    for row in rows:
        table.add_row(*(plain(shown(value)) for value in row.values()))
    console.print(table)


def shown(value: Any) -> str:
    """A cell as people read it: four digits that count, nothing for None; programs get all with `--json`.

    >>> shown(0.87508484), shown(2.1e-14), shown(1234567.0), shown(7), shown(None)
    ('0.8751', '2.1e-14', '1,234,567', '7', '')
    """
    return "" if value is None else measure(value) if isinstance(value, float) else str(value)


def plain(text: str) -> str:
    """The text without what would drive a terminal or cannot be encoded: escape sequences, halves of characters.

    >>> plain("a\\x1b[31mb [/c] :smile:")
    'a�[31mb [/c] :smile:'
    """
    return "".join(each if each.isprintable() or each in "\n\t" else "�" for each in text)


def show_rows(title: str, rows: Sequence[Mapping[str, Any]], empty: str, as_json: bool) -> None:
    """The same rows for a program or for a person."""
    if as_json:
        show_json(rows)
    else:
        show_table(title, rows, empty)


def log_line(line: str) -> str:
    """An ECS record as people read it: time, level, whose words, message, and the traceback; other lines as they are.

    >>> log_line('{"@timestamp": "2026-11-21T07:32:51.223Z", "log.level": "info", "message": "window is open"}')
    '2026-11-21T07:32:51.223Z info window is open'
    """
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict) or "message" not in record:
        return line
    who = record.get("task_run_name") or record.get("flow_run_name")
    words = [record.get("@timestamp"), record.get("log.level"), who and f"[{who}]", record["message"]]
    error = record.get("error")
    trace = error.get("stack_trace") if isinstance(error, dict) else None
    return " ".join(str(word) for word in words if word) + (f"\n{str(trace).rstrip()}" if trace else "")


def nothing(sentence: str, as_json: bool) -> int:
    """There is nothing to show, and why; the exit code of it."""
    if as_json:
        show_json({"found": None, "note": sentence})
    else:
        say(sentence)
    return CHECK_FAILED


def done(answer: Mapping[str, Any], sentence: str, as_json: bool) -> int:
    """What was done, for a program or for a person; the exit code of it."""
    if as_json:
        show_json(answer)
    else:
        say(sentence)
    return OK


def say(sentence: str) -> None:
    """One sentence for a person; markup in user text stays text."""
    console.print(plain(sentence))


def complain(sentence: str) -> None:
    """One sentence on standard error."""
    errors.print(Text.assemble(("error", "red"), " ", plain(sentence)))


def refuse(sentence: str, as_json: bool) -> None:
    """An error: one sentence on standard error, and for a program a document on standard output."""
    complain(sentence)
    if as_json:
        show_json({"error": sentence})
