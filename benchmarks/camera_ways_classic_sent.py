"""Classic faults of delivery: a camera that goes silent, sends less, or whose clock is wrong; and none of them."""

from __future__ import annotations

import numpy as np
from camera_ways_delivery import Delivery, Floats, Rng, Sent, sent, usual


def until(low: float, high: float) -> Delivery:
    """The cable was pulled: images come for this part of the window, and none after it."""

    def way(moments: Floats, rng: Rng) -> Sent:
        return sent(moments, np.arange(len(moments)) < len(moments) * rng.uniform(low, high), rng)

    return way


def every_nth(n: int) -> Delivery:
    """A setting, or a line that is too slow: every n-th image comes."""

    def way(moments: Floats, rng: Rng) -> Sent:
        return sent(moments, np.arange(len(moments)) % n == int(rng.integers(n)), rng)

    return way


def lossy(moments: Floats, rng: Rng) -> Sent:
    """Poor radio: half to three quarters of the images are lost on the way, these and those."""
    kept = np.zeros(len(moments), bool)
    kept[rng.permutation(len(moments))[: int(len(moments) * rng.uniform(0.25, 0.5))]] = True
    return sent(moments, kept, rng)


def ahead(moments: Floats, rng: Rng) -> Sent:
    """Set wrong by hand: two to ten hours ahead."""
    return sent(moments, np.ones(len(moments), bool), rng, float(rng.uniform(120, 600)))


def zone(moments: Floats, rng: Rng) -> Sent:
    """The time zone of another country, or summer time: whole or half hours, either way."""
    return sent(moments, np.ones(len(moments), bool), rng, 60 * float(rng.choice([-8, -6, -2, -1, 1, 2, 5.5, 8])))


def drifting(moments: Floats, rng: Rng) -> Sent:
    """No time server: the clock runs away, by one to three hours at the end of the window."""
    end = float(rng.choice([-1, 1]) * rng.uniform(60, 180))
    return sent(moments, np.ones(len(moments), bool), rng, np.linspace(0, end, len(moments)))


def late(moments: Floats, rng: Rng) -> Sent:
    """A line with little bandwidth: every image lands one to four minutes after it was taken. Nothing is wrong."""
    found = usual(moments, rng)
    return Sent(kept=found.kept, captured=found.captured, landed=found.landed + rng.uniform(1, 4, len(moments)))


def spared(moments: Floats, rng: Rng) -> Sent:
    """One in ten images is missing, as happens. Nothing is wrong."""
    kept = np.ones(len(moments), bool)
    kept[rng.permutation(len(moments))[: round(len(moments) * 0.1)]] = False
    return sent(moments, kept, rng)


CLASSIC: dict[str, dict[str, Delivery]] = {
    "offline": {"none": until(0, 0), "first half": until(0.4, 0.55), "first hours": until(0.08, 0.25)},
    "frame_rate": {"half": every_nth(2), "quarter": every_nth(4), "lossy": lossy},
    "clock": {"ahead": ahead, "zone": zone, "drifting": drifting},
    "sound, sent": {"late": late, "spared": spared},
}
