"""How commands answer: JSON for programs, short sentences and tables for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.domain.wording import measure

OK, CHECK_FAILED, USAGE = 0, 1, 2
"""Exit codes: done; a check or a request failed; the call itself was wrong."""

WIDE = 140
"""Columns where the output goes into a file or another program: tables of 80 would be cut into pieces."""

console = Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)
errors = Console(stderr=True, highlight=False)


def show_json(data: Any) -> None:
    """One JSON document on standard output, times in ISO 8601."""
    json.dump(data, sys.stdout, indent=2, default=str, ensure_ascii=False)
    sys.stdout.write("\n")


def show_table(title: str, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    """Rows as a table with their keys as headings, or the sentence that says why there are none."""
    if not rows:
        console.print(empty)
        return
    console.print(escape(title), style="italic")
    table = Table(box=None, pad_edge=False)
    for heading in rows[0]:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(escape(shown(value)) for value in row.values()))
    console.print(table)


def shown(value: Any) -> str:
    """A cell as people read it: four digits that count, nothing for None; programs get all with `--json`.

    >>> shown(0.87508484), shown(2.1e-14), shown(1234567.0), shown(7), shown(None)
    ('0.8751', '2.1e-14', '1,234,567', '7', '')
    """
    return "" if value is None else measure(value) if isinstance(value, float) else str(value)


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


def say(sentence: str) -> None:
    """One sentence for a person; markup in user text stays text."""
    console.print(escape(sentence))


def complain(sentence: str) -> None:
    """One sentence on standard error."""
    errors.print(f"[red]error[/red] {escape(sentence)}")
