"""Is the champion healthy? Pull a window, check it, measure its drift, say why, write the verdict down."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import BaseModel

from flows.each_model import failed, of_each
from flows.events import LABELS_ARRIVED, announce
from flows.steps import conclude
from tasks.alert.rules import AlertRules
from tasks.alert.task import flush_alerts
from tasks.camera.rules import CameraRules
from tasks.camera.task import check_cameras
from tasks.domain.window import Window
from tasks.drift.rules import DriftRules
from tasks.drift.task import check_drift, drift_page, profile
from tasks.estimate.rules import EstimateRules
from tasks.estimate.task import check_estimate
from tasks.flicker.rules import FlickerRules
from tasks.flicker.task import check_flicker
from tasks.ingest.rules import IngestRules
from tasks.ingest.task import (
    due_windows,
    given_up,
    labels_announced,
    labels_arrived,
    late_windows,
    open_window,
    pull,
)
from tasks.kpi.rules import KpiRules
from tasks.kpi.task import check_kpis
from tasks.outliers.rules import OutlierRules
from tasks.outliers.task import check_outliers
from tasks.promote.task import models
from tasks.quality.rules import QualityRules
from tasks.quality.task import check_quality
from tasks.report.judged import Judged
from tasks.report.records import facts_of, labels_kept, performance_kept
from tasks.report.yardstick import AsOf, Yardstick, yardstick
from tasks.serving.rules import ServingRules
from tasks.serving.task import check_serving
from tasks.watch.rules import WatchRules
from tasks.watch.task import check_schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorRules:
    """What each stage of monitor is asked for."""

    ingest: IngestRules = IngestRules()
    quality: QualityRules = QualityRules()
    camera: CameraRules = CameraRules()
    drift: DriftRules = DriftRules()
    watch: WatchRules = WatchRules()
    outliers: OutlierRules = OutlierRules()
    flicker: FlickerRules = FlickerRules()
    serving: ServingRules = ServingRules()
    kpi: KpiRules = KpiRules()
    estimate: EstimateRules = EstimateRules()
    alerts: AlertRules = AlertRules()

    def judged_by(self) -> tuple[BaseModel, ...]:
        """The rules that a verdict depends on: equal ones are recognised by their hash."""
        looks = (self.quality, self.camera, self.drift, self.watch, self.outliers, self.flicker)
        return self.ingest, *looks, self.serving, self.kpi

    def of(self, yard: Yardstick) -> MonitorRules:
        """The same with the values of the yardstick's time; who is told is a matter of now."""
        judging = (each.name for each in fields(self) if each.name != "alerts")
        return replace(self, **{name: yard.applied(getattr(self, name)) for name in judging})


