"""How often an accepted data schema fires on healthy windows of the same source, and how often it sees an anomaly.

A source draws windows; the schema is inferred from some of them, and every other window is held against it through the
same expectations and findings as in production. Per number of healthy windows, images a window and kind of anomaly.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from scipy.stats import binomtest

from tasks.adapters.expectations import ask
from tasks.domain.finding import Finding, Outcome
from tasks.domain.window import Window
from tasks.quality.anomalies import Accepted, schema_findings, schema_suite
from tasks.quality.findings import of_answers
from tasks.quality.frames import frames
from tasks.quality.infer import Healthy, infer
from tests.fakes.healthy_source import CLASSES, PLANTED, Row, rows, tables

START = datetime(2026, 11, 20, tzinfo=UTC)
FIRST_DRAW = 100_000


def hour(number: int) -> Window:
    """One of the day's hours, again and again."""
    return Window(START + timedelta(hours=number % 24), START + timedelta(hours=number % 24 + 1))


def accepted(windows: int, images: int, seed: int) -> Accepted:
    """The schema that is proposed from so many windows, accepted as it is."""
    seen = [
        Healthy(window=hour(n), frames=frames(*tables(rows(hour(n), seed * 1_000 + n, images)), hour(n)))
        for n in range(windows)
    ]
    return Accepted(schema=infer("m", seen, CLASSES)[0], version=1, digest="")


def held(against: Accepted, given: Sequence[Row], window: Window) -> tuple[Finding, ...]:
    """Everything that the schema says of a window."""
    shown = frames(*tables(list(given)), window)
    answers = ask(shown, tuple(schema_suite(against.schema, shown))).answers
    return (*of_answers(answers, 3), *schema_findings(against, shown, window, CLASSES))


def healthy(windows: int, images: int, draws: int) -> tuple[int, int]:
    """Draws in which anything was a breach, and in which anything was not ok; a new schema every twenty draws."""
    breached = fired = 0
    against = accepted(windows, images, 1)
    for draw in range(draws):
        if draw % 20 == 0:
            against = accepted(windows, images, 1 + draw // 20)
        found = held(against, rows(hour(draw), FIRST_DRAW + draw, images), hour(draw))
        breached += any(f.outcome is Outcome.BREACH for f in found)
        fired += any(f.outcome is not Outcome.OK for f in found)
    return breached, fired


def planted(windows: int, images: int, draws: int) -> dict[str, int]:
    """Draws in which each anomaly was found by the check that is meant to."""
    against = accepted(windows, images, 1)
    seen = dict.fromkeys(PLANTED, 0)
    for name, (change, check) in PLANTED.items():
        for draw in range(draws):
            found = held(against, change(rows(hour(draw), FIRST_DRAW + draw, images)), hour(draw))
            seen[name] += any(f.check == check and f.outcome is not Outcome.OK for f in found)
    return seen


def share(found: int, draws: int) -> str:
    """A share with its 95 % Wilson interval."""
    interval = binomtest(found, draws).proportion_ci(method="wilson")
    return f"{found / draws:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("healthy", "planted"))
    parser.add_argument("--windows", type=int, default=6, help="healthy windows that the schema is inferred from")
    parser.add_argument("--images", type=int, nargs="+", default=[60, 240, 960])
    parser.add_argument("--draws", type=int, default=200)
    given = parser.parse_args()
    if given.what == "healthy":
        print("| images a window | windows with a breach | windows not ok |\n|---|---|---|")
        for images in given.images:
            breached, fired = healthy(given.windows, images, given.draws)
            print(f"| {images} | {share(breached, given.draws)} | {share(fired, given.draws)} |", flush=True)
        return
    print("| anomaly | images a window | found |\n|---|---|---|")
    for images in given.images:
        for name, found in planted(given.windows, images, given.draws).items():
            print(f"| {name} | {images} | {share(found, given.draws)} |", flush=True)


if __name__ == "__main__":
    main()
