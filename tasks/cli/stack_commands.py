"""Commands for the embedded stack: start it, stop it, look at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.stack.status import Status


def up(*, json: bool = False) -> int:
    """Start the embedded stack: S3, MLflow, Prefect, workers, pages; only what is missing, then check all of it."""
    from tasks.cli.output import OK, say, show_json
    from tasks.stack.home import Home
    from tasks.stack.start import up as start

    home = Home.find()
    with _progress(json) as tell:
        rows = start(home, tell)
    if json:
        show_json(_rows(rows))
        return OK
    _table(rows)
    say(f"addresses and keys: {home.env_file}")
    return OK


def down(*, wait: float = 60.0, json: bool = False) -> int:
    """Stop the embedded stack after running flows have ended.

    Parameters
    ----------
    wait
        Seconds that running flows get to finish.
    json
        Answer with JSON.
    """
    from tasks.cli.output import OK, say, show_json
    from tasks.stack.home import Home
    from tasks.stack.stop import down as stop

    with _progress(json) as tell:
        stopped = stop(Home.find(), tell, wait)
    if json:
        show_json({"stopped_processes": stopped})
    else:
        say(f"stopped; {stopped} processes ran" if stopped else "nothing ran")
    return OK


def status(*, json: bool = False) -> int:
    """What runs, since when, where, and whether it works; exit code 1 when something does not."""
    from tasks.cli.output import CHECK_FAILED, OK, show_json
    from tasks.stack.home import Home
    from tasks.stack.status import status as look

    rows = look(Home.find())
    if json:
        show_json(_rows(rows))
    else:
        _table(rows)
    return OK if all(row.healthy for row in rows) else CHECK_FAILED


def logs(
    name: str,
    *,
    lines: Annotated[int, Parameter(alias="-n")] = 50,
    follow: Annotated[bool, Parameter(alias="-f")] = False,
    json: bool = False,
) -> int:
    """The last lines of a process's log.

    Parameters
    ----------
    name
        s3, prefect, mlflow, cpu, gpu, pages or deploy.
    lines
        How many lines.
    follow
        Keep printing what is written, until interrupted.
    json
        Answer with JSON; a log that is followed has no end, and so no document.
    """
    from tasks.cli.output import OK, log_line, show_json
    from tasks.domain.errors import ConfigError, NotFound
    from tasks.stack.home import Home
    from tasks.stack.processes import tail

    home = Home.find()
    known = sorted(path.stem for path in (home.path / "logs").glob("*.log"))
    if name not in known:
        raise NotFound(f"no log {name!r} in {home.path / 'logs'}; there are: {', '.join(known) or 'none yet'}")
    if follow and json:
        raise ConfigError("a log that is followed is no JSON document: leave out --follow or --json")
    last = [log_line(line) for line in tail(home.log(name), lines)]
    if json:
        show_json({"log": name, "lines": last})
        return OK
    for line in last:
        print(line)
    if follow:
        _follow(home.log(name))
    return OK


def doctor(*, json: bool = False) -> int:
    """Look for everything that is known to go wrong and say what to do; exit code 1 when something must be done."""
    from tasks.cli.output import CHECK_FAILED, OK, show_json, show_table
    from tasks.stack.doctor import diagnose, healthy
    from tasks.stack.home import Home

    checks = diagnose(Home.find())
    rows = [asdict(check) for check in checks]
    if json:
        show_json({"healthy": healthy(checks), "checks": rows})
    else:
        headings = {"level": "", "name": "check", "found": "found", "advice": "what to do"}
        show_table("doctor", [{shown: row[key] for key, shown in headings.items()} for row in rows], "nothing checked")
    return OK if healthy(checks) else CHECK_FAILED


def _rows(rows: list[Status]) -> list[dict[str, object]]:
    facts = [asdict(row) for row in rows]
    return [{"name": row.pop("name"), "state": row.pop("condition").value, **row} for row in facts]


def _table(rows: list[Status]) -> None:
    from tasks.cli.output import show_table

    shown = [
        {
            "process": row.name,
            "state": row.condition.value,
            "healthy": "yes" if row.healthy else row.ailment or "no",
            "pid": row.pid,
            "since": row.since,
            "address": row.url,
        }
        for row in rows
    ]
    show_table("embedded stack", shown, "nothing is planned")


@contextmanager
def _progress(silent: bool) -> Iterator[Callable[[str], None]]:
    """Sentences as they come: silent for programs, with a spinner on a terminal, plain lines otherwise."""
    from tasks.cli.output import console, say

    if silent:
        yield lambda sentence: None
    elif console.is_terminal:
        with console.status("the embedded stack"):
            yield say
    else:
        yield say


def _follow(path: object) -> None:
    import time
    from pathlib import Path

    from tasks.cli.output import log_line

    with Path(str(path)).open(encoding="utf-8", errors="replace") as file:
        file.seek(0, 2)
        line = ""
        try:
            while True:
                line += file.readline()
                if line.endswith("\n"):
                    print(log_line(line[:-1]), flush=True)
                    line = ""
                else:  # nothing new, or a line that is still being written
                    time.sleep(0.2)
        except KeyboardInterrupt:
            return
