"""Which version a person means when they ask for a comparison with the champion."""

from __future__ import annotations

from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import NotFound, Stale
from tasks.domain.model import ModelRef


def challenger_of(book: Ledger, model: str, prefix: str = "") -> ModelRef:
    """The newest version that is not the champion, or the one whose SHA-256 begins with `prefix` (hex).

    Raises:
        NotFound: no version is meant, or there is no champion to hold it against.
        Stale: the version is the champion, or several begin so.
    """
    champion = book.promotions.champion(model)
    if champion is None:
        raise NotFound(f"{model} has no champion to compare with: evergreen adopt {model}")
    known = sorted(book.versions.list(model), key=lambda record: record.created_at)
    if not prefix:
        known = [record for record in known if record.ref.sha256 != champion.sha256]
    meant = [record.ref for record in known if record.ref.sha256.startswith(prefix.lower())]
    if not meant:
        asked = f"no version {prefix}" if prefix else f"no version beside its champion, {champion}"
        raise NotFound(f"{model} has {asked}: evergreen versions {model}")
    if prefix and len(meant) > 1:
        raise Stale(f"{len(meant)} versions of {model} begin with {prefix}: give more of the hash")
    if meant[-1].sha256 == champion.sha256:
        raise Stale(f"{champion} is the champion: a version is not compared with itself")
    return meant[-1]
