"""Fleets in which nothing but cameras fails, drawn at random: whatever fails, and however many do, nothing is learnt.

The findings are what camera stage and drift stage say of such windows, the causes are worked out from them, and labels
show harm without saying where.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.subjects import CameraFault
from tasks.domain.verdict import Action
from tasks.drift.cause import causes_of

OK, BREACH = Outcome.OK, Outcome.BREACH
HARM = Report(stage=Stage.EVALUATE, findings=(Finding(check="performance", subject="map50_95", outcome=BREACH),))
SUBJECTS = ("brightness", "sharpness", "noise", "contrast", "fine_detail", "embedding", "places")
UNDIRECTED = ("embedding", "places")
SURE, NOISE = 0.8, 0.15
"""Shift from which a camera's change is significant, and how far healthy shifts lie around 0."""
RUNS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """`sign` is the camera stage's value in its limit, of `fault`; `shifts` are those of its subjects."""

    fault: str
    sign: float
    shifts: dict[str, float]


def healthy(rng: np.random.Generator, product: dict[str, float] | None = None) -> Camera:
    shifts = {subject: float(rng.normal(0, NOISE)) for subject in SUBJECTS}
    for subject, shift in (product or {}).items():
        shifts[subject] += shift
    return Camera(fault=CameraFault.DIRTY_LENS.value, sign=float(rng.uniform(0, 0.4)), shifts=shifts)


def changed(rng: np.random.Generator, least: float = 0.3) -> dict[str, float]:
    """Shifts of one to four subjects, from faint to strong."""
    names = [str(subject) for subject in rng.permutation(SUBJECTS)[: int(rng.integers(1, 5))]]
    return {subject: float(rng.choice([-1, 1]) * rng.uniform(least, 2.5)) for subject in names}


def spoilt(rng: np.random.Generator, low: float, high: float, what: dict[str, float], fault: str) -> Camera:
    """A camera whose sign of a fault is between these parts of its limit."""
    return Camera(fault=fault, sign=float(rng.uniform(low, high)), shifts=healthy(rng, what).shifts)


def reports(fleet: dict[str, Camera]) -> tuple[Report, Report]:
    """What the drift stage and the camera stage say: signs on most cameras at once are excused, as they are there."""
    over = [each.fault for each in fleet.values() if each.sign >= 1]
    excused = {fault for fault in over if over.count(fault) > 1 and 2 * over.count(fault) > len(fleet)}
    signs = tuple(
        Finding(
            check="camera", subject=each.fault, slice=f"camera={name}", value=each.sign, limit=1.0, n=50,
            outcome=BREACH if each.sign >= 1 and each.fault not in excused else OK,
        )
        for name, each in fleet.items()
    )  # fmt: skip
    shifts = []
    for subject in SUBJECTS:
        sizes = {name: each.shifts[subject] for name, each in fleet.items()}
        mean = float(np.mean(list(sizes.values())))
        shifts.append(drifted(subject, "all", mean, SURE / len(sizes) ** 0.5))
        shifts += [drifted(subject, f"camera={name}", size, SURE) for name, size in sizes.items()]
    return Report(stage=Stage.DRIFT, findings=tuple(shifts)), Report(stage=Stage.CAMERA, findings=signs)


def drifted(subject: str, where: str, size: float, sure: float) -> Finding:
    effect = None if subject in UNDIRECTED else size
    outcome = BREACH if abs(size) >= sure else OK
    return Finding(check="ks", subject=subject, slice=where, outcome=outcome, value=abs(size), effect=effect, n=50)


def action(fleet: dict[str, Camera]) -> Action:
    seen = reports(fleet)
    return judge(seen, causes_of(seen, {}), HARM).action


def named(rng: np.random.Generator, size: int) -> dict[str, Camera]:
    """One to all cameras with faults that have a name, each its own or all the same; the others are healthy."""
    what, same = changed(rng), bool(rng.integers(2))
    kinds = [str(kind.value) for kind in CameraFault]
    fault = str(rng.choice(kinds))
    count = int(rng.integers(1, size + 1))
    fleet = {}
    for n in range(size):
        kind, shifts = (fault, what) if same else (str(rng.choice(kinds)), changed(rng))
        fleet[f"c{n}"] = spoilt(rng, 1.0, 4.0, shifts, kind) if n < count else healthy(rng)
    return fleet


def faint(rng: np.random.Generator, size: int) -> dict[str, Camera]:
    """The same fault on several cameras or on one, on some of them too faint to have a name."""
    what, count = changed(rng), int(rng.integers(1, size + 1))
    fault = str(rng.choice([CameraFault.DIRTY_LENS.value, CameraFault.MOVED.value, CameraFault.OUT_OF_FOCUS.value]))
    return {f"c{n}": spoilt(rng, 0.7, 1.5, what, fault) if n < count else healthy(rng) for n in range(size)}


def nameless(rng: np.random.Generator, size: int) -> dict[str, Camera]:
    """One camera that plainly fails in a way that nobody has a name for, perhaps beside another with a named fault."""
    fleet = {f"c{n}": healthy(rng) for n in range(size)}
    fleet["c0"] = spoilt(rng, 0.0, 0.6, changed(rng, 1.0), CameraFault.DIRTY_LENS.value)
    if size > 2 and rng.integers(2):
        fleet["c1"] = spoilt(rng, 1.0, 3.0, changed(rng), CameraFault.TOO_DARK.value)
    return fleet


def two_nameless(rng: np.random.Generator, size: int) -> dict[str, Camera]:
    """Two of four cameras and more, each in a way of its own."""
    fleet = {f"c{n}": healthy(rng) for n in range(max(size, 4))}
    own = rng.permutation(SUBJECTS)
    for n in range(2):
        shift = {str(own[n]): float(rng.choice([-1, 1]) * rng.uniform(1.0, 2.5))}
        fleet[f"c{n}"] = spoilt(rng, 0.0, 0.6, shift, CameraFault.DIRTY_LENS.value)
    return fleet


@pytest.mark.parametrize("way", [named, faint, nameless, two_nameless])
def test_cameras_that_fail_start_no_retraining(way):
    rng = np.random.default_rng(3)
    for run in range(RUNS):
        fleet = way(rng, int(rng.integers(2, 8)))
        assert action(fleet) is not Action.RETRAIN, (run, fleet)


def test_a_new_product_on_all_cameras_is_learnt_also_beside_one_that_failed():
    rng, learnt = np.random.default_rng(7), []
    for _ in range(RUNS):
        size, what = int(rng.integers(3, 8)), {str(rng.choice(SUBJECTS)): float(rng.choice([-1, 1]) * 1.5)}
        fleet = {f"c{n}": healthy(rng, what) for n in range(size)}
        if rng.integers(2):
            fleet["c0"] = spoilt(rng, 0.7, 3.0, what | changed(rng), CameraFault.DIRTY_LENS.value)
        learnt.append(action(fleet) is Action.RETRAIN)
    assert np.mean(learnt) >= 0.95
