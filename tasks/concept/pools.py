"""The scores that the label-count calculator draws from: what production and both versions did on single images.

They are read from the `scores` table of the newest evaluation, which knows the session of every image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from tasks.concept.maturity import DATASET
from tasks.concept.reading import Books, kept_images
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.model import ModelRef
from tasks.domain.power import TREND, Pool, measured, pool
from tasks.domain.protocol import refusal
from tasks.domain.scoring.stored import from_table

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
    single = _stored(books, champion, own)
    if single is None:
        best = max(own, key=lambda each: each.n, default=None)
        single = pool(best.scores, _named(best, sessions)) if best else pool(())
    pairs = [(a, b) for a, b in combinations(records, 2) if a.model_sha256 != b.model_sha256 and _alike(a, b)]
    if not pairs:
        return single, pool((), paired=True)
    first, second = max(pairs, key=lambda pair: pair[0].n)
    apart = [a - b for a, b in zip(first.scores, second.scores, strict=True)]
    return single, pool(apart, _named(first, sessions), paired=True)


def headline(books: Books, model: str) -> tuple[str, Pool] | None:
    """What the champion's headline is called, and the pool that says how it varies; None without an interval.

    None also for accuracy: it is a mean of images, so that their scores say it all.
    """
    champion = books.ledger.promotions.champion(model)
    for name in SETS if champion else ():
        found = books.ledger.evaluations.latest(model, champion.sha256 if champion else "", name)
        half = (found.headline.high - found.headline.low) / 2 if found and found.n >= TREND else math.nan
        if found and found.metric != "accuracy" and math.isfinite(half) and half > 0:
            return found.metric, measured(half, found.n)
    return None


def _stored(books: Books, champion: ModelRef, own: Sequence[Evaluation]) -> Pool | None:
    """The pool of the first evaluation whose stored scores say enough; None where none does."""
    for each in own:
        if each.scores_table is None or each.n < TREND:
            continue
        try:
            scored = from_table(books.tables.read(each.scores_table), champion)
        except (NotFound, ContractError):  # tidied up, or of a newer program: another one may be there
            continue
        found = pool(scored.scores(), scored.sessions)
        if found.known:
            return found
    return None


def sessions_of(books: Books, model: str) -> dict[str, str]:
    """Image id -> session, of every labelled image of the windows."""
    records = books.ledger.evaluations.by_window(model, DATASET)
    images = (image for record in records for image in kept_images(books.store, model, record.evaluation.digest))
    return {image.image_id: image.session for image in images}


def _alike(first: Evaluation, second: Evaluation) -> bool:
    return bool(first.image_ids) and first.image_ids == second.image_ids and not refusal(first, second, True)


def _named(evaluation: Evaluation, sessions: Mapping[str, str]) -> list[str]:
    """The session of each image; an image of which no window knows it is its own."""
    return [sessions.get(name, name) for name in evaluation.image_ids]