@flow(name="monitor", log_prints=True)
def monitor(
    model: str | None = None,
    window: str | None = None,
    rescore: bool = False,
    backfill: str | None = None,
    ingest: IngestRules = IngestRules(),
    quality: QualityRules = QualityRules(),
    drift: DriftRules = DriftRules(),
    alerts: AlertRules = AlertRules(),
    camera: CameraRules = CameraRules(),
    watch: WatchRules = WatchRules(),
    outliers: OutlierRules = OutlierRules(),
    flicker: FlickerRules = FlickerRules(),
    serving: ServingRules = ServingRules(),
    kpi: KpiRules = KpiRules(),
    as_of: AsOf = "then",
    estimate: EstimateRules = EstimateRules(),
) -> State:
    """Judge every window that is due, and again every one in which something landed late; tell of new labels.

    A sick model is a successful run: it completes as `Degraded`, `Healthy` or `Inconclusive`; `Failed` means
    that the monitor itself broke; one model's error does not keep the others from being judged.

    Args:
        model: Name of the registered model; empty for every model that the ledger knows.
        window: `start/end` in ISO 8601 to judge one window by name; empty for all that are due or have late objects.
        rescore: Judge a window again that was judged before (a new revision; the old one is kept).
        backfill: `start/end` in ISO 8601 to judge every window of that span, oldest first.
        ingest: Where windows begin and end, what may come in, and how late.
        quality: What the records and images must satisfy.
        drift: Which properties are compared, and how large a change matters.
        alerts: Who is told.
        camera: From when on something is the fault of one camera.
        watch: How small changes of single cameras are added up over many windows.
        outliers: How many strange images are too many.
        flicker: When objects of a video count as gone for a frame, and how much of that is too much.
        serving: What is promised about latency and errors; never a reason to retrain.
        kpi: Numbers of the business that are shown beside it, and their limits; no verdict hangs on them.
        as_of: Of which time champion, reference and rules are when a window or span is named: `then` is as the window
            was first judged, or what was in force when it ended; `now` is what is in force now.
        estimate: How the model's quality is estimated where nobody labelled anything, and when that is refused.
    """
    rules = MonitorRules(
        ingest=ingest,
        quality=quality,
        camera=camera,
        drift=drift,
        watch=watch,
        outliers=outliers,
        flicker=flicker,
        serving=serving,
        kpi=kpi,
        estimate=estimate,
        alerts=alerts,
    )
    names, when = [model] if model else models(), as_of if window or backfill else "now"

    def judge_model(name: str) -> list[Judged]:
        due = agenda(name, window, backfill, rescore, ingest)
        found = [judge_window(name, each, again, rules, when, asked=window is not None) for each, again in due]
        tell_of_labels(name, ingest)
        return [each for each in found if each is not None]

    found, faults = of_each(names, judge_model)
    flush_alerts()
    if faults:
        return failed(faults, "NotJudged", "was not judged to the end")
    judged = [each for of_model in found for each in of_model]
    if not judged:
        return Completed(name="NothingDue", message="every closed window is judged, or another run holds it")
    newest = max(judged, key=lambda each: each.window.end)
    return Completed(name=newest.verdict.state_name, message=newest.verdict.sentence)


def agenda(
    model: str, window: str | None, backfill: str | None, rescore: bool, ingest: IngestRules
) -> list[tuple[Window, bool]]:
    """The windows to judge, and whether each is judged again: those that are due first, they are never held up."""
    due = [(each, rescore) for each in due_windows(model, window, ingest, backfill)]
    return due if window or backfill else due + [(each, True) for each in late_windows(model, ingest)]


def tell_of_labels(model: str, ingest: IngestRules) -> None:
    """Announce once that there are labels enough for an evaluation: nobody has to wait for the daily one."""
    arrived = labels_arrived(model, ingest)
    if arrived is not None:
        announce(LABELS_ARRIVED, model, arrived.summary())
        labels_announced(arrived)


def judge_window(
    model: str, window: Window, rescore: bool, rules: MonitorRules, as_of: AsOf = "now", asked: bool = False
) -> Judged | None:
    """One window from its objects to its verdict; None when another run holds it or it was judged before.

    `asked`: a person named it, so that it is one question and not one of a month's.
    """
    claim = open_window(model, window, rescore)
    if claim is None:
        return None
    with given_up(claim):
        yard = yardstick(model, window, as_of)
        champion, reference, rules = yard.champion, yard.reference, rules.of(yard)
        snapshot = pull(claim, rules.ingest)
        sound = check_quality(snapshot, rules.quality)
        profiles = profile(snapshot, champion, rules.drift) if champion else None
        health = check_cameras(snapshot, profiles, reference, rules.camera)
        moved = check_drift(snapshot, profiles, reference, rules.drift, asked)
        watched = check_schedule(snapshot, profiles, reference, rules.watch)
        flickered = check_flicker(snapshot, champion, reference, rules.flicker, asked)
        served = check_serving(snapshot, rules.serving)
        counted = check_kpis(snapshot, rules.kpi)
        strange = check_outliers(snapshot, profiles, reference, rules.outliers, asked)
        page = drift_page(snapshot, profiles, reference, rules.drift)
        facts = watched.beside(facts_of(snapshot, page, rules.judged_by(), {**sound.artifacts, **strange.artifacts}))
        facts = yard.beside(counted.beside(served.beside(flickered.beside(facts))))
        drifted = (moved, watched.report, flickered.report, strange.report)
        guessed = check_estimate(snapshot, champion, reference, (health, *drifted), rules.estimate)
        beside = (served.report, counted.report, guessed)
        reports = (sound.report, health, *drifted, *beside, *labels_kept(claim, champion))
        return conclude(claim, facts, reports, performance_kept(claim, champion), rules.drift, rules.alerts)
