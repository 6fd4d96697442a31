"""Holds a window against the accepted data schema: one finding for everything that the schema says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.expectation import Expectation, Severity
from tasks.domain.finding import Finding, Outcome
from tasks.domain.window import Window
from tasks.quality.frames import DETECTIONS, IMAGES, OBJECTS, Frames
from tasks.quality.infer import answers, class_counts, class_shares, images_per_hour
from tasks.quality.mix import Z
from tasks.quality.schema import CameraSchema, ClassSchema, DataSchema
from tasks.quality.suite import BETWEEN, IN_SET, MEAN, NOT_NULL

WITNESSES = 20
"""Images with an object, below which the share of a class means nothing."""
EXAMPLES = 3
FEW = 3
"""Rows that may leave a range however small the window: single outliers are no change of the range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The schema that counts: its number, counted from 1, and the hash of what it says."""

    schema: DataSchema
    version: int
    digest: str

    @property
    def name(self) -> str:
        """What findings call it."""
        return f"data schema v{self.version}"


def schema_suite(schema: DataSchema, frames: Frames) -> Iterator[Expectation]:
    """What the schema says of single rows, as expectations; small windows are allowed what chance does to them."""
    how = schema.severity
    if schema.cameras:
        known: tuple[str, ...] = tuple(sorted(schema.cameras))
        yield _asked("schema_cameras", IN_SET, f"{OBJECTS}.camera", how.cameras, value_set=known)
    if schema.formats:
        yield _asked("schema_formats", IN_SET, f"{OBJECTS}.format", how.formats, value_set=schema.formats)
    if schema.max_rotated is not None:
        most = min(1.0, schema.max_rotated + _chance(schema.max_rotated, _filled(frames, f"{OBJECTS}.rotated")))
        yield _asked("schema_rotated", MEAN, f"{OBJECTS}.rotated", how.formats, min_value=0.0, max_value=most)
    for place, found in schema.numbers.items():
        limits = {"min_value": found.low, "max_value": found.high}
        mostly = min(found.mostly, max(1 - FEW / max(_filled(frames, place), 1), 1 / FEW + 0.01))
        yield replace(_asked("schema_numbers", BETWEEN, place, how.numbers, **limits), mostly=mostly)
    answered = 1.0 - (pc.mean(frames[IMAGES]["failed"]).as_py() or 0.0)  # a failed request has no picture, no times
    for place, least in schema.presence.items():
        mostly = max(0.0, answered * least - _chance(least, frames[IMAGES].num_rows))
        yield replace(_asked("schema_presence", NOT_NULL, place, how.presence), mostly=mostly)


def _filled(frames: Frames, place: str) -> int:
    name, _, column = place.partition(".")
    table = frames.get(name)
    if table is None or column not in table.column_names:
        return 0  # the expectation will say that it is missing
    return int(table.num_rows - table[column].null_count)


def _chance(share: float, rows: int) -> float:
    """How far a share of so many rows lies from its expectation by chance alone."""
    return Z * float(np.sqrt(share * (1 - share) / max(rows, 1)))


def _asked(
    name: str, native: str, place: str, severity: Severity, **parameters: float | tuple[str, ...] | None
) -> Expectation:
    table, _, column = place.partition(".")
    return Expectation(
        name=name, rule=native, table=table, column=column, severity=severity, parameters=dict(parameters)
    )


def schema_findings(accepted: Accepted, frames: Frames, window: Window, classes: Sequence[str]) -> tuple[Finding, ...]:
    """What the schema says of cameras and classes, and what it leaves undecided; every note names its version."""
    schema = accepted.schema
    if not frames[IMAGES].num_rows:
        return named((_silent("schema", IMAGES, "the window has no images"),), accepted)
    rates = images_per_hour(frames, window)
    found: list[Finding] = []
    for name, camera in schema.cameras.items():
        found += _camera(name, camera, frames[IMAGES], rates.get(name, 0.0), schema)
    found += _classes(schema, frames[DETECTIONS], classes)
    found += [_silent("schema", section, f"{section} is undecided: {why}") for section, why in schema.undecided.items()]
    return named(found, accepted)


def named(found: Sequence[Finding], accepted: Accepted) -> tuple[Finding, ...]:
    """The findings with the schema's version in their notes."""
    return tuple(replace(each, note=f"{each.note} ({accepted.name})".strip()) for each in found)


