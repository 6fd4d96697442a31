"""Most cameras silent or slow at once, or the only one: a network, a switch, or a line that stands. Nobody can tell.

It is never the fault of one camera and never a breach, for nights and weekends look alike; but it is said, unless the
reference knows that these cameras rest at this hour: of this weekday, where it covers one, else of any day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from tasks.camera.pictures import CHECK
from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import CameraFault
from tasks.domain.window import Window

FAR = 0.33
"""Share of its usual images up to which a camera is so slow that it is said of all together: half may be a slow day."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)

_WORDS = {CameraFault.OFFLINE: "sent nothing", CameraFault.FRAME_RATE: "sent far fewer images than usual"}


def rests(times: Sequence[datetime], cameras: Sequence[str], window: Window) -> dict[str, float]:
    """The images that each camera may be content with at this hour, as far as the reference covers it; else {}.

    The fewest of the same hour of the same weekday, where the reference reaches over one, else the middle of the same
    hour of all its days. Hours in which nobody sent count: they are what a resting line looks like.
    """
    if not len(times):
        return {}
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for moment, camera in zip(times, cameras, strict=True):
        back = (window.start - moment) // DAY + (1 if (window.start - moment) % DAY else 0)
        if moment - (window.start - back * DAY) < window.length:
            counts[back][camera] += 1
    first, last = min(times), max(times)
    reach = range((window.start - last) // DAY - 1, (window.start - first) // DAY + 2)
    covered = [back for back in reach if back and _within(window.start - back * DAY, window.length, (first, last))]
    weekly = [back for back in covered if back % 7 == 0]
    if not covered:
        return {}
    middle = np.min if weekly else np.median
    return {name: float(middle([counts[back][name] for back in weekly or covered])) for name in sorted(set(cameras))}


def _within(start: datetime, length: timedelta, span: tuple[datetime, datetime]) -> bool:
    return span[0] <= start and start + length <= span[1]


def standstill(fault: CameraFault, affected: Sequence[str], of: int, window_images: Mapping[str, float]) -> Finding:
    """The one finding about most of the cameras, or about the only one."""
    lone = affected[0] if of == 1 else None
    who = "the only camera" if lone else f"{len(affected)} of {of} cameras"
    named = "" if lone else f" ({', '.join(sorted(affected)[:5])}{', …' if len(affected) > 5 else ''})"
    return Finding(
        check=CHECK,
        subject=fault.value,
        slice=f"camera={lone}" if lone else ALL,
        outcome=Outcome.INCONCLUSIVE,
        value=len(affected),
        limit=of / 2,
        unit="cameras",
        n=int(sum(window_images.values())),
        note=f"{who} {_WORDS[fault]}{named}: a network, a switch, a camera that failed or a line that stands",
    )
