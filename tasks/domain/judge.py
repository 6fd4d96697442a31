"""From findings and causes to one outcome, one action and one sentence that a site engineer understands at night.

Four quadrants of inputs and answers, and what to do while no labels speak:

    inputs moved, answers moved      the model meets something new and says so: label a sample
    inputs moved, answers did not    the change may be harmless: label a few, nothing is urgent
    inputs stable, answers moved     the mix of what is seen, or the serving, changed: check the serving first
    inputs stable, answers stable    nothing to explain, nothing to do

Labels decide among them when they exist: `performance` is the only evidence of harm. Its absence is not counted
against a window, because labels come late. Nor is it counted that the schedule alarm has no history yet, or that there
are few new labels, nor what is guessed without any: they add to what a window shows by itself, and only their
breaches speak. So it is with serving: slow or missing answers are a breach of their own, which says nothing about the
model and never leads to a retraining.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.domain import concept
from tasks.domain.broken import broken_data
from tasks.domain.finding import Outcome, Report, Stage
from tasks.domain.served import served_badly
from tasks.domain.sharing import doubted_alone, faulty, lone, nearly, on_sound_cameras
from tasks.domain.subjects import PARITY, TOLD_ONLY, Topic, topic
from tasks.domain.undecided import missing, waiting
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict

MISEXPORTED = Cause(
    kind=CauseKind.MODEL,
    summary="the file that production runs answers otherwise than the version it was exported from",
)
"""Added when an exported file does not keep what its version can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What is known about a window, reduced to what the decision depends on.

    `alone` are sound cameras that each show a change which no other one shows, `fleet` says that several show one;
    `nearly` are cameras close to a fault, or the one in doubt, `only` the one whose errors rose, unless several share a
    change.
    `breached` is about data, cameras, images and answers; `slow` about how they were served.
    """

    inputs_moved: bool
    answers_moved: bool
    harmed: bool
    unharmed: bool
    audit: bool
    kinds: frozenset[CauseKind]
    alone: frozenset[str]
    nearly: frozenset[str]
    only: frozenset[str]
    fleet: bool
    outcome: Outcome
    breached: bool
    slow: bool
    misexported: bool = False


def judge(reports: Sequence[Report], causes: Sequence[Cause], performance: Report | None) -> Verdict:
    """The verdict on a window.

    `reports` are those about data and drift, `performance` the labelled one (None or inconclusive: no labels
    speak). A breach anywhere is `breach`; otherwise anything inconclusive among `reports` is `inconclusive`;
    no report at all is inconclusive.

    A camera is never a reason to retrain, neither by a fault that has a name nor by a change that it alone shows: a
    retraining starts only from what a second sound camera confirms, or from errors while nothing moved at all, which
    rose on more than one camera, or where nobody knows on which, and while no single one is close to a fault.
    """
    known = _evidence(reports, causes, performance)
    action = _action(known)
    blamed = (*causes, *served_badly(reports))
    if (
        known.harmed
        and not known.kinds & {CauseKind.CAMERA, CauseKind.DATA, CauseKind.PRODUCT}
        and not known.inputs_moved
    ):
        blamed = (*blamed, concept.cause_of(reports))
    blamed = (*blamed, MISEXPORTED) if known.misexported else blamed
    everything = (*reports, *([performance] if performance is not None and performance not in reports else []))
    sentence = _sentence(action, known, blamed, everything)
    return Verdict(outcome=known.outcome, action=action, sentence=sentence, causes=blamed, reports=everything)


def _evidence(reports: Sequence[Report], causes: Sequence[Cause], performance: Report | None) -> _Evidence:
    breaches = [f for report in reports if report.stage in (Stage.DRIFT, Stage.WATCH) for f in report.breaches()]
    answers = [f for f in breaches if topic(f.subject) is Topic.PREDICTION]
    labelled = None if performance is None else _deciding(performance).outcome
    harmed = labelled is Outcome.BREACH or concept.rose(reports)
    misexported = performance is not None and any(each.check == PARITY for each in performance.breaches())
    moved = len(answers) < len(breaches) or (harmed and concept.inputs_moved(reports))
    quiet = (Stage.WATCH, Stage.LABELS, Stage.CONCEPT, Stage.ESTIMATE)
    others = [report for report in reports if report.stage not in (Stage.SERVING, Stage.BUSINESS)]
    sound = Outcome.worst(report.outcome for report in others if report.stage not in quiet or report.breaches())
    slow = any(report.breaches() for report in reports if report.stage is Stage.SERVING)
    fleet = on_sound_cameras(reports, causes)
    only = concept.risen_on(reports) if harmed else frozenset()
    return _Evidence(
        inputs_moved=moved,
        answers_moved=bool(answers),
        harmed=harmed,
        unharmed=labelled is Outcome.OK and not harmed,
        audit=harmed and not moved and concept.audit_due(reports),
        kinds=_kinds(reports, causes),
        alone=lone(reports, causes),
        nearly=nearly(reports) | doubted_alone(reports),
        only=only if only <= faulty(causes) or not fleet else frozenset(),
        fleet=fleet,
        outcome=Outcome.BREACH if harmed or misexported or slow else sound,
        breached=sound is Outcome.BREACH,
        slow=slow,
        misexported=misexported,
    )


def _deciding(performance: Report) -> Report:
    """Without what a version has been like since it was made (a weak segment), which is no news of this window, and
    without its exported file, which no retraining mends.
    """
    beside = {*TOLD_ONLY, PARITY}
    return replace(performance, findings=tuple(f for f in performance.findings if f.check not in beside))


def _kinds(reports: Sequence[Report], causes: Sequence[Cause]) -> frozenset[CauseKind]:
    """Kinds of the causes; a breach of data rules or of a camera counts whether or not a cause says so."""
    data = {CauseKind.DATA} if broken_data(reports) else set()
    camera = {CauseKind.CAMERA for report in reports if report.stage is Stage.CAMERA and report.breaches()}
    return frozenset({cause.kind for cause in causes} | data | camera)


def _action(known: _Evidence) -> Action:
    if CauseKind.DATA in known.kinds:
        return Action.FIX_DATA
    if CauseKind.CAMERA in known.kinds:
        return Action.RETRAIN if known.harmed and known.fleet and not known.only else Action.FIX_CAMERA
    if known.harmed:
        return Action.FIX_CAMERA if known.alone or known.only or _suspected(known) else _relearn(known)
    if known.misexported or known.slow:
        return Action.EXPORT if known.misexported else Action.FIX_SERVING
    if known.breached:
        return Action.WAIT if known.unharmed else Action.LABEL_MORE
    return Action.NONE if known.outcome is Outcome.OK else Action.WAIT


def _suspected(known: _Evidence) -> bool:
    """Whether a camera is close to a fault while the errors rose and no sound ones share a change: it comes first.

    What only all together show, that one may have put into it.
    """
    return bool(known.nearly) and not known.fleet


def _relearn(known: _Evidence) -> Action:
    """Learn from the labels, unless they may be what changed: then somebody looks at them first."""
    return Action.AUDIT_LABELS if known.audit and CauseKind.PRODUCT not in known.kinds else Action.RETRAIN


_ADVICE = {
    Action.FIX_DATA: "Repair the data first; nothing else can be judged until then.",
    Action.FIX_CAMERA: "Check the camera; do not retrain on its images.",
    Action.RETRAIN: "Retrain on the new labels.",
    Action.FIX_SERVING: "Look at the machine that serves the model; retraining does not help.",
    Action.AUDIT_LABELS: "Audit the labels first: let a second person label some of these images again.",
    Action.EXPORT: "Export the version again and deploy that file.",
}

_LABEL = {
    (True, True): "Label a sample of the new images to learn whether the model still copes.",
    (True, False): "Label a few of the new images to be sure; while the answers hold nothing is urgent.",
    (False, True): "Check what serves the model first (version, thresholds, preprocessing), then label a sample.",
    (False, False): "Label a sample of the images to learn whether the model still copes.",
}
"""By whether the inputs and the answers moved: whose labels decide, and what comes before them."""


def _sentence(action: Action, known: _Evidence, causes: Sequence[Cause], reports: Sequence[Report]) -> str:
    if action is Action.NONE:
        return "Healthy: the images and the model's answers are as they were" + (
            ", and labels confirm it." if known.unharmed else "; no new labels speak against it."
        )
    if not (known.breached or known.harmed or known.misexported or known.slow):
        return waiting(reports) or f"Too little to judge by: {missing(reports)}."
    parts = [_capital("; ".join(cause.summary for cause in causes) or "the window breaks its limits") + "."]
    if reading := _reading(known):
        parts.append(reading)
    parts.append(_advice(action, known, causes))
    return " ".join(parts)


def _reading(known: _Evidence) -> str:
    """The quadrant in words; empty where the cause already says all."""
    unseen = not (known.inputs_moved or known.answers_moved or known.harmed or known.unharmed)
    unseen = unseen or (known.misexported and not known.breached)
    if CauseKind.DATA in known.kinds or unseen:  # unseen: a camera's fault that no comparison shows
        return ""
    if known.harmed:
        return "Labels show that the model got worse."
    if known.unharmed:
        return "Labels show that the model still copes."
    if known.inputs_moved and known.answers_moved:
        return "The model's answers changed with the images."
    if known.inputs_moved:
        return "The model's answers have not changed so far."
    return "The images look as before, but the model's answers changed."


def _advice(action: Action, known: _Evidence, causes: Sequence[Cause]) -> str:
    cameras = sorted(faulty(causes))
    if action is Action.FIX_CAMERA and not cameras:
        return _look_first(known)
    if action is Action.RETRAIN and cameras:
        return f"Retrain without the images of {', '.join(cameras)}, and check {'it' if len(cameras) == 1 else 'them'}."
    if action is Action.WAIT:
        return "No action is needed; watch the next windows."
    label = _LABEL[known.inputs_moved, known.answers_moved]
    if action is Action.FIX_SERVING and known.breached and not known.unharmed:
        return f"{_ADVICE[action]} {label}"
    return label if action is Action.LABEL_MORE else _ADVICE[action]


def _look_first(known: _Evidence) -> str:
    if not known.alone and not known.only:
        near = ", ".join(sorted(known.nearly))
        if len(known.nearly) > 1:
            return (
                f"{near} are close to a fault: look at these cameras first, and at lamps and settings that they share. "
                "If they are sound, retrain by hand."
            )
        return f"Camera {near} is close to a fault: look at it first. If it is sound, retrain by hand."
    one = ", ".join(sorted(known.alone or known.only))
    if len(known.alone) > 1:
        return f"{one}: each shows another change, so look at these cameras first. If they are sound, retrain by hand."
    what = "it: look at that camera" if known.alone else "more errors: look at that camera, and at its labels,"
    return f"Only {one} shows {what} first. If it is sound, retrain by hand."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
