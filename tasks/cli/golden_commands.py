"""Commands about the golden set: what was frozen, the first version, and the next one that a person accepts."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from tasks.cli.known_model import hint, show_of_model
from tasks.cli.output import nothing

if TYPE_CHECKING:
    from tasks.domain.snapshot import TableRef


def golden(model: str, *, json: bool = False) -> int:
    """Every version of the golden set, who accepted it when, and why."""
    from tasks.connections import ledger
    from tasks.curate.freezing import versions

    rows = [
        {
            "version": each.version,
            "images": each.images,
            "hash": each.digest[:12],
            "by": each.by,
            "at": f"{each.at:%Y-%m-%d %H:%M}",
            "reason": each.reason,
        }
        for each in versions(ledger(), model)
    ]
    return show_of_model(model, f"golden set of {model}", rows, f"the golden set of {model} is not frozen yet", json)


def golden_freeze(model: str, *, by: str | None = None, json: bool = False) -> int:
    """Freeze the images that are marked golden as the first version; `evaluate` does the same by itself."""
    from tasks.connections import ledger
    from tasks.curate.freezing import current
    from tasks.domain.errors import Stale

    if current(ledger(), model) is not None:
        raise Stale(f"{model} has a frozen golden set already: `evergreen golden-accept {model} --by … --reason …`")
    return _take(model, by or getpass.getuser(), "frozen by hand", json)


def golden_accept(model: str, *, by: str, reason: str, json: bool = False) -> int:
    """Make what was marked, relabelled or unmarked since the next version: all versions are held against it."""
    return _take(model, by, reason, json)


def _take(model: str, by: str, reason: str, json: bool) -> int:
    from tasks.curate.rules import CurateRules
    from tasks.curate.task import accept_golden

    if accept_golden(model, _gathered(model), CurateRules(), by, reason) is None:
        note = f"no image of {model} that no version learnt is marked golden: set `golden` in labels of held-out ones"
        return nothing(note + hint(model), json)
    return golden(model, json=json)


def _gathered(model: str) -> TableRef:
    from tasks.ingest.gathering import gather
    from tasks.ingest.rules import IngestRules
    from tasks.ingest.task import sources

    rules = IngestRules()
    return gather(sources(rules), model, rules).labels
