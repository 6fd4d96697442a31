"""Do images come as they used to: a camera that is silent or slow while the others send.

How many images a camera sends in a window is taken from the reference, cut into tiles of the window's length; where
it knows the same hour of the day, only those tiles count. A pinned reference is thinned, so its counts are too low
rather than too high, and a camera is called slow too seldom rather than too often.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from scipy.stats import poisson

from tasks.camera.case import SPARE
from tasks.camera.pictures import CHECK
from tasks.camera.rules import CameraRules
from tasks.camera.silence import Silence
from tasks.camera.standstill import FAR, standstill
from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import CameraFault
from tasks.domain.window import EPOCH, Window

USUAL = 0.8
"""Share of the tiles in which a camera must have sent, to be missed when it does not."""
MIN_SILENT, MIN_SLOW = 10, 20
"""Images expected of a camera below which its silence, or its being slow, says nothing."""
CHANCE = 0.001
"""Chance of so few images at the usual rate below which it is no coincidence."""
PRIOR = 4
"""Counts that the assumption weighs that images come by chance, when it is held against the counts there are."""
ROOM = 0.8
"""Share of the smallest number of images ever counted below which a camera is slow; share of its usual rate that it
sends beside a pause, if it is the pause that is the matter."""

DAY = timedelta(days=1)


def usual(times: Sequence[datetime], cameras: Sequence[str], window: Window) -> dict[str, list[int]]:
    """Images of every camera in each tile of the window's length in which any camera sent; same hours if there are."""
    tiles: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for moment, camera in zip(times, cameras, strict=True):
        tiles[(moment - EPOCH) // window.length][camera] += 1
    hour = (window.start - EPOCH) % DAY
    same = [tile for tile in tiles if tile * window.length % DAY == hour]
    chosen = [tiles[tile] for tile in (same or sorted(tiles))]
    return {camera: [tile[camera] for tile in chosen] for camera in sorted(set(cameras))}


def judge_delivery(
    expected: Mapping[str, Sequence[int]],
    counted: Mapping[str, float],
    rules: CameraRules,
    silent: Mapping[str, Silence] | None = None,
    resting: Mapping[str, float] | None = None,
) -> tuple[Finding, ...]:
    """Offline and frame rate of every camera that is known to send; `counted` are the images of the window.

    `silent` are the longest pauses in it: where a quarter of a camera's images and more are missing at once, it was
    `offline` for that part. Where most are silent or slow, or the only one is, that is the line, the night or the
    connection: one inconclusive finding says so, unless they send what they are known to be content with at this hour
    (`resting`, see `standstill.rests`).
    """
    rates = {
        camera: counted.get(camera, 0.0) / float(np.median(counts))
        for camera, counts in expected.items()
        if _steady(counts)
    }
    rest = resting or {}
    awake = {c for c in rates if counted.get(c, 0.0) < rules.rate_kept * rest.get(c, float("inf"))}
    together = _together(expected, counted, {camera: rates[camera] for camera in sorted(awake)}, len(rates))
    if len(expected) < 2 or not any(rates.values()):
        return together
    found = []
    for camera, rate in rates.items():
        others = [value for other, value in rates.items() if other != camera and value]
        pace = float(np.median(others)) if others else 1.0
        pause = (silent or {}).get(camera)
        beside = rate / pace / (1 - pause.share) if pause and pause.share < 1 else 0.0
        if pause and beside >= ROOM and _missed(pause):
            found.append(_paused(camera, pause, expected[camera], int(counted.get(camera, 0.0))))
        else:
            told = _judged(camera, expected[camera], counted.get(camera, 0.0), rate / pace, rules)
            found += [each for each in told if camera in awake or each.outcome is Outcome.OK]
    breached = Counter(each.subject for each in found if each.outcome is Outcome.BREACH)
    fleet = {subject for subject, count in breached.items() if count > 1 and 2 * count > len(rates)}
    if CameraFault.FRAME_RATE in fleet and not together:  # some send as ever: it is no slow day
        slow = [each.camera or "" for each in found if each.subject in fleet and each.outcome is Outcome.BREACH]
        together = (standstill(CameraFault.FRAME_RATE, slow, len(rates), counted),)
    return (*(each for each in found if each.subject not in fleet), *together)


def _together(
    expected: Mapping[str, Sequence[int]], counted: Mapping[str, float], awake: Mapping[str, float], of: int
) -> tuple[Finding, ...]:
    """What more than half of the cameras, or the only one, show against their own usual numbers; of those `awake`."""
    silent = [camera for camera in awake if not counted.get(camera)]
    slow = [c for c, rate in awake.items() if rate <= FAR and _few(counted.get(c, 0.0), expected[c])]
    for fault, affected in ((CameraFault.OFFLINE, silent), (CameraFault.FRAME_RATE, slow)):
        if 2 * len(affected) > of:
            return (standstill(fault, affected, of, counted),)
    return ()


def _steady(counts: Sequence[float]) -> bool:
    """Whether a camera used to send: in nearly every tile, and enough of them."""
    sent = sum(count > 0 for count in counts)
    return bool(counts) and sent >= USUAL * len(counts) and float(np.median(counts)) >= MIN_SILENT


def _missed(pause: Silence) -> bool:
    """Whether it is no chance that nothing came: at these hours the camera always sent."""
    return pause.share >= SPARE * pause.usual and _steady(pause.counts) and _chance(0.0, pause.counts) < CHANCE


def _paused(camera: str, pause: Silence, counts: Sequence[int], n: int) -> Finding:
    missing, usually = float(np.median(pause.counts)), float(np.median(counts))
    words = (
        f"was offline from {pause.start:%H:%M} to {pause.end:%H:%M} (UTC): no image, about {missing:.0f} were expected"
    )
    return _finding(camera, CameraFault.OFFLINE, missing / usually, MIN_SILENT / usually, words, (n, True))


def _judged(camera: str, counts: Sequence[int], counted: float, relative: float, rules: CameraRules) -> list[Finding]:
    usually = float(np.median(counts))
    if not counted:
        words = f"is offline: no image in this window, about {usually:.0f} were expected"
        return [_finding(camera, CameraFault.OFFLINE, 1.0, 1.0, words, (0, relative < 0.5))]
    sent = counted / usually
    slow = usually >= MIN_SLOW and max(sent, relative) <= rules.rate_kept and _few(counted, counts)
    words = f"sends too few images: {counted:.0f} instead of about {usually:.0f}"
    n = int(counted)
    return [
        _finding(camera, CameraFault.OFFLINE, 0.0, 1.0, "", (n, False)),
        _finding(camera, CameraFault.FRAME_RATE, max(0.0, 1 - sent), 1 - rules.rate_kept, words, (n, slow)),
    ]


def _few(counted: float, counts: Sequence[int]) -> bool:
    """Whether so few images were never counted, and are no chance."""
    return counted < ROOM * min(count for count in counts if count) and _chance(counted, counts) < CHANCE


def _chance(counted: float, counts: Sequence[float]) -> float:
    """Chance of so few images: of a Poisson process that is as steady as the camera used to be.

    A camera on a timer varies less than chance, a line that stops and starts more. With few counts that is not well
    known, so it is drawn towards chance. Source: McCullagh & Nelder, Generalized Linear Models (1989), section 6.2.
    """
    usually, sent = float(np.median(counts)), [count for count in counts if count]
    spread = float(np.var(sent)) / max(float(np.mean(sent)), 1.0)
    dispersion = (PRIOR + len(sent) * spread) / (PRIOR + len(sent))
    return float(poisson.cdf(counted / dispersion, usually / dispersion))


def _finding(
    camera: str, fault: CameraFault, value: float, limit: float, words: str, told: tuple[int, bool]
) -> Finding:
    n, breach = told
    return Finding(
        check=CHECK,
        subject=fault.value,
        slice=f"camera={camera}",
        outcome=Outcome.BREACH if breach else Outcome.OK,
        value=round(value, 4),
        limit=round(limit, 4),
        unit="share of images missing",
        n=n,
        note=words if breach else "",
    )
