"""Who may be learnt from, who is only ever tested on: decided by session, the same way every time.

A session is held out by the hash of its name. That decision never depends on when it is asked, how many labels
there are, or in which order they came, so an image that was tested on once can never be trained on later.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.curate.rules import CurateRules
from tasks.domain.blocked import Blocked


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One accepted image with its newest label; `objects` and `chance` as in the `datasets` table."""

    image_id: str
    key: str
    sha256: str
    camera: str
    session: str
    captured_at: datetime
    labelled_at: datetime
    golden: bool
    objects: tuple[dict[str, Any], ...]
    chance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A labelled image with its place in a data set."""

    image: Labelled
    split: str
    source: str


def session_name(camera: str, captured_at: datetime, given: str | None, minutes: int) -> str:
    """The session as production named it, else camera and the tile of `minutes` that the frame falls into.

    >>> from datetime import UTC
    >>> session_name("line-1", datetime(2026, 11, 20, 6, 17, tzinfo=UTC), None, 10)
    'line-1@2026-11-20T06:10'
    """
    if given:
        return f"{camera}/{given}"
    seconds = int(captured_at.timestamp()) // (minutes * 60) * minutes * 60
    return f"{camera}@{datetime.fromtimestamp(seconds, tz=captured_at.tzinfo).isoformat(timespec='minutes')[:16]}"


def place(text: str, salt: str) -> float:
    """A number in [0, 1) that depends on nothing but the text and the salt."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{text}".encode()).digest()[:8], "big") / 2**64


def held_out(session: str, rules: CurateRules) -> bool:
    """True for a session that is tested on and never trained on."""
    return place(session, "holdout") < rules.holdout_share


def settled(images: Sequence[Labelled], judged_until: datetime | None) -> list[Labelled]:
    """Golden images, and those captured before the newest judged window ended; all of them while none was judged.

    Of the time after that nobody knows yet whether a camera was at fault, however fast its labels came.
    """
    return [image for image in images if judged_until is None or image.golden or image.captured_at < judged_until]


def unlearnt(images: Sequence[Labelled], ids: Collection[str], hashes: Collection[str]) -> list[Labelled]:
    """Images that no version was fitted to: not these ids, no copy of their bytes, and nothing of their sessions.

    Rules about sessions and shares change, and golden is marked by people: what was learnt under the rules of then is
    no test under those of now.
    """
    sessions = {image.session for image in images if image.image_id in ids}
    return [image for image in images if image.sha256 not in hashes and image.session not in sessions]


def golden_rows(images: Iterable[Labelled]) -> list[Row]:
    """Every image that a person marked golden."""
    return [Row(image=image, split="test", source="golden") for image in _ordered(images) if image.golden]


def held_out_rows(
    images: Sequence[Labelled], since: datetime, blocked: Sequence[Blocked], rules: CurateRules
) -> list[Row]:
    """Held-out images, without golden ones (or copies of them) and broken cameras; recent: captured from `since` on."""
    golden = {image.sha256 for image in images if image.golden}
    return [
        Row(image=image, split="test", source="recent" if image.captured_at >= since else "held_out")
        for image in _ordered(images)
        if held_out(image.session, rules)
        and image.sha256 not in golden
        and not any(each.covers(image) for each in blocked)
    ]


def trainable(
    images: Sequence[Labelled], blocked: Sequence[Blocked], rules: CurateRules
) -> tuple[list[Labelled], dict[str, int]]:
    """Images that may be learnt from, and how many were left out for which reason; one copy per content.

    Left out: golden and held-out images, everything of a session that a golden image belongs to, exact copies
    of any of these under another name, second copies, and images of a camera while it was broken.
    """
    tested = [image for image in images if image.golden or held_out(image.session, rules)]
    hashes = {image.sha256 for image in tested}
    golden_sessions = {image.session for image in images if image.golden}
    counts = {"tested": len(tested), "golden_session": 0, "leak": 0, "camera_fault": 0, "copy": 0}
    kept: dict[str, Labelled] = {}
    for image in _ordered(images):
        if image.golden or held_out(image.session, rules):
            continue
        reason = _reason(image, hashes, golden_sessions, blocked, kept)
        if reason:
            counts[reason] += 1
        else:
            kept[image.sha256] = image
    return list(kept.values()), counts


def training_rows(images: Sequence[Labelled], since: datetime, rules: CurateRules) -> list[Row]:
    """Old images replayed beside new ones (captured at or after `since`), split by session into train and val.

    When there are more than `max_images`, at least `replay_share` of them are old where that many exist.
    """
    new = [image for image in images if image.captured_at >= since]
    old = [image for image in images if image.captured_at < since]
    n_old = min(len(old), max(math.ceil(rules.max_images * rules.replay_share), rules.max_images - len(new)))
    chosen = [*_sample(old, n_old), *_sample(new, rules.max_images - n_old)]
    val = _val_ids(chosen, rules.val_share)
    return [
        Row(
            image=image,
            split="val" if image.image_id in val else "train",
            source="recent" if image.captured_at >= since else "replay",
        )
        for image in _ordered(chosen)
    ]


def _reason(
    image: Labelled, tested: set[str], golden: set[str], blocked: Sequence[Blocked], kept: dict[str, Labelled]
) -> str:
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("leak", lambda: image.sha256 in tested),
        ("golden_session", lambda: image.session in golden),
        ("camera_fault", lambda: any(each.covers(image) for each in blocked)),
        ("copy", lambda: image.sha256 in kept),
    )
    return next((name for name, found in checks if found()), "")


def _ordered(images: Iterable[Labelled]) -> list[Labelled]:
    return sorted(images, key=lambda image: image.image_id)


def _sample(images: Sequence[Labelled], n: int) -> list[Labelled]:
    return sorted(images, key=lambda image: place(image.sha256, "sample"))[: max(n, 0)]


def _val_ids(images: Sequence[Labelled], share: float) -> frozenset[str]:
    """Whole sessions up to the share; with a single session the last images in time, there is nothing better."""
    wanted = round(len(images) * share) if len(images) > 1 else 0
    sessions: dict[str, list[Labelled]] = {}
    for image in images:
        sessions.setdefault(image.session, []).append(image)
    if len(sessions) < 2:
        last = sorted(images, key=lambda image: (image.captured_at, image.image_id))[-max(wanted, 1) :]
        return frozenset(image.image_id for image in last) if len(images) > 1 else frozenset()
    chosen: list[str] = []
    for session in sorted(sessions, key=lambda name: place(name, "val"))[:-1]:
        if len(chosen) + len(sessions[session]) <= wanted:
            chosen += [image.image_id for image in sessions[session]]
    smallest = min(sessions.values(), key=len)
    return frozenset(chosen or [image.image_id for image in smallest])
