"""Which version a person means who names one on the command line."""

from __future__ import annotations

from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import NotFound, Stale
from tasks.domain.model import ModelRef

SHORTEST = 4
"""Characters of a hash that name a version at least: fewer are a number."""


def named(book: Ledger, model: str, said: str) -> ModelRef:
    """The one version with that number (`3`, `v3`) or whose SHA-256 begins with it (4 or more hex digits).

    Raises:
        NotFound: no version is called that.
        Stale: several are; nothing is guessed.
    """
    low = said.strip().lower()
    number = low.removeprefix("v")
    found = [
        record.ref
        for record in book.versions.list(model)
        if (len(low) >= SHORTEST and record.ref.sha256.startswith(low)) or str(record.ref.version) == number
    ]
    if not found:
        asked = f"no version {said} (a number, or at least {SHORTEST} digits of a hash)"
        raise NotFound(f"{model} has {asked}: `evergreen versions {model}`")
    if len(found) > 1:
        those = ", ".join(str(ref) for ref in found[:5])
        raise Stale(f"{len(found)} versions of {model} are called {said} ({those}): give more of the hash")
    return found[0]


def newest(book: Ledger, model: str) -> ModelRef:
    """The version that was made last.

    Raises:
        NotFound: the model has none.
    """
    known = book.versions.list(model)
    if not known:
        raise NotFound(f"{model} has no version yet: train one with `evergreen retrain {model}`, or `import-weights`")
    return known[0].ref
