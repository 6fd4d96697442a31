"""Whether objects flicker more than they did: sessions are the unit, held against those of healthy windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tasks.domain.confirmation import doubted
from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import FLICKER
from tasks.flicker.ranks import chance_of_more
from tasks.flicker.rules import FlickerRules
from tasks.flicker.tracks import Session

CHECK = "flicker_rate"
UNIT = "of the objects"

BASELINE = 60
"""Sessions of a camera that say what is normal: the first ones after the reference was pinned, and they stay."""

Rates = Mapping[str, Sequence[float]]
"""Camera -> the rate of each of its sessions, in order of time."""


def usable(found: Sequence[Session], rules: FlickerRules) -> dict[str, list[float]]:
    """The rates of sessions in which enough objects could have flickered, by camera."""
    rates: dict[str, list[float]] = {}
    for session in found:
        if session.objects >= rules.min_objects:
            rates.setdefault(session.camera, []).append(round(session.rate, 4))
    return rates


def flicker_findings(
    found: Sequence[Session], now: Rates, earlier: Sequence[Rates], rules: FlickerRules, month: float = 1.0
) -> tuple[Finding, ...]:
    """One finding over all cameras, and one for each camera that can be judged by itself; () for no video at all.

    `earlier` are the rates of healthy windows against the same reference, the oldest first. What is not sure at the
    window's part of a month's false alarms (`month`, 0..1) waits for a second witness, where the next window will be
    one: one that is judged together with sessions of this window is not.
    """
    if not found:
        return ()
    slow = [session for session in found if session.gap > rules.max_gap_seconds]
    if not now and slow:
        gap = float(np.median([session.gap for session in slow]))
        return (_open(len(found), f"frames are {gap:.3g} s apart, more than {rules.max_gap_seconds:g} s: {_UNSEEN}"),)
    cameras = sorted(now)
    pairs = {camera: split(camera, now, earlier, rules) for camera in cameras}
    asked = [camera for camera in cameras if min(map(len, pairs[camera])) >= rules.min_sessions]
    together = tuple([rate for camera in cameras for rate in pairs[camera][side]] for side in (0, 1))
    level = rules.alpha / (1 + len(asked) if len(cameras) > 1 else 1)
    slices = {ALL: (together, cameras)} | {
        f"camera={each}": (pairs[each], [each]) for each in asked if len(cameras) > 1
    }
    answers = []
    for where, (pair, whose) in slices.items():
        own = all(len(now[camera]) >= rules.min_sessions for camera in whose)
        answers.append(_finding(where, (pair[0], pair[1]), (level if own else level * month, level * month), rules))
    return tuple(answers)


_UNSEEN = "nobody can tell whether an object was gone between"


def split(camera: str, now: Rates, earlier: Sequence[Rates], rules: FlickerRules) -> tuple[list[float], list[float]]:
    """The camera's baseline and its newest sessions: this window's, and where they are few those before."""
    before = [rate for window in earlier for rate in window.get(camera, ())]
    newest = list(now.get(camera, ()))
    missing = max(0, rules.min_sessions - len(newest))
    later = before[BASELINE:]
    return before[:BASELINE], [*later[len(later) - min(missing, len(later)) :], *newest]


def _finding(
    where: str,
    pair: tuple[Sequence[float], Sequence[float]],
    levels: tuple[float, float],
    rules: FlickerRules,
) -> Finding:
    """`levels`: chances of a false alarm from which it is seen, and from which it is sure."""
    known, seen = pair
    for count, whose in ((len(known), "healthy sessions since the reference"), (len(seen), "sessions in the window")):
        if count < rules.min_sessions:
            missing = rules.min_sessions - count
            return _open(len(seen), f"flicker: {count} {whose}, {missing} more are needed", where)
    before, after = float(np.mean(known)), float(np.mean(seen))
    chance = chance_of_more(seen, known)
    breach = chance <= levels[0] and after - before >= rules.rise
    verb = "rose" if after >= before else "fell"
    found = Finding(
        check=CHECK,
        subject=FLICKER,
        slice=where,
        outcome=Outcome.BREACH if breach else Outcome.OK,
        value=round(after, 4),
        limit=round(before + rules.rise, 4),
        unit=UNIT,
        n=len(seen),
        effect=round(_rate_difference(before, after), 4),
        note=f"{verb} from {100 * before:.2g} % to {100 * after:.2g} % of the objects; p = {chance:.2g} over sessions",
    )
    return doubted(found) if breach and chance > levels[1] else found


def _open(n: int, note: str, where: str = ALL) -> Finding:
    return Finding(check=CHECK, subject=FLICKER, slice=where, outcome=Outcome.INCONCLUSIVE, n=n, note=note)


def _rate_difference(before: float, after: float) -> float:
    """Cohen's h of two shares, signed. Source: Cohen, Statistical Power Analysis (1988), chapter 6."""
    return 2 * math.asin(math.sqrt(after)) - 2 * math.asin(math.sqrt(before))
