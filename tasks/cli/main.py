"""The `evergreen` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group

from tasks.cli import (
    estimate_commands,
    export_command,
    figures_commands,
    golden_commands,
    label_commands,
    loop_commands,
    pages_command,
    people_commands,
    quality_commands,
    stack_commands,
    upkeep_commands,
)
from tasks.cli.demo import demo
from tasks.cli.only_model import only_model
from tasks.cli.output import CHECK_FAILED, USAGE, for_programs, refuse, show_json
from tasks.domain.errors import EvergreenError

app = App(
    name="evergreen",
    help="Keeps a deployed YOLO model healthy: drift, cause, labels, retrain, shadow, approve, promote, watch.",
    version_flags=["--version"],
    config=only_model,
)

_GROUPS = {
    "Embedded stack": (
        stack_commands.up,
        stack_commands.down,
        stack_commands.status,
        stack_commands.logs,
        stack_commands.doctor,
        demo,
    ),
    "Loop": (
        loop_commands.monitor,
        loop_commands.evaluate,
        loop_commands.retrain,
        loop_commands.shadow,
        export_command.export,
        loop_commands.windows,
        estimate_commands.estimate,
        estimate_commands.audit_sample,
        loop_commands.explain,
        loop_commands.versions,
        figures_commands.serving,
        figures_commands.kpis,
        figures_commands.evaluation,
        loop_commands.schema,
    ),
    "Decisions": (
        people_commands.approvals,
        people_commands.approve,
        people_commands.reject,
        people_commands.import_weights,
        people_commands.adopt,
        people_commands.rollback,
        people_commands.pin_reference,
        people_commands.audit,
    ),
    "Labels": (
        label_commands.labels,
        label_commands.trend,
        label_commands.power,
        label_commands.label_audit,
        golden_commands.golden,
        golden_commands.golden_freeze,
        golden_commands.golden_accept,
    ),
    "Data quality": (
        quality_commands.quality_infer,
        quality_commands.quality_accept,
        quality_commands.quality_show,
        quality_commands.quality_diff,
    ),
    "Upkeep": (
        upkeep_commands.reconcile,
        upkeep_commands.ledger_upgrade,
        upkeep_commands.alerts,
        upkeep_commands.acknowledge,
        upkeep_commands.snooze,
        pages_command.pages,
    ),
}

for position, (title, commands) in enumerate(_GROUPS.items()):
    group = Group(title, sort_key=position)
    for command in commands:
        app.command(command, group=group)


def asks_json(words: Sequence[str]) -> bool:
    """Whether the answer is for a program, known before the command line is understood.

    >>> asks_json(["windows", "m", "--json"]), asks_json(["windows", "m"]), asks_json(["logs", "--", "--json"])
    (True, False, False)
    """
    options = words[: words.index("--")] if "--" in words else words
    return any(word in ("--json", "--json=true") for word in options)


def main() -> None:
    """Run the command line; an error that a person can mend is one sentence, never a traceback."""
    words = sys.argv[1:]
    as_json = asks_json(words)
    for_programs(as_json)
    try:
        result = app(words, exit_on_error=not as_json, print_error=not as_json)
    except CycloptsError as error:
        refuse(str(error), as_json)
        sys.exit(USAGE)
    except EvergreenError as error:
        refuse(str(error), as_json)
        if os.environ.get("EVERGREEN_DEBUG"):
            raise
        sys.exit(CHECK_FAILED)
    except Exception as error:  # a mistake of ours: people get the traceback, a program its document all the same
        if as_json:
            show_json({"error": f"{type(error).__name__}: {error}"})
        raise
    sys.exit(result if isinstance(result, int) else 0)


if __name__ == "__main__":
    main()
