"""Months of healthy windows through every stage of monitor, in the order of `flows/monitor.py`: how often does any cry?

The decisions are those of production, from the rows of profiles and answers to `judge`; tables, ledger and orchestrator
are left out, and what later windows need of earlier ones is kept in lists. A window counts as an alarm when its verdict
is a breach. Great-expectations' rules are asked of one window in five days: they are limits and not chances.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from quiet_plant import CAMERAS, START, WANDER, Change, Plant, Wander, share, told

from tasks.adapters.expectations import ask
from tasks.camera import pictures
from tasks.camera.clock import Arrivals, judge_clocks
from tasks.camera.delivery import judge_delivery, usual
from tasks.camera.frames import Frames, by_camera
from tasks.camera.rules import CameraRules
from tasks.domain.confirmation import confirmed, part_of_month
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.verdict import Verdict
from tasks.domain.window import Window
from tasks.drift.cause import causes_of
from tasks.drift.compare import compare
from tasks.drift.pinning import thinned
from tasks.drift.rules import DriftRules
from tasks.drift.sample import sample
from tasks.drift.silence import unanswered
from tasks.flicker.judging import flicker_findings, usable
from tasks.flicker.rules import FlickerRules
from tasks.flicker.tracks import sessions
from tasks.outliers import views
from tasks.outliers.evidence import Counts
from tasks.outliers.familiar import familiar, strangeness
from tasks.outliers.moved import place_findings
from tasks.outliers.places import places
from tasks.outliers.rates import at_fault, count_findings, counted, rate_findings
from tasks.outliers.rules import OutlierRules
from tasks.quality.findings import of_answers
from tasks.quality.frames import frames
from tasks.quality.rules import QualityRules
from tasks.quality.suite import suite
from tasks.scenarios.parts_scene import CLASSES
from tasks.watch.history import Visit, blamed
from tasks.watch.judging import judged
from tasks.watch.rules import WatchRules
from tasks.watch.scores import checks, days_differ

HEALTHY = timedelta(days=14)
DRIFT, WATCH, OUTLIERS, FLICKER = DriftRules(), WatchRules(), OutlierRules(), FlickerRules()
FINE = Verdict(outcome=Outcome.OK, action="none", sentence="")  # type: ignore[arg-type]
MEASURED = pictures.healthy
Told = dict[tuple[str, str, str], Finding]


@dataclass(slots=True)
class History:
    """What earlier windows left, as the ledger would."""

    drift: Told = field(default_factory=dict)
    moved: Told = field(default_factory=dict)
    flicker: Told = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    rates: list[Any] = field(default_factory=list)


class Monitor:
    """One month against one pinned reference."""

    def __init__(self, reference: pa.Table) -> None:
        self.reference, self.past = reference, History()
        self.frames = by_camera(reference)
        scenes = views.scenes(reference)
        self.vectors = views.embeddings(scenes)
        self.known = familiar(self.vectors, views.cameras(scenes), OUTLIERS.min_camera_scenes)
        self.places = places(scenes, OUTLIERS.confidence)
        self.sampled = lru_cache(maxsize=24)(self._sampled)
        self.days = cache(lambda camera: days_differ(camera, reference, WATCH))
        self.whole = cache(lambda: sample(reference, CLASSES, "1", DRIFT))
        self.hour = self.turn = 0
        remembered: dict[tuple[int, int], Any] = {}

        def healthy(frames: Frames, size: int) -> Any:
            """What is healthy at one hour, measured once for each camera: nearly the same pictures at every day."""
            self.turn += 1
            key = self.hour, self.turn
            if key not in remembered:
                remembered[key] = MEASURED(frames, size)
            return remembered[key]

        pictures.healthy = healthy
        self.spent: defaultdict[str, float] = defaultdict(float)

    def _sampled(self, hour: int, length: timedelta) -> Any:
        start = START + timedelta(hours=hour)
        return sample(self.reference, CLASSES, "1", DRIFT, Window(start, start + length))

    def judge(self, window: Window, table: pa.Table) -> Verdict:
        """The verdict on a window, and what it leaves to later ones."""
        reports = []
        for stage in (self.quality, self.camera, self.drift, self.watch, self.flicker, self.outliers):
            start = time.process_time()
            reports.append(stage(window, table))
            self.spent[stage.__name__] += time.process_time() - start
        verdict = judge(reports, causes_of(reports, {}), None)
        told = {"causes": [{"kind": each.kind.value, "cameras": list(each.cameras)} for each in verdict.causes]}
        visit = self.past.visits[-1]
        self.past.visits[-1] = Visit(window=window, checks=visit.checks, blamed=blamed(verdict.outcome, told))
        faulty = at_fault(told)
        self.past.counts[-1] = {name: each for name, each in self.past.counts[-1].items() if name not in faulty}
        if verdict.outcome is Outcome.BREACH:
            self.past.rates.pop()
        return verdict

    def quality(self, window: Window, table: pa.Table) -> Report:
        if window.start.hour or window.start.day % 5:
            return Report(stage=Stage.QUALITY, findings=(Finding(check="-", subject="-", outcome=Outcome.OK),))
        rows = table.to_pylist()
        extra = {"size": 1, "etag": "e", "verdict": "accepted", "reason": "", "note": "", "format": "jpeg"}
        catalog = pa.Table.from_pylist([{**row, **extra} for row in rows], schema=CATALOG)
        shown = frames(catalog, pa.Table.from_pylist(rows, schema=PREDICTIONS), window)
        rules = QualityRules()
        found = of_answers(ask(shown, suite(shown, len(CLASSES), rules)).answers, rules.examples)
        return Report(stage=Stage.QUALITY, findings=found)

    def camera(self, window: Window, table: pa.Table) -> Report:
        rules, cameras = CameraRules(), table["camera"].to_pylist()
        self.hour, self.turn = window.start.hour, 0
        looks = pictures.judge_pictures(self.frames, by_camera(table), rules)
        times = self.reference["captured_at"].to_pylist()
        sent = judge_delivery(usual(times, self.reference["camera"].to_pylist(), window), dict(Counter(cameras)), rules)
        late = {
            name: Arrivals(captured=np.arange(float(cameras.count(name))), delay=np.full(cameras.count(name), 0.4))
            for name in CAMERAS
        }
        return Report(stage=Stage.CAMERA, findings=(*looks, *sent, *judge_clocks(late, rules)))

    def drift(self, window: Window, table: pa.Table) -> Report:
        before = self.sampled(window.start.hour, window.length)
        after = sample(table, CLASSES, "1", DRIFT)
        found = compare(before, after, DRIFT, part_of_month(window), self.whole)
        found = confirmed(found, lambda each: self.past.drift.get(_key(each)))
        self.past.drift = {_key(each): each for each in found}
        return Report(stage=Stage.DRIFT, findings=(*found, *unanswered(before, after)))

    def watch(self, window: Window, table: pa.Table) -> Report:
        visit = Visit(window=window, checks=checks(table, self.reference, WATCH))
        report, _ = judged(visit, self.past.visits, (), WATCH, self.days)
        self.past.visits.append(visit)
        return report

    def flicker(self, window: Window, table: pa.Table) -> Report:
        names = [row["image_id"] for row in table.select(["image_id"]).to_pylist()]
        bursts = [f"{at:%H%M}" for at in table["captured_at"].to_pylist()]
        extra = {"session": pa.array(bursts), "error": pa.nulls(len(names), pa.string())}
        answers = pa.table({**{name: table[name] for name in table.column_names}, **extra})
        found = sessions(answers, "1", FLICKER)
        rates = usable(found, FLICKER)
        findings = flicker_findings(found, rates, self.past.rates, FLICKER, part_of_month(window))
        findings = confirmed(findings, lambda each: self.past.flicker.get(_key(each)))
        self.past.flicker = {_key(each): each for each in findings}
        self.past.rates.append(rates)
        return Report(stage=Stage.WATCH, findings=findings)

    def outliers(self, window: Window, table: pa.Table) -> Report:
        scenes = views.scenes(table)
        names = views.cameras(scenes)
        ratios = strangeness(self.known, views.embeddings(scenes, self.vectors.shape[1]), names)
        counts = counted(ratios, names, self.known.limits)
        self.past.counts.append(counts)
        counted_so_far = self.past.counts[-500:]
        rates = rate_findings(counted_so_far, len(counted_so_far) * window.length, self.known.limits, OUTLIERS)
        now = places(scenes, OUTLIERS.confidence)
        moved = place_findings(self.places, now, OUTLIERS, part_of_month(window))
        moved = confirmed(moved, lambda each: self.past.moved.get(_key(each)))
        self.past.moved = {_key(each): each for each in moved}
        return Report(stage=Stage.DRIFT, findings=(*count_findings(counts, self.known.limits), *rates, *moved))


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.check, finding.subject, finding.slice


def month(seed: int, length: timedelta, given: argparse.Namespace, change: Change) -> tuple[list[Verdict], Monitor]:
    """The verdicts on 30 days of windows after 14 healthy days that were pinned."""
    plant = Plant(seed, given.scenes, Wander(**{name: getattr(given, name) for name in WANDER}))
    days = (Window(START + timedelta(days=day), START + timedelta(days=day + 1)) for day in range(14))
    reference = thinned(pa.concat_tables([plant.table(day, 4) for day in days]), DRIFT.reference_scenes)
    monitor, found, begin = Monitor(reference), [], START + HEALTHY
    for step in range(int(timedelta(days=given.days) / length)):
        window = Window(begin + step * length, begin + (step + 1) * length)
        found.append(monitor.judge(window, plant.table(window, given.per_hour, change)))
    return found, monitor


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--months", type=int, default=1)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--days", type=int, default=30, help="days of a month that are judged")
    asked.add_argument("--hours", type=int, default=1, help="length of a window")
    asked.add_argument("--per-hour", type=int, default=30, help="images of a camera and hour")
    asked.add_argument("--scenes", type=int, default=120, help="drawn scenes of a camera by day, and by night")
    for name, (value, words) in WANDER.items():
        asked.add_argument(f"--{name}", type=float, default=value, help=words)
    asked.add_argument("--planted", choices=("light", "view"), help="a change from the middle of the month on")
    given = asked.parse_args()
    plants = {"light": Change(cameras=("cam-1",), light=0.7, day=14 + given.days / 2),
              "view": Change(cameras=CAMERAS, view=3.0, day=14 + given.days / 2)}  # fmt: skip
    planted = plants.get(given.planted, Change())
    at = int(given.days * 24 / given.hours) // (2 if given.planted else 1)
    outcomes, why, bad = Counter[str](), Counter[str](), 0
    for number in range(given.seed, given.seed + given.months):
        verdicts, monitor = month(number, timedelta(hours=given.hours), given, planted)
        healthy = verdicts[:at]
        outcomes.update(verdict.outcome.value for verdict in healthy)
        bad += any(verdict.outcome is Outcome.BREACH for verdict in healthy)
        for verdict in healthy:
            why.update({f"{f.check} {f.subject} {f.slice}" for report in verdict.reports for f in report.breaches()})
        spent = {name: round(seconds) for name, seconds in monitor.spent.items()}
        print(f"month {number}: {told(verdicts, at)}\n    CPU s {spent}", flush=True)
    total = outcomes.total()
    print(f"\n| healthy windows | ok | inconclusive | breach | months with a breach |\n|{'---|' * 5}")
    print(f"| {total} | {outcomes['ok']} | {outcomes['inconclusive']} | {share(outcomes['breach'], total)} "
          f"| {share(bad, given.months)} |\n\n{why.most_common(12)}")  # fmt: skip


if __name__ == "__main__":
    main()
