"""Which version a person means when they ask for a comparison with the champion."""

from __future__ import annotations

from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import NotFound, Stale
from tasks.domain.model import ModelRef
from tasks.promote.named import named


def challenger_of(book: Ledger, model: str, said: str = "") -> ModelRef:
    """The newest version that is not the champion, or the one that is named (see `named`).

    Raises:
        NotFound: no version is meant, or there is no champion to hold it against.
        Stale: the version is the champion, or several are called that.
    """
    champion = book.promotions.champion(model)
    if champion is None:
        raise NotFound(f"{model} has no champion to compare with: evergreen adopt {model}")
    if said:
        meant = named(book, model, said)
        if meant.sha256 == champion.sha256:
            raise Stale(f"{champion} is the champion: a version is not compared with itself")
        return meant
    others = [record for record in book.versions.list(model) if record.ref.sha256 != champion.sha256]
    if not others:
        raise NotFound(f"{model} has no version beside its champion, {champion}: evergreen versions {model}")
    return others[0].ref
