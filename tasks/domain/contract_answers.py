"""What a model says it saw, put in order: classes ranked, boxes placed inside their image, or why that cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain import contract_values as v
from tasks.domain.contract_geometry import MIN_AREA, area, clipped, crossing, enclosing, near, normalised, strays
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.contract_record import Detection, PredictionRecord
from tasks.domain.model import Kind

SUM_SLACK = 0.1
"""By which the probabilities of all classes may miss 1: they are rounded, of a thousand classes each."""

Box = tuple[float, float, float, float]


def ranked(record: PredictionRecord) -> tuple[Detection, ...] | Rejected:
    """Classes with their probabilities, most probable first (then by class id)."""
    given = sum((record.probabilities is not None, record.top is not None, bool(record.detections)))
    if given != 1:
        fault = "classify needs exactly one of probabilities, top, detections"
        return () if record.error and not given else Rejected(reason=Reason.BAD_RECORD, note=fault)
    scored = [(d.class_id, d.confidence) for d in (*(record.top or ()), *record.detections)]
    for name, probability in (record.probabilities or {}).items():
        if not (name.isascii() and name.isdigit() and len(name) <= 6) or int(name) > v.MAX_CLASS_ID:
            return Rejected(reason=Reason.BAD_CLASS, note=f"probabilities: {name[:40]!r} is not a class id")
        scored.append((int(name), probability))
    if not scored or len({class_id for class_id, _ in scored}) != len(scored):
        return Rejected(reason=Reason.BAD_CLASS, note="no class, or a class twice")
    if fault := _sum_fault([probability for _, probability in scored], of_all=record.probabilities is not None):
        return Rejected(reason=Reason.CONFIDENCE_RANGE, note=fault)
    scored.sort(key=lambda pair: (-pair[1], pair[0]))
    return tuple(Detection(class_id=class_id, confidence=probability) for class_id, probability in scored)


def placed(record: PredictionRecord) -> tuple[Detection, ...] | Rejected:
    """Detections whose boxes lie inside the image."""
    boxes = [_given(each, record.kind) for each in record.detections]
    if boxes and normalised([box for box in boxes if box is not None], record.width, record.height):
        note = f"{boxes[0]} and all other boxes in {record.width}x{record.height} pixels"
        return Rejected(reason=Reason.NORMALISED_BOX, note=note)
    found: list[Detection] = []
    for index, (detection, given) in enumerate(zip(record.detections, boxes, strict=True)):
        box = _inside(given, record) if given else None
        if box is None or not _near(detection, record):
            note = f"detections[{index}]: {detection.box or detection.corners} in {record.width}x{record.height} pixels"
            return Rejected(reason=Reason.BAD_BOX, note=note)
        if refused := _shape_fault(detection, box, record, f"detections[{index}]"):
            return refused
        found.append(detection.model_copy(update={"box": box}))
    return tuple(found)


def _sum_fault(probabilities: Sequence[float], *, of_all: bool) -> str:
    """What is wrong with the sum; of the most probable classes only, it may be anything up to 1."""
    total = sum(probabilities)
    if total > 1 + SUM_SLACK or (of_all and total < 1 - SUM_SLACK):
        return f"the probabilities add up to {total:.4g}, not to {'1' if of_all else 'at most 1'}"
    return ""


def _given(detection: Detection, kind: Kind) -> Box | None:
    """The upright box as it was written: of obb the one around its corners."""
    if kind is Kind.OBB:
        return enclosing(detection.corners) if detection.corners else None
    return detection.box


def _inside(box: Box, record: PredictionRecord) -> Box | None:
    if record.kind is Kind.OBB:  # turned boxes leave the image with a corner
        x1, y1, x2, y2 = box
        box = (max(x1, 0.0), max(y1, 0.0), min(x2, float(record.width)), min(y2, float(record.height)))
    return clipped(box, record.width, record.height)


def _near(detection: Detection, record: PredictionRecord) -> bool:
    points = (detection.polygon or ()) + (detection.corners or ())
    joints = tuple(x for i, x in enumerate(detection.keypoints or ()) if i % 3 < 2)
    return near((*points, *joints), record.width, record.height)


def _shape_fault(detection: Detection, box: Box, record: PredictionRecord, place: str) -> Rejected | None:
    """Why a polygon, corners or keypoints cannot be what was seen in this box, or None."""
    polygon, corners = detection.polygon, detection.corners
    if not all(0 <= each <= 1 for each in (detection.keypoints or ())[2::3]):
        return Rejected(reason=Reason.CONFIDENCE_RANGE, note=f"{place}.keypoints: a confidence is not between 0 and 1")
    if polygon is not None and area(polygon) < MIN_AREA:
        return Rejected(reason=Reason.BAD_BOX, note=f"{place}.polygon: it has no area")
    if polygon is not None and strays(polygon, box, record.width, record.height):
        note = f"{place}.polygon: {enclosing(polygon)} is not about the box {box}"
        return Rejected(reason=Reason.BAD_BOX, note=note)
    if corners is not None and (area(corners) < MIN_AREA or crossing(corners)):
        return Rejected(reason=Reason.BAD_BOX, note=f"{place}.corners: no area, or not in order around the box")
    return None