def _camera(name: str, camera: CameraSchema, images: pa.Table, rate: float, schema: DataSchema) -> Iterator[Finding]:
    mine = images.filter(pc.and_(pc.equal(images["camera"], name), pc.is_valid(images["size"])))
    where: dict[str, str | int] = {"slice": f"camera={name}", "n": mine.num_rows}
    if camera.sizes and mine.num_rows:
        odd = mine.filter(pc.invert(pc.is_in(mine["size"], value_set=pa.array(camera.sizes, pa.string()))))
        seen = ", ".join(f"{row['image_id'][:60]}: {row['size']}" for row in odd.slice(0, EXAMPLES).to_pylist())
        allowed_odd = mine.num_rows // 100
        outcome = _outcome(odd.num_rows > allowed_odd, schema.severity.sizes)
        note = f"{odd.num_rows} of {mine.num_rows} images have another size than {', '.join(camera.sizes[:5])}: {seen}"
        yield _finding("schema_sizes", f"{IMAGES}.size", outcome, (odd.num_rows, allowed_odd, "images"), note, **where)
    allowed = camera.images_per_hour
    if allowed is not None:
        high = np.inf if allowed.high is None else allowed.high
        outcome = _outcome(not allowed.low <= rate <= high, schema.severity.volume)
        bound = allowed.low if rate < allowed.low or allowed.high is None else allowed.high
        note = f"{rate:.4g} images an hour, {allowed.low:.4g} to {high:.4g} are usual"
        yield _finding("schema_volume", OBJECTS, outcome, (rate, bound, "images/h"), note, **where)


def _classes(schema: DataSchema, detections: pa.Table, classes: Sequence[str]) -> Iterator[Finding]:
    if not schema.classes or not detections.num_rows:
        return
    answered = answers(detections)
    highest = int(pc.max(answered["class_id"]).as_py() or 0)
    names = [*classes, *(f"class {number}" for number in range(len(classes), highest + 1))]
    table = class_counts(answered, len(names))
    share, error = class_shares(answered, len(names))
    witnesses = int(table.any(axis=1).sum())
    for class_id, name in enumerate(names):
        where: dict[str, str | int] = {"slice": f"class={name}", "n": witnesses}
        known = schema.classes.get(name)
        if known is None:
            seen = pc.equal(answered["class_id"], class_id)
            who = ", ".join(str(each)[:60] for each in answered.filter(seen)["image_id"].slice(0, EXAMPLES).to_pylist())
            outcome = _outcome(bool(who), schema.severity.classes)
            note = f"{int(table[:, class_id].sum())} objects of a class that must not occur: {who}"
            yield _finding("schema_classes", "class", outcome, (share[class_id], 0.0, "share"), note, **where)
        elif known.share is not None:
            yield _shared(known, (share[class_id], error[class_id]), schema, where)


def _shared(known: ClassSchema, seen: tuple[float, float], schema: DataSchema, where: dict[str, str | int]) -> Finding:
    """A class that was never seen before is an anomaly; another share of one that was is skew."""
    expected = known.share or 0.0
    new = expected == 0.0
    check, severity = ("schema_classes", schema.severity.classes) if new else ("schema_shares", schema.severity.shares)
    n = int(where["n"])
    if n < WITNESSES:
        short = f"{n} images with an object, {WITNESSES - n} more needed"
        return replace(_silent(check, "class", short), slice=str(where["slice"]), n=n)
    error = float(np.sqrt(known.slack * (1 - known.slack) / n)) if new else seen[1]
    far = abs(seen[0] - expected)
    words = "never seen before" if new else f"{expected:.1%} usual, give or take {known.slack:.1%}"
    return _finding(
        check,
        "class",
        _outcome(far - Z * error > known.slack, severity),
        (
            seen[0],
            min(1.0, expected + known.slack) if seen[0] > expected else max(0.0, expected - known.slack),
            "share",
        ),
        f"{seen[0]:.1%} of an image's objects, {words}",
        **where,
    )


def _outcome(broken: bool, severity: Severity) -> Outcome:
    if not broken:
        return Outcome.OK
    return Outcome.BREACH if severity is Severity.CRITICAL else Outcome.INCONCLUSIVE


def _silent(check: str, subject: str, note: str) -> Finding:
    return Finding(check=check, subject=subject, outcome=Outcome.INCONCLUSIVE, note=note)


def _finding(
    check: str, subject: str, outcome: Outcome, measured: tuple[float, float, str], note: str, **where: str | int
) -> Finding:
    value, limit, unit = measured
    return Finding(
        check=check,
        subject=subject,
        outcome=outcome,
        slice=str(where["slice"]),
        n=int(where["n"]),
        value=float(value),
        limit=float(limit),
        unit=unit,
        note="" if outcome is Outcome.OK else note,
    )
