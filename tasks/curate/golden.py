"""The golden set is frozen: which images, which bytes and which labels, in numbered versions that people accept.

What is marked golden in the labels is a wish. What is measured on is the version that was written into the ledger, so
a score that moved was moved by the model. From both nothing is ever trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tasks.domain.finding import Finding, Outcome
from tasks.domain.model import Kind, ModelRef
from tasks.domain.snapshot import TableRef

KIND = "golden_set"
"""Kind of the decision that freezes a version; its subject is the model's name, so that versions are one trail."""

CHECK = "golden_set"
NAMED = 5
"""Images that a sentence names."""

FIRST_USE = "first use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """One version of the set: `table` is its manifest, `digest` the hash of its members and their labels."""

    version: int
    table: TableRef
    digest: str
    images: int
    by: str
    reason: str
    at: datetime

    def json(self) -> dict[str, Any]:
        """What the ledger keeps of it; who and when stand beside it there."""
        return {
            "version": self.version,
            "table": asdict(self.table),
            "digest": self.digest,
            "images": self.images,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What people marked golden now beside what is frozen, as image ids."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.relabelled or self.replaced)

    def __str__(self) -> str:
        words = {
            "marked golden since": self.added,
            "not marked golden any more": self.removed,
            "labelled in another way": self.relabelled,
            "of other bytes": self.replaced,
        }
        return "; ".join(f"{len(names)} {word} ({_few(names)})" for word, names in words.items() if names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Frozen images (ids) that cannot be measured on: the bucket holds other bytes under their keys, or none, or their
    labels ask for what the version cannot answer.
    """

    replaced: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.replaced + self.gone + self.beyond)

    def others(self, found: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        """Members without these: what is said of them is said once."""
        return {name: member for name, member in found.items() if name not in self.names}

    def __str__(self) -> str:
        words = {
            "overwritten with other bytes": self.replaced,
            "deleted": self.gone,
            "labelled for a model of another kind or with more classes": self.beyond,
        }
        return "; ".join(f"{len(names)} {word} ({_few(names)})" for word, names in words.items() if names)


def members(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Image id -> hash of its bytes and hash of its label, of rows of a `datasets` table.

    The order of objects does not matter, nor who wrote the label when: only what it says.
    """
    return {row["image_id"]: (row["sha256"], _label(row["objects"])) for row in rows}


def beyond(rows: Iterable[Mapping[str, Any]], ref: ModelRef) -> tuple[str, ...]:
    """Ids of the images whose labels the version cannot answer: a class that it does not have, or another kind.

    A set can be frozen before there is a champion, when nobody knows what it will answer with.
    """
    return tuple(row["image_id"] for row in rows if not _answerable(row["objects"], ref))


def _answerable(objects: Sequence[Mapping[str, Any]], ref: ModelRef) -> bool:
    if any(not 0 <= each["class_id"] < len(ref.classes) for each in objects):
        return False
    if ref.kind is Kind.CLASSIFY:
        return len(objects) == 1
    return all(each.get("box") or each.get("corners") or each.get("polygon") for each in objects)


def digest_of(found: Mapping[str, tuple[str, str]]) -> str:
    """One hash over all members.

    >>> digest_of({}) == digest_of({})
    True
    """
    lines = [f"{name}\0{image}\0{label}" for name, (image, label) in sorted(found.items())]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def changes(frozen: Mapping[str, tuple[str, str]], now: Mapping[str, tuple[str, str]]) -> Changes:
    """How the golden labels of now differ from the frozen version."""
    both = sorted(frozen.keys() & now.keys())
    return Changes(
        added=tuple(sorted(now.keys() - frozen.keys())),
        removed=tuple(sorted(frozen.keys() - now.keys())),
        relabelled=tuple(name for name in both if frozen[name][1] != now[name][1]),
        replaced=tuple(name for name in both if frozen[name][0] != now[name][0]),
    )


def finding(model: str, frozen: Frozen | None, broken: str, found: Changes, missing: Lost) -> Finding:
    """What is said about the golden set: breach when its manifest or an image is not what was frozen, else ok or to be
    accepted. `n` is how many images are measured on.
    """
    if frozen is None:
        note = "no image is marked golden: nothing guards against forgetting"
        return Finding(check=CHECK, subject="members", outcome=Outcome.INCONCLUSIVE, note=note)
    name = f"golden set version {frozen.version}, {frozen.images} images"
    if broken:
        note = f"{name}: {broken}; it is not measured on until it is restored or accepted anew"
        return Finding(check=CHECK, subject="members", outcome=Outcome.BREACH, note=note)
    if missing.names:
        n = frozen.images - len(missing.names)
        outcome = Outcome.BREACH if missing.replaced else Outcome.INCONCLUSIVE
        also = f"; labels of now: {found}" if found else ""
        note = (
            f"{name}, of which {n} are measured: {missing}; put them back as they were, or label "
            f"them anew: `evergreen golden-accept {model} --by … --reason …` takes over what is there{also}"
        )
        return Finding(check=CHECK, subject="members", outcome=outcome, n=n, note=note)
    if found:
        note = (
            f"{name}; {found}: still measured as frozen, `evergreen golden-accept {model} --by … --reason …` takes over"
        )
        return Finding(check=CHECK, subject="members", outcome=Outcome.INCONCLUSIVE, n=frozen.images, note=note)
    note = f"{name} ({frozen.digest[:12]}), as {frozen.by} froze it on {frozen.at:%Y-%m-%d}"
    return Finding(check=CHECK, subject="members", outcome=Outcome.OK, n=frozen.images, note=note)


def left_out(marked: Sequence[str], now: Mapping[str, tuple[str, str]]) -> tuple[Finding, ...]:
    """What is said of images (ids) that are marked golden and are not in the set of `now`; nothing when all are."""
    missing = [name for name in marked if name not in now]
    if not missing:
        return ()
    note = (
        f"{len(missing)} of {len(marked)} images marked golden are left out: versions were trained on them or on others"
        f" of their sessions, or they are gone ({_few(missing)}); mark images that are held out"
    )
    return (Finding(check=CHECK, subject="left_out", outcome=Outcome.INCONCLUSIVE, n=len(missing), note=note),)


def refusal(rows: Sequence[Mapping[str, Any]], golden: Mapping[str, tuple[str, str]], near: Sequence[str]) -> str:
    """Why a training manifest must not be trained on; empty when it holds nothing golden.

    `near` are ids of its images that show the scene of a golden one.
    """
    hashes = {image for image, _ in golden.values()}
    same = [row["image_id"] for row in rows if row["image_id"] in golden or row["sha256"] in hashes]
    if same:
        return f"the training manifest holds {len(same)} golden image(s) ({_few(same)}): nothing is trained on it"
    if near:
        return f"the training manifest holds {len(near)} near duplicate(s) of golden images ({_few(near)}): not trained"
    return ""


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")


def _label(objects: Iterable[Mapping[str, Any]]) -> str:
    things = sorted(
        repr(sorted((name, _plain(value)) for name, value in each.items() if value is not None)) for each in objects
    )
    return hashlib.sha256("\n".join(things).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return [round(float(each), 3) for each in value] if isinstance(value, list | tuple) else value
