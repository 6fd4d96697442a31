"""How the images of a camera come as a second stranger would have them go wrong, with healthy twins.

Part of the ways of `camera_ways_second.py`.
"""

from __future__ import annotations

import numpy as np
from camera_ways_delivery import Delivery, Floats, Rng, Sent, sent, usual

HOUR = 60.0


def late_start(moments: Floats, rng: Rng) -> Sent:
    """Nobody switched it on: nothing for the first 35 to 60 % of the window."""
    return sent(moments, np.arange(len(moments)) >= len(moments) * rng.uniform(0.35, 0.6), rng)


def lost_night(moments: Floats, rng: Rng) -> Sent:
    """Off for 10 to 14 hours somewhere in the window."""
    start = float(rng.uniform(0, 10)) * HOUR + moments[0]
    return sent(moments, (moments < start) | (moments >= start + float(rng.uniform(10, 14)) * HOUR), rng)


def every_third(moments: Floats, rng: Rng) -> Sent:
    """One image in three, as a slow line lets through."""
    return sent(moments, np.arange(len(moments)) % 3 == int(rng.integers(3)), rng)


def lossy(moments: Floats, rng: Rng) -> Sent:
    """A bad radio link: 50 to 65 % are lost, in runs of some images."""
    state, kept, left = True, np.zeros(len(moments), bool), float(rng.uniform(0.35, 0.5))
    for place in range(len(moments)):
        if rng.random() < 0.5:
            state = bool(rng.random() < left)
        kept[place] = state
    return sent(moments, kept, rng)


def summer_time(moments: Floats, rng: Rng) -> Sent:
    """An hour ahead or behind, for all of the window."""
    return sent(moments, np.ones(len(moments), bool), rng, float(rng.choice([-1, 1])) * HOUR)


def back_and_forth(moments: Floats, rng: Rng) -> Sent:
    """Two time servers fight: the clock jumps by 25 to 50 minutes and back, some images each."""
    jump, long = float(rng.choice([-1, 1]) * rng.uniform(25, 50)), int(rng.integers(2, 6))
    return sent(moments, np.ones(len(moments), bool), rng, jump * (np.arange(len(moments)) // long % 2))


def half_day(moments: Floats, rng: Rng) -> Sent:
    """Twelve hours instead of 24 are shown: the afternoon says that it is morning."""
    return sent(moments, np.ones(len(moments), bool), rng, -12 * HOUR * (moments % (24 * HOUR) >= 12 * HOUR))


def hours_only(moments: Floats, rng: Rng) -> Sent:
    """Minutes are lost: all images name the full hours of blocks of three to six."""
    block = float(rng.integers(3, 7)) * HOUR
    return sent(moments, np.ones(len(moments), bool), rng, -(moments % block))


def wandering(moments: Floats, rng: Rng) -> Sent:
    """A clock without a quartz: it goes ahead by an hour or two, and is back at the end."""
    part = np.sin(np.linspace(0, np.pi, len(moments))) * float(rng.uniform(60, 120))
    return sent(moments, np.ones(len(moments), bool), rng, part)


def by_the_hour(moments: Floats, rng: Rng) -> Sent:
    """A recorder uploads every two hours what came since. No fault of the clock."""
    found = usual(moments, rng)
    landed = np.ceil(moments / (2 * HOUR)) * 2 * HOUR + rng.uniform(0, 2, len(moments))
    return Sent(kept=found.kept, captured=found.captured, landed=np.maximum(landed, moments))


def triggered(moments: Floats, rng: Rng) -> Sent:
    """As many images as ever, three at a time: products come in threes."""
    return usual(np.sort(moments[np.arange(len(moments)) // 3 * 3] + rng.uniform(0, 3, len(moments))), rng)


def slow_network(moments: Floats, rng: Rng) -> Sent:
    """The network is busy: images land some minutes later, one now and then by half an hour."""
    found = usual(moments, rng)
    late = rng.exponential(4, len(moments)) + 30 * (rng.random(len(moments)) < 0.1)
    return Sent(kept=found.kept, captured=found.captured, landed=found.captured + late)


SECOND: dict[str, dict[str, Delivery]] = {
    "offline": {"late start": late_start, "lost night": lost_night},
    "frame_rate": {"every third": every_third, "lossy": lossy},
    "clock": {
        "summer time": summer_time, "back and forth": back_and_forth, "half day": half_day, "hours only": hours_only,
        "wandering": wandering,
    },
    "sound, sent": {"by the hour": by_the_hour, "triggered": triggered, "slow network": slow_network},
}  # fmt: skip
