"""The story of the demonstration, step by step; every step does what a person or a schedule would do.

The steps use the deployed flows and the same calls as the command line. How they are told (bars, sentences) is the
teller's business: `tasks.cli.demo` for people, the end-to-end test for itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tasks.adapters.ledger.records import WindowRecord
from tasks.adapters.orchestrator import Run
from tasks.connections import ledger, orchestrator, registry
from tasks.domain.errors import EvergreenError, NotFound
from tasks.domain.promotion import Approval, Promotion
from tasks.domain.verdict import STATE_NAMES, Action
from tasks.domain.window import Window
from tasks.domain.wording import stated
from tasks.drift.task import pin_reference
from tasks.estimate.guess import is_estimate
from tasks.promote.named import newest
from tasks.promote.reconcile import reconcile
from tasks.promote.task import adopt
from tasks.scenarios.replay import Progress, Serving, commission, write_labels
from tasks.scenarios.script import Chapter, Scenario

POLL_SECONDS = 1.0
RUN_LIMIT_SECONDS = 1800.0
OPERATOR = "demo operator"
SCHEDULED = ("monitor/default", "evaluate/default")
"""Deployments whose schedules judge windows."""


class UnexpectedError(EvergreenError):
    """The loop did not do what the story says; the message names the run to look at."""


class Teller(Protocol):
    """Shows how far a step is."""

    def say(self, sentence: str) -> None:
        """One short sentence."""

    def bar(self, title: str, total: int | None) -> Progress:
        """A bar for a step of `total` units (None: unknown); call the result with how many were done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What monitor said of one window; `estimate` is how good the model is in it without labels, or why not."""

    window: Window
    state_name: str
    sentence: str
    estimate: str = ""


class Story:
    """One scenario, told to one teller."""

    def __init__(self, scenario: Scenario, teller: Teller) -> None:
        self.scenario = scenario
        self.model = scenario.name
        self.tell = teller

    def chapter(self, key: str) -> Chapter:
        """The chapter of that key."""
        return next(chapter for chapter in self.scenario.chapters if chapter.key == key)

    def configure(self) -> None:
        """Set the deployments' parameters, as a user would in prefect.yaml."""
        for deployment, parameters in self.scenario.parameters.items():
            orchestrator().configure(deployment, parameters)

    def hold_schedules(self, held: bool) -> None:
        """Days pass in seconds here: a schedule that goes by the clock would judge days before they were lived."""
        for deployment in SCHEDULED:
            orchestrator().hold(deployment, held)

    def commission(self) -> int:
        """Upload labelled pictures from before the first model."""
        return commission(self.scenario, self.tell.bar("labelled pictures from commissioning", None))

    def first_champion(self) -> Promotion:
        """Train the first version with the retrain flow and adopt it, as its owner would."""
        first = {
            "model": self.model,
            "reason": "first version",
            "rules": dict(self.scenario.first),
            "curate": {"holdout_share": 0.02, "val_share": 0.15},  # nothing is recent yet: golden images test it
        }
        _check(self.run("retrain", first, "training the first model"), {"Trained"})
        promotion = adopt(self.model, newest(ledger(), self.model).sha256, OPERATOR, "first champion")
        reconcile(ledger(), registry(), self.model)
        return promotion

    def live(self, *keys: str) -> list[Day]:
        """Replay chapters that follow each other, let one run of monitor judge their windows, tell what it found."""
        windows = [window for key in keys for window in self._served(self.chapter(key))]
        span = Window(windows[0].start, windows[-1].end)
        parameters = {"model": self.model, "backfill": str(span), "rescore": True, "as_of": "now"}
        run = self.run("monitor", parameters, f"{_dates(windows)}: monitor")
        days = [self._day(window, run) for window in windows]
        for day in days:
            self.tell.say(f"{day.window.start:%a %d %b}: {stated(day.state_name, day.sentence)}")
        if days[-1].estimate:
            self.tell.say(f"  how good it is without labels: {days[-1].estimate}")
        return days

    def _served(self, chapter: Chapter) -> Sequence[Window]:
        """The chapter's windows, once production has sent what they show."""
        self.tell.say(chapter.title)
        serving = Serving(self.scenario)
        for window in chapter.windows:
            known = ledger().windows.get(self.model, window)
            if known is None or known.facts is None or not known.facts.accepted:  # else the day was lived before
                serving.serve(window, self.tell.bar(f"{window.start:%a %d %b}: production", None))
        return chapter.windows

    def _day(self, window: Window, run: Run) -> Day:
        row = ledger().windows.get(self.model, window)
        if row is None or row.verdict is None or row.outcome is None:
            raise UnexpectedError(f"monitor left {window} without a verdict: {said(run)}\n{run.url}")
        known = ledger().findings.of(self.model, window)
        guessed = next((found.note for stage, found in known if is_estimate(stage, found)), "")
        sentence: str = row.verdict["sentence"]
        return Day(window=window, state_name=STATE_NAMES[row.outcome], sentence=sentence, estimate=guessed)

    def accept(self) -> int:
        """A person accepts the judged days as healthy: the reference that drift is measured against."""
        windows = list(self.chapter("accepted").windows)
        return pin_reference.fn(self.model, windows, OPERATOR, "accepted after commissioning").table.rows

    def label(self, key: str) -> int:
        """People label a chapter's pictures."""
        shots = (shot for window in self.chapter(key).windows for shot in self.scenario.shots(window))
        return write_labels(self.scenario, shots)

    def evaluate(self, title: str = "evaluating the champion on the new labels") -> Run:
        """Evaluate the champion on the labels that arrived; a breach starts retrain by an event.

        The same run learns what the champion's answers are worth without labels.
        """
        return self.run("evaluate", {"model": self.model}, title)

    def harmed(self) -> bool:
        """Whether labels showed that the champion got worse; then an event has started retrain already."""
        newest = next(iter(self.judged()), None)
        return newest is not None and newest.action is Action.RETRAIN

    def judged(self) -> list[WindowRecord]:
        """Judged windows, the newest first."""
        return [row for row in ledger().windows.latest(self.model) if row.outcome is not None]

    def retrain_by_hand(self) -> None:
        """A person may ask for a challenger although the champion copes; the gates decide as always."""
        parameters = {"model": self.model, "reason": "asked for by a person: the champion copes so far"}
        self.run("retrain", parameters, "training a challenger by hand")

    def approval(self) -> Approval:
        """The request that retrain and shadow lead to; waits until the promote run asks.

        Raises:
            UnexpectedError: a run of the chain failed or a gate stayed closed.
        """
        watched = {"retrain": "training the challenger", "shadow": "challenger beside champion"}
        bars: dict[str, Progress] = {}
        deadline = time.monotonic() + RUN_LIMIT_SECONDS
        while time.monotonic() < deadline:
            waiting = ledger().approvals.pending(self.model)
            if waiting and orchestrator().run(waiting[0].flow_run_id).waiting:
                return waiting[0]
            for flow, title in watched.items():
                for run in orchestrator().runs(flow, model=self.model)[:1]:
                    if flow not in bars and not run.finished:
                        bars[flow] = self.tell.bar(title, None)
                    _check(run, {"Trained", "GatePassed"})
            for bar in list(bars.values())[-1:]:
                bar(1)
            time.sleep(POLL_SECONDS)
        raise UnexpectedError("nobody was asked in time: look at the runs of retrain and shadow in the Prefect UI")

    def run(self, flow: str, parameters: dict[str, Any], title: str) -> Run:
        """Start a deployment and wait until it has finished."""
        bar = self.tell.bar(title, None)
        run = orchestrator().start(f"{flow}/default", parameters)
        wait_until(lambda: (found := orchestrator().run(run.id)).finished or found.waiting, bar)
        found = orchestrator().run(run.id)
        _check(found, None)
        return found


def _dates(windows: Sequence[Window]) -> str:
    first, last = windows[0], windows[-1]
    return f"{first.start:%a %d %b}" + (f" to {last.start:%a %d %b}" if last != first else "")


def said(run: Run) -> str:
    """The outcome of a run in one sentence."""
    return stated(run.state_name, run.message)


def wait_until(done: Callable[[], bool], tick: Progress) -> None:
    """Poll until `done`, ticking the bar once a second."""
    deadline = time.monotonic() + RUN_LIMIT_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise UnexpectedError("a run did not finish in time: `evergreen logs gpu`")
        tick(1)
        time.sleep(POLL_SECONDS)


def _check(run: Run, good: set[str] | None) -> None:
    bad = run.state_type in ("FAILED", "CRASHED", "CANCELLED")
    unexpected = good is not None and run.state_type == "COMPLETED" and run.state_name not in good
    if bad or unexpected:
        raise UnexpectedError(f"{run.flow or 'run'} {run.name} ended as {run.state_name}: {run.message}\n{run.url}")


def champion_version(model: str) -> int:
    """The version number behind the alias `champion`, as MLflow says."""
    found = registry().aliases(model).get("champion")
    if found is None:
        raise NotFound(f"MLflow has no champion of {model}")
    return int(found)
