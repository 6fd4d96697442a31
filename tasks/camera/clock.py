"""Is a camera's clock right: when its images say that they were taken, against when they landed in the bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.camera.pictures import CHECK
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import CameraFault

Floats = NDArray[np.float64]

SHARE = 0.2
"""Share of a camera's images that must be off: a clock that jumps in the middle of a window is found as well."""
TIGHT = 0.25
"""Spread of the delays, as a share of the delay, up to which it is a clock: what waited for a network and then came
all at once was waiting for different times."""
EVEN = 0.97
"""Correlation of delay and capture from which a delay grows evenly."""
MIN_IMAGES = 5
EARLY = 0.5
"""Part of the limit from which images come too early: no network does that, only two clocks that are a little apart."""
AHEAD = "{span} ahead: its images land before they were taken"
BEHIND = "{span} behind: its images land that late"
FALLS = "it falls behind, {span} by now, or what it sends waits longer and longer"
STANDS = "it stands still: images that landed over {span} all name the same moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Images of one camera, in any order: when they say that they were taken (minutes from any moment on), and how many
    minutes later they landed; negative for images from the future.
    """

    captured: Floats
    delay: Floats

    def __len__(self) -> int:
        return len(self.delay)


def judge_clocks(arrivals: Mapping[str, Arrivals], rules: CameraRules) -> tuple[Finding, ...]:
    """One finding a camera.

    An image that landed before it was taken has a wrong clock: nothing can make it come early, so half of the limit is
    enough. One that landed late may have waited: only a delay that the other cameras do not have, and that is the same
    for all of the late images or grows evenly, is taken for a clock. So are images that all say to be of one moment,
    and landed at many.
    """
    usual = {camera: float(np.median(each.delay)) for camera, each in arrivals.items() if len(each) >= MIN_IMAGES}
    found = []
    for camera in sorted(usual):
        others = [value for other, value in usual.items() if other != camera]
        shared = float(np.clip(np.median(others), 0.0, max(usual[camera], 0.0))) if others else None
        found.append(_finding(camera, _ways(arrivals[camera], shared, rules), len(arrivals[camera]), rules))
    off = sum(each.outcome is Outcome.BREACH for each in found)
    if off > 1 and 2 * off > len(found):
        return (_shared_clock(off, len(found), rules),)
    return tuple(found)


def _shared_clock(off: int, of: int, rules: CameraRules) -> Finding:
    """Most clocks wrong at once: nobody's fault alone, but said."""
    return Finding(
        check=CHECK,
        subject=CameraFault.CLOCK.value,
        outcome=Outcome.INCONCLUSIVE,
        value=off,
        limit=of / 2,
        unit="cameras",
        n=of,
        note=f"the times of {off} of {of} cameras are more than {rules.clock_minutes:.0f} minutes from those of the "
        "bucket: its own clock, a clock or a time zone that they share, or how images were copied",
    )


def _ways(images: Arrivals, shared: float | None, rules: CameraRules) -> dict[str, float]:
    """Minutes by which the clock is wrong, by the way in which it is; `shared` is the delay of the others, if any."""
    found = {STANDS: _still(images, rules), AHEAD: _early(images.delay, rules)}
    if shared is not None:
        found[BEHIND] = _late(images.delay - shared, rules)
        found[FALLS] = _falling(images, shared, rules)
    return found


def _early(delays: Floats, rules: CameraRules) -> float:
    """Minutes by which images come from the future; 0 when few do."""
    ahead = delays[delays <= -EARLY * rules.clock_minutes]
    return float(-np.median(ahead)) if len(ahead) >= SHARE * len(delays) else 0.0


def _late(differences: Floats, rules: CameraRules) -> float:
    """Minutes by which images come late, when all of the late ones are equally late; else 0."""
    behind = differences[differences >= rules.clock_minutes]
    if len(behind) < max(MIN_IMAGES, SHARE * len(differences)):
        return 0.0
    low, middle, high = np.quantile(behind, [0.1, 0.5, 0.9])
    return float(middle) if high - low <= TIGHT * middle else 0.0


def _still(images: Arrivals, rules: CameraRules) -> float:
    """Minutes over which images landed that all name the same moment, in the middle of such moments; 0 when few do.

    A clock may stand for good, or again and again, as one that has lost its minutes.
    """
    moments, places = np.unique(images.captured, return_inverse=True)
    landed, (first, last) = images.captured + images.delay, np.full((2, len(moments)), [[np.inf], [-np.inf]])
    np.minimum.at(first, places, landed)
    np.maximum.at(last, places, landed)
    spans = (last - first)[places]
    standing = spans >= rules.clock_minutes
    if standing.sum() < max(MIN_IMAGES, SHARE * len(images)):
        return 0.0
    return float(np.median(spans[standing]))


def _falling(images: Arrivals, shared: float, rules: CameraRules) -> float:
    """Minutes by which the last tenth of the images comes late, when the delay grows evenly all the time; else 0."""
    late = images.delay - shared
    if np.mean(late >= rules.clock_minutes) < SHARE or min(images.captured.std(), late.std()) == 0:
        return 0.0
    even = float(np.corrcoef(images.captured, late)[0, 1]) >= EVEN
    return float(np.quantile(late, 0.9)) if even else 0.0


def _finding(camera: str, ways: Mapping[str, float], n: int, rules: CameraRules) -> Finding:
    limits = {way: rules.clock_minutes * (EARLY if way == AHEAD else 1.0) for way in ways}
    over = [way for way, minutes in ways.items() if minutes >= limits[way]]
    way = over[0] if over else max(ways, key=lambda each: ways[each])
    value, breach = ways[way], bool(over)
    return Finding(
        check=CHECK,
        subject=CameraFault.CLOCK.value,
        slice=f"camera={camera}",
        outcome=Outcome.BREACH if breach else Outcome.OK,
        value=round(value, 1),
        limit=limits[way],
        unit="min",
        n=n,
        note=f"has a wrong clock: {way.format(span=_span(value))}" if breach else "",
    )


def _span(minutes: float) -> str:
    return f"{minutes / 60:.1f} hours" if minutes >= 90 else f"{minutes:.0f} minutes"
