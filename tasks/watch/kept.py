"""What the schedule alarm keeps of each window, beside its verdict in the ledger: check values, never running sums.

The sums are made anew from these values every time. So a window that is judged again replaces its own values and
counts once, windows may be judged in any order, and nothing has to be set back when a process dies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tasks.watch.scores import Check

ARTIFACT = "watch"
"""Name among the artifacts of a judged window."""

Key = tuple[str, str, str]
"""check, subject, slice of a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The checks of one window, and since when each of its alarms began."""

    checks: tuple[Check, ...] = ()
    onsets: Mapping[Key, datetime] = field(default_factory=dict)

    def text(self) -> str:
        """As one line of JSON; scores keep four digits, which is finer than any rank."""
        rows = {c.camera: [c.scenes, c.known, {k: round(v, 4) for k, v in c.scores.items()}] for c in self.checks}
        since = [[*key, moment.isoformat()] for key, moment in sorted(self.onsets.items())]
        return json.dumps({"checks": rows, "since": since}, sort_keys=True, separators=(",", ":"))


def kept(artifacts: Mapping[str, str]) -> Kept:
    """What a window kept; nothing when it was judged before there was a schedule alarm."""
    if ARTIFACT not in artifacts:
        return Kept()
    data = json.loads(artifacts[ARTIFACT])
    checks = tuple(
        Check(camera=camera, scenes=scenes, known=known, scores=scores)
        for camera, (scenes, known, scores) in data["checks"].items()
    )
    return Kept(checks=checks, onsets=_onsets(data["since"]))


def _onsets(rows: Sequence[Sequence[str]]) -> dict[Key, datetime]:
    return {(check, subject, place): datetime.fromisoformat(moment) for check, subject, place, moment in rows}
