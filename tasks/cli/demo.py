"""`evergreen demo`: the whole loop on this machine, up to a question that a person answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from tasks.cli.output import OK, console, say, show_json
from tasks.domain.errors import EvergreenError

if TYPE_CHECKING:
    from tasks.scenarios.story import Story


class Terminal:
    """Bars and short sentences."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._open: TaskID | None = None

    def say(self, sentence: str) -> None:
        """One short sentence above the bars."""
        self._progress.console.print(f"  {sentence}", markup=False, highlight=False)

    def bar(self, title: str, total: int | None) -> Callable[[int], None]:
        """The bar of the step that begins now; the one before it is finished."""
        self.finish()
        if not self._progress.console.is_terminal:  # a log file shows no bars: say what begins
            self.say(f"… {title}")
        task = self._progress.add_task(title, total=total)
        self._open = task

        def advance(by: int) -> None:
            self._progress.advance(task, by)

        return advance

    def finish(self) -> None:
        """Stop the last bar where it is."""
        if self._open is not None:
            done = self._progress.tasks[-1].completed
            self._progress.update(self._open, total=max(done, 1), completed=max(done, 1))
            self._open = None


class Silent:
    """Says nothing; until the terminal is there."""

    def say(self, sentence: str) -> None:
        """Nothing."""

    def bar(self, title: str, total: int | None) -> Callable[[int], None]:
        """A bar that nobody sees."""
        return lambda by: None


def demo(
    *,
    scenario: Literal["parts", "solar"] = "parts",
    yes: bool = False,
    keep: bool = True,
    json: bool = False,
) -> int:
    """Run the whole loop on an embedded stack, up to the approval in the Prefect UI.

    Args:
        scenario: `parts` (drawn scenes, detect) or `solar` (real photographs, classify).
        yes: Approve by itself, for machines.
        keep: Leave the stack running afterwards (`--no-keep` stops it).
        json: Print what happened as JSON at the end.
    """
    from tasks.cli import stack_commands
    from tasks.scenarios.catalogue import scenario_of
    from tasks.scenarios.story import Story

    started = time.monotonic()
    world = scenario_of(scenario, datetime.now(UTC))
    if (code := stack_commands.up()) != OK:
        return code
    story = Story(world, Silent())
    story.hold_schedules(True)
    try:
        with _terminal() as terminal:
            story.tell = terminal
            decay(story)
            asked = time.monotonic() - started
            links = _links(story)
        _invite(links, asked, yes)
        with _terminal() as terminal:
            story.tell = terminal
            _answer(story, yes)
            recover(story)
        _farewell(story)
        if json:
            show_json({"scenario": scenario, "seconds_to_approval": round(asked), **links})
    finally:
        with suppress(EvergreenError):  # Prefect is away: what happened before is the news
            story.hold_schedules(False)
        if not keep:
            stack_commands.down()
    return OK


def decay(story: Story) -> None:
    """From nothing to a champion, from quiet days to a broken camera to a new product, up to the question."""
    from tasks.connections import ledger
    from tasks.scenarios.story import said

    story.configure()
    if ledger().promotions.champion(story.model) is None:
        story.tell.say(f"{story.commission()} labelled pictures uploaded")
        story.first_champion()
        story.evaluate("evaluating the first model: what are its answers worth without labels?")
    story.live("accepted")
    story.tell.say(f"accepted as healthy: {story.accept()} pictures are the reference now")
    for key in ("healthy", "camera", "changed"):
        story.live(key)
    story.tell.say(f"{story.label('changed')} labels arrive from the people on the line")
    run = story.evaluate()
    story.tell.say(said(run))
    if not story.harmed():
        story.tell.say("the champion copes with the new product: a person asks for a challenger all the same")
        story.retrain_by_hand()
    story.approval()


def recover(story: Story) -> None:
    """After the answer: the alias has moved, the new champion is evaluated, the next days are healthy."""
    from tasks.scenarios.story import champion_version

    story.tell.say(f"champion is version {champion_version(story.model)} now")
    story.evaluate("evaluating the new champion")
    story.live("after")


def _answer(story: Story, yes: bool) -> None:
    from tasks.connections import ledger, orchestrator
    from tasks.scenarios.story import OPERATOR, said, wait_until

    request = ledger().approvals.pending(story.model)[0]
    if yes:
        answer = {"decision": "approve", "approver": OPERATOR, "reason": "demo --yes"}
        orchestrator().answer(request.flow_run_id, answer)
    wait_until(lambda: orchestrator().run(request.flow_run_id).finished, story.tell.bar("waiting for the answer", None))
    story.tell.say(said(orchestrator().run(request.flow_run_id)))


def _links(story: Story) -> dict[str, str]:
    from tasks.connections import ledger, orchestrator, registry
    from tasks.report.records import window_links

    book = ledger()
    request = book.approvals.pending(story.model)[0]
    numbers = [
        record.ref.version
        for sha in (request.base_sha256, request.challenger_sha256)
        if (record := book.versions.get(story.model, sha))
    ]
    pages = {link.label: link.url for link in window_links(story.model)}
    return {
        "approve": orchestrator().run_url(request.flow_run_id),
        "compare": registry().compare_url(story.model, numbers),
        "evidently": pages.get("evidently", ""),
        "window": pages.get("page", ""),
    }


def _invite(links: dict[str, str], seconds: float, yes: bool) -> None:
    minutes = f"{seconds / 60:.1f} minutes"
    console.print("\nA challenger waits for your decision", style="bold", end="")
    console.print(f" ({minutes} since the start)\n")
    for title, name in (
        ("decide (menu at the top right, Resume)", "approve"),
        ("compare the two versions in MLflow", "compare"),
        ("what changed, on one page", "window"),
        ("the columns, interactively (Evidently)", "evidently"),
    ):
        console.print(f"  {title}\n    {links[name]}", soft_wrap=True)
    if not yes:
        say("\nor: evergreen approve --by YOUR-NAME          (Ctrl-C leaves everything running)")


def _farewell(story: Story) -> None:
    say(f"\nRoll back with one command:  evergreen rollback {story.model} --by YOUR-NAME --reason WHY")
    say("Look around:                 evergreen status · evergreen windows " + story.model)
    say("Stop the stack:              evergreen down")


@contextmanager
def _terminal() -> Iterator[Terminal]:
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        terminal = Terminal(progress)
        yield terminal
        terminal.finish()
