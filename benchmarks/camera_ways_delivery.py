"""Ways in which the images of one camera come otherwise than they used to, and healthy twins of them.

A way takes the moments at which a camera would have sent (minutes of the window, in order) and says which images come,
when their clock says that they were taken, and when they landed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Which images came (places among those that should have), their captures and landings in minutes."""

    kept: NDArray[np.intp]
    captured: Floats
    landed: Floats


Delivery = Callable[[Floats, Rng], Sent]


def usual(moments: Floats, rng: Rng) -> Sent:
    """All came, and soon."""
    return sent(moments, np.ones(len(moments), bool), rng)


def sent(moments: Floats, kept: NDArray[np.bool_], rng: Rng, clock: Floats | float = 0.0) -> Sent:
    """Those kept, by a clock that is off by so many minutes."""
    places = np.flatnonzero(kept)
    landed = moments + rng.exponential(0.2, len(moments))
    return Sent(kept=places, captured=(moments + clock)[places], landed=landed[places])


def silent(moments: Floats, rng: Rng) -> Sent:
    return sent(moments, np.zeros(len(moments), bool), rng)


def slow(moments: Floats, rng: Rng) -> Sent:
    kept = np.zeros(len(moments), bool)
    kept[rng.permutation(len(moments))[: int(len(moments) * rng.uniform(0.2, 0.55))]] = True
    return sent(moments, kept, rng)


def off(low: float, high: float, since: tuple[float, float] = (0.0, 0.0)) -> Delivery:
    """A clock that is off by so many minutes either way, from a moment of the window on."""

    def way(moments: Floats, rng: Rng) -> Sent:
        error = float(rng.choice([-1, 1]) * rng.uniform(low, high))
        late = np.arange(len(moments)) >= len(moments) * rng.uniform(*since)
        return sent(moments, np.ones(len(moments), bool), rng, error * late)

    return way


def broke_off(moments: Floats, rng: Rng) -> Sent:
    """Sent as ever, and then no more: the last third to two thirds of the window are missing."""
    return sent(moments, np.arange(len(moments)) < len(moments) * rng.uniform(0.33, 0.65), rng)


def gap(moments: Floats, rng: Rng) -> Sent:
    """Off for two fifths to half of the window, and back."""
    n = len(moments)
    start, long = n * rng.uniform(0.15, 0.4), n * rng.uniform(0.4, 0.5)
    places = np.arange(n)
    return sent(moments, (places < start) | (places >= start + long), rng)


def fading(moments: Floats, rng: Rng) -> Sent:
    """Fewer and fewer: from all images to one in ten."""
    kept = rng.random(len(moments)) < np.linspace(1.0, 0.1, len(moments))
    return sent(moments, kept, rng)


def halved(moments: Floats, rng: Rng) -> Sent:
    """Every second image."""
    return sent(moments, np.arange(len(moments)) % 2 == int(rng.integers(2)), rng)


def zone(moments: Floats, rng: Rng) -> Sent:
    """Another time zone: whole hours, or half an hour more."""
    hours = float(rng.choice([-8, -5, -3.5, -1, 1, 2, 5.5, 9]))
    return sent(moments, np.ones(len(moments), bool), rng, 60 * hours)


def fast(moments: Floats, rng: Rng) -> Sent:
    """A clock that runs ahead more and more: up to an hour or two at the end of the window."""
    part = np.linspace(0, float(rng.uniform(60, 120)), len(moments))
    return sent(moments, np.ones(len(moments), bool), rng, part)


def lagging(moments: Floats, rng: Rng) -> Sent:
    """A clock that falls behind more and more."""
    part = np.linspace(0, -float(rng.uniform(60, 120)), len(moments))
    return sent(moments, np.ones(len(moments), bool), rng, part)


def stuck(moments: Floats, rng: Rng) -> Sent:
    """A clock that stands still."""
    return sent(moments, np.ones(len(moments), bool), rng, moments[0] - moments)


def reset(moments: Floats, rng: Rng) -> Sent:
    """A clock without a battery: years ago, and running on."""
    return sent(moments, np.ones(len(moments), bool), rng, -60 * 24 * 365 * float(rng.uniform(3, 30)))


def waited(moments: Floats, rng: Rng) -> Sent:
    """No network for a third to half of the window: those images came all at once, later. No fault of the clock."""
    found = usual(moments, rng)
    low, high = np.quantile(moments, [0.2, rng.uniform(0.53, 0.7)])
    held = (moments >= low) & (moments < high)
    return Sent(kept=found.kept, captured=found.captured, landed=np.where(held, high + 3, found.landed))


def uneven(moments: Floats, rng: Rng) -> Sent:
    """As many images as ever, at other moments: products come as they come."""
    other = np.sort(rng.uniform(moments[0], moments[-1], len(moments)))
    return usual(other, rng)


TUNED: dict[str, dict[str, Delivery]] = {
    "offline": {"silent": silent},
    "frame_rate": {"slow": slow},
    "clock": {
        "hours": off(60, 720), "minutes": off(15, 60), "days": off(2880, 34560), "in between": off(60, 720, (0.3, 0.6)),
    },
}  # fmt: skip
UNSEEN: dict[str, dict[str, Delivery]] = {
    "offline": {"broke off": broke_off, "gap": gap},
    "frame_rate": {"fading": fading, "halved": halved},
    "clock": {"zone": zone, "fast": fast, "lagging": lagging, "stuck": stuck, "reset": reset},
    "sound, sent": {"waited": waited, "uneven": uneven},
}
SENT = {"tuned": TUNED, "unseen": UNSEEN}
