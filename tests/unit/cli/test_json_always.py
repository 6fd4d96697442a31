"""With `--json` every command answers with one JSON document: also without anything to show, and on every error."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from tasks import connections
from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.cli import main as cli
from tasks.cli import output
from tasks.concept import task as concept
from tasks.curate import task as curate
from tasks.domain.errors import LedgerUnavailable, OrchestratorUnavailable, StoreUnavailable
from tasks.drift import task as drift
from tasks.estimate import kept, standing
from tasks.ingest import task as ingest
from tasks.promote import task as promote
from tasks.quality import accepted
from tasks.report import evaluations, records
from tasks.stack import doctor, start, status, stop
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap

COMMANDS = sorted(name for name in cli.app if not name.startswith("-"))
NO_RESULT = {"pages"}  # a server until Ctrl-C
CANARY = "[/x] [red]half \udcff :smile:"


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger with one champion and nothing else; the bucket is empty, all servers are away."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.upgrade(url)
    book, bucket = Ledger.open(url), MemoryStore()
    bootstrap(book)
    kept_tables = TableStore(bucket, tmp_path / "tables")  # type: ignore[arg-type]
    pictures = ImageCache(bucket, tmp_path / "images")  # type: ignore[arg-type]
    things: dict[str, Any] = {"ledger": lambda: book, "store": lambda: bucket, "tables": lambda: kept_tables,
                              "images": lambda: pictures, "registry": away, "orchestrator": away}  # fmt: skip
    modules = (connections, concept, curate, drift, kept, standing, ingest, promote, accepted, evaluations, records)
    for module in modules:
        for name, thing in things.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, thing)
    monkeypatch.setattr(start, "up", away)
    monkeypatch.setattr(stop, "down", lambda *_: 0)
    monkeypatch.setattr(status, "status", lambda *_: [])
    monkeypatch.setattr(doctor, "diagnose", lambda *_: [])
    monkeypatch.setenv("EVERGREEN_HOME", str(tmp_path))
    monkeypatch.setenv("EVERGREEN_LEDGER_URL", url)
    yield book
    book.close()


@pytest.fixture(autouse=True)
def for_people() -> Iterator[None]:
    """Standard output belongs to people again after a run with `--json`."""
    yield
    output.for_programs(False)


def away(*_: object) -> Any:
    raise OrchestratorUnavailable(f"Prefect does not answer {CANARY}")


def required(command: str, model: str, file: Path) -> list[str]:
    """The words that a command cannot do without."""
    function: Callable[..., Any] = cli.app[command].default_command  # type: ignore[assignment]
    hints = get_type_hints(function, include_extras=False)
    words = []
    for each in inspect.signature(function).parameters.values():
        if each.default is not each.empty:
            continue
        value = {int: "1", float: "1", Path: str(file)}.get(hints[each.name], model if each.name == "model" else CANARY)
        words += [f"--{each.name.replace('_', '-')}", value]
    return [*words, "--detect", "0.03"] if command == "power" else words


def run(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any, str]:
    """Exit code, the one document on standard output, and what was said on standard error."""
    monkeypatch.setattr(sys, "argv", ["evergreen", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), json.loads(said.out, parse_constant=pytest.fail), said.err


@pytest.mark.parametrize("model", [MODEL, "nosuch"])
@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in NO_RESULT])
def test_a_command_with_nothing_to_show_or_that_fails_answers_with_one_document(
    book: Ledger, command: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    words = [command, *required(command, model, tmp_path / "none"), "--json"]
    code, document, said = run(words, monkeypatch, capsys)
    assert "Traceback" not in said
    if isinstance(document, dict) and "error" in document:
        assert code != output.OK and document["error"] and "error" in said
    if code == output.OK:
        assert "error" not in document


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_call_answers_with_one_document(
    book: Ledger, command: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    code, document, said = run([command, "--no-such-option", "x", "--json"], monkeypatch, capsys)
    assert code != output.OK and set(document) == {"error"} and "no-such-option" in document["error"] + said


def test_an_unknown_command_answers_with_one_document(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    code, document, _ = run(["nosuch", "--json"], monkeypatch, capsys)
    assert code == output.USAGE and "nosuch" in document["error"]


def test_a_mistake_of_ours_still_gives_a_program_its_document(
    book: Ledger, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(connections, "ledger", lambda: 1 // 0)
    monkeypatch.setattr(sys, "argv", ["evergreen", "windows", "m", "--json"])
    with pytest.raises(ZeroDivisionError):
        cli.main()
    assert json.loads(capsys.readouterr().out)["error"].startswith("ZeroDivisionError")


@pytest.mark.parametrize("error", [StoreUnavailable, LedgerUnavailable])
def test_an_outage_is_an_error_with_the_sentence_that_people_get(
    book: Ledger, error: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def broken() -> Any:
        raise error("no answer from [/x]")

    monkeypatch.setattr(connections, "ledger", broken)
    code, document, said = run(["windows", "m", "--json"], monkeypatch, capsys)
    assert (code, document) == (output.CHECK_FAILED, {"error": "no answer from [/x]"})
    assert "no answer from [/x]" in said


def test_numbers_that_are_none_are_null_and_broken_names_are_escaped(capsys: Any) -> None:
    output.show_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": ("\udcff",)})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "c": ["\udcff"]}


@pytest.mark.parametrize("text", ["[/x]", "[bold]a", "a[/red]", "\\[b]", ":smile:", "a\udcff\x1b[2J", "trailing\\"])
def test_text_of_users_and_data_is_never_markup(text: str, capsys: Any) -> None:
    output.show_table(text, [{text: text}], "")
    output.show_table("t", [], text)
    output.say(text)
    output.complain(text)
    said = capsys.readouterr()
    shown = output.plain(text)
    assert [line.strip() for line in said.out.splitlines()].count(shown) == 5
    assert said.err.strip() == f"error {shown}"
    assert "\x1b[2J" not in said.out + said.err


@pytest.mark.parametrize("command", ["labels", "trend", "windows", "versions", "golden", "audit"])
def test_a_slip_of_the_pen_in_a_models_name_is_told(
    book: Ledger, command: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    code, document, said = run([command, "nosuch", "--json"], monkeypatch, capsys)
    assert code == output.CHECK_FAILED
    assert "knows no model 'nosuch', it knows welds" in " ".join(f"{document} {said}".replace('"', "").split())
    code, document, said = run([command, MODEL, "--json"], monkeypatch, capsys)
    assert code == output.OK and "knows no model" not in said


@pytest.mark.parametrize("n", ["0", "-5"])
def test_an_audit_of_no_image_is_refused(book: Ledger, n: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    code, document, _ = run(["audit-sample", MODEL, "--n", n, "--json"], monkeypatch, capsys)
    assert code == output.CHECK_FAILED and "one image at least" in document["error"]


def test_a_fall_that_no_set_shows_is_a_sentence(book: Ledger, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    code, document, _ = run(["power", "--detect", "0.00001", "--json"], monkeypatch, capsys)
    assert code == output.OK and {row["labels"] for row in document["answers"]} == {None}
    assert "more than 100,000 labelled images are needed" in document["note"]
    monkeypatch.setattr(sys, "argv", ["evergreen", "power", "--detect", "0.00001"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "ask for a larger fall" in " ".join(capsys.readouterr().out.split())
