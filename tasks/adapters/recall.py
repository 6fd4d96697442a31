"""What stages found before: where nothing changed that an answer was made from, it is looked up and not made again.

An answer is a JSON object in the bucket. Its key holds a digest of the question: tables by their digests, rules, and
this program itself, so that another version of it, or of a library that computes, asks anew. What history says (the
windows before) is no part of an answer: it is read every time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from tasks.adapters.objects import ObjectStore
from tasks.domain.errors import NotFound, ObjectRejected
from tasks.domain.snapshot import Claim

Json = dict[str, Any]

LIBRARIES = ("evidently", "great-expectations", "numpy", "opencv-python", "pyarrow", "scikit-learn", "scipy",
             "torch", "ultralytics")  # fmt: skip
"""What answers are computed with."""

MAX_BYTES = 64 << 20
"""A larger answer is not kept."""


@lru_cache(maxsize=1)
def program() -> str:
    """A digest of this program's source files and of the versions of `LIBRARIES`."""
    digest, root = hashlib.sha256(), Path(__file__).resolve().parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    digest.update(" ".join(f"{name} {_version(name)}" for name in LIBRARIES).encode())
    return digest.hexdigest()


def answer_key(claim: Claim, stage: str, about: Iterable[str]) -> str:
    """Where the answer of a stage about a window lies; `about` is everything else that it depends on, in order."""
    question = json.dumps([program(), str(claim.window), *about])
    digest = hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{claim.model}/evergreen/found/{claim.window.start:%Y%m%dT%H%M%SZ}/{stage}-{digest}.json"


def recalled(
    store: ObjectStore, key: str, work: Callable[[], Json], points: Callable[[Json], Iterable[str]] = lambda found: ()
) -> Json:
    """The answer under a key, else what `work` gives, which is kept there. Both come as JSON gives them back.

    Args:
        store: The bucket.
        key: From `answer_key`.
        work: Makes the answer: dictionaries, lists, text and numbers, nan included.
        points: The addresses (`s3://…`) that an answer points to; where one of them is gone, it is made again.
    """
    kept = _kept(store, key)
    if kept is not None and all(store.exists(store.key_of(uri)) for uri in points(kept)):
        return kept
    text = json.dumps(work(), default=_plain, separators=(",", ":"))
    if len(text) <= MAX_BYTES:
        store.put(key, text.encode("utf-8", "surrogatepass"), "application/json")
    made: Json = json.loads(text)
    return made


def _kept(store: ObjectStore, key: str) -> Json | None:
    """The answer as it was kept; None where there is none, or one that is damaged."""
    try:
        found = json.loads(store.get(key, MAX_BYTES))
    except (NotFound, ObjectRejected, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _plain(value: Any) -> Any:
    """numpy's numbers as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"an answer holds a {type(value).__name__}, which JSON does not know")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
