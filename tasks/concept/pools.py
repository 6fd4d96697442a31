"""The scores that the label-count calculator draws from: what production and both versions did on single images."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from tasks.concept.maturity import DATASET
from tasks.concept.reading import Books, kept_images
from tasks.domain.errors import NotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.power import Pool, pool

SETS = ("recent", "baseline", "golden")
"""Where the scores of single images are looked for, the first with enough of them."""


def pools(books: Books, model: str) -> tuple[Pool, Pool]:
    """Scores of the champion's images, and differences of two versions on the same images; the usual ones without.

    Raises `NotFound` for a model without a champion.
    """
    champion = books.ledger.promotions.champion(model)
    if champion is None:
        raise NotFound(f"{model!r} has no champion whose scores could be drawn from: leave --model out")
    sessions = sessions_of(books, model)
    records = [record.evaluation for name in SETS for record in books.ledger.evaluations.of(model, name)]
    own = [each for each in records if each.model_sha256 == champion.sha256]
    best = max(own, key=lambda each: each.n, default=None)
    single = pool(best.scores, _named(best, sessions)) if best else pool(())
    pairs = [(a, b) for a, b in combinations(records, 2) if a.model_sha256 != b.model_sha256 and _alike(a, b)]
    if not pairs:
        return single, pool((), paired=True)
    first, second = max(pairs, key=lambda pair: pair[0].n)
    apart = [a - b for a, b in zip(first.scores, second.scores, strict=True)]
    return single, pool(apart, _named(first, sessions), paired=True)


def sessions_of(books: Books, model: str) -> dict[str, str]:
    """Image id -> session, of every labelled image of the windows."""
    records = books.ledger.evaluations.by_window(model, DATASET)
    images = (image for record in records for image in kept_images(books.store, model, record.evaluation.digest))
    return {image.image_id: image.session for image in images}


def _alike(first: Evaluation, second: Evaluation) -> bool:
    same = (first.digest, first.protocol, first.image_ids) == (second.digest, second.protocol, second.image_ids)
    return same and bool(first.image_ids)


def _named(evaluation: Evaluation, sessions: Mapping[str, str]) -> list[str]:
    """The session of each image; an image of which no window knows it is its own."""
    return [sessions.get(name, name) for name in evaluation.image_ids]
