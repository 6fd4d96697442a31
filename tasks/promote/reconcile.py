"""Make MLflow say what the ledger says; safe to run at any time, twice, or after being killed half way.

It never promotes: it shows the champion that the ledger already has. What somebody changed in MLflow by hand is
set back and reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.domain.card import TAG_PARENT, TAG_SOURCE, VersionCard, card_from_json
from tasks.domain.errors import ConfigError, EvergreenError, NotFound, RegistryUnavailable, Stale
from tasks.domain.intent import IntentKind
from tasks.domain.model import ALIAS_CHALLENGER, ALIAS_CHAMPION, ALIAS_PREVIOUS, ModelRef
from tasks.promote.books import IntentRow, LedgerBook, RegistryBook, VersionRow
from tasks.promote.pages import Pages
from tasks.promote.projection import Move, Projection, Shown, Standing, project
from tasks.promote.standing import shown_in, standing_of

KINDS = (
    IntentKind.REGISTER_VERSION,
    IntentKind.LOG_EVALUATION,
    IntentKind.DESCRIBE_VERSION,
    IntentKind.PROJECT_ALIASES,
)
_LIMIT = 1_000

Weights = Callable[[ModelRef], Path]
"""A local file with the bytes of a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """What was done: alias moves, edits that nobody recorded, versions registered, and what did not work."""

    moves: tuple[Move, ...] = ()
    out_of_band: tuple[str, ...] = ()
    registered: tuple[ModelRef, ...] = ()
    failed: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            *(f"moved {move}" for move in self.moves),
            *(f"registered {ref}" for ref in self.registered),
            *(f"edited by hand: {edit}" for edit in self.out_of_band),
            *(f"failed: {failure}" for failure in self.failed),
        ]
        return "; ".join(parts) or "MLflow agrees with the ledger"


@dataclass(slots=True)
class _Work:
    """One reconciliation on its way."""

    ledger: LedgerBook
    registry: RegistryBook
    model: str
    weights: Weights
    intents: tuple[IntentRow, ...]
    moves: list[Move] = field(default_factory=list)
    out_of_band: list[str] = field(default_factory=list)
    registered: list[ModelRef] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)  # SHA-256 of versions whose page must be written again


def reconcile(
    ledger: LedgerBook, registry: RegistryBook, model: str, weights: Weights | None = None
) -> ReconcileReport:
    """Register what is missing, show evaluations, set the aliases, write the pages, empty the outbox.

    One process at a time does it, the others wait: MLflow cannot create a version only where there is none.
    `weights` gives a version's bytes as a local file (from the bucket, when it is left out). An intent that
    fails stays in the outbox with its reason; when MLflow does not answer at all, the rest is left for later.
    """
    with ledger.turns.alone(f"reconcile {model}") as mine:
        if not mine:
            return ReconcileReport(failed=(f"another process has been writing {model} to MLflow for minutes",))
        return _reconciled(ledger, registry, model, weights or _from_the_bucket)


def _reconciled(ledger: LedgerBook, registry: RegistryBook, model: str, weights: Weights) -> ReconcileReport:
    due = [
        row for kind in KINDS for row in ledger.outbox.pending(kind, limit=_LIMIT) if row.payload.get("model") == model
    ]
    work = _Work(ledger, registry, model, weights, tuple(due))
    try:
        _register(work)
        _aliases(work)
        _evaluations(work)
        _pages(work)
    except (RegistryUnavailable, ConfigError, NotFound) as error:
        work.failed.append(str(error))
        for row in work.intents:
            ledger.outbox.failed(row.key, str(error))
    return ReconcileReport(
        moves=tuple(work.moves),
        out_of_band=tuple(work.out_of_band),
        registered=tuple(work.registered),
        failed=tuple(work.failed),
    )


def _from_the_bucket(ref: ModelRef) -> Path:
    from tasks.connections import weights

    return weights(ref)


@contextmanager
def _noted(work: _Work, rows: Sequence[IntentRow] = ()) -> Iterator[None]:
    """Carry out a step: its intents are done afterwards, or failed with the reason. An outage ends everything."""
    try:
        yield
    except RegistryUnavailable:
        raise
    except EvergreenError as error:
        work.failed.append(str(error))
        for row in rows:
            work.ledger.outbox.failed(row.key, str(error))
    else:
        for row in rows:
            work.ledger.outbox.done(row.key)


def _rows(work: _Work, kind: str, sha256: str) -> list[IntentRow]:
    return [row for row in work.intents if row.kind == kind and row.payload.get("sha256") == sha256]


def _register(work: _Work) -> None:
    live = shown_in(work.registry, work.model).live
    standing = standing_of(work.ledger, work.model)
    needed = {standing.champion, standing.previous, standing.challenger}
    records = work.ledger.versions.list(work.model)
    known = {record.ref.sha256 for record in records}
    for row in work.intents:
        if row.kind == IntentKind.REGISTER_VERSION and row.payload.get("sha256") not in known:
            work.ledger.outbox.failed(row.key, "the ledger has no such version")
    for record in reversed(records):
        ref = record.ref
        with _noted(work, _rows(work, IntentKind.REGISTER_VERSION, ref.sha256)):
            if ref.sha256 not in live and ref.version and ref.sha256 in needed:
                work.out_of_band.append(f"MLflow's version {ref.version} ({ref.sha256[:12]}) was deleted")
            if ref.sha256 not in live and (not ref.version or ref.sha256 in needed):
                _number(work, ref, work.registry.register(ref, work.weights(ref), _card(record)))
            elif not ref.version:
                _number(work, ref, live[ref.sha256])


def _number(work: _Work, ref: ModelRef, number: int) -> None:
    try:
        work.registered.append(work.ledger.versions.number(work.model, ref.sha256, number))
    except Stale:  # the old version was deleted by hand: the ledger keeps the first number, the hash is the identity
        work.out_of_band.append(f"{ref} is version {number} in MLflow now: its first registration was deleted there")
    work.touched.add(ref.sha256)


def _card(record: VersionRow) -> VersionCard:
    card = card_from_json(record.card)
    tags = {TAG_SOURCE: record.source, **({TAG_PARENT: record.parent_sha256[:12]} if record.parent_sha256 else {})}
    return VersionCard(
        params=card.params,
        metrics=card.metrics,
        curves=card.curves,
        plots=card.plots,
        dataset_name=card.dataset_name or (f"{record.ref.name}-train" if record.dataset_digest else ""),
        dataset_uri=card.dataset_uri,
        dataset_digest=card.dataset_digest or record.dataset_digest,
        tags={**card.tags, **tags},
        description=card.description,
    )


def _aliases(work: _Work) -> None:
    shown = shown_in(work.registry, work.model)
    standing = standing_of(work.ledger, work.model)
    found = project(standing, shown)
    if found.out_of_band:  # another process may have moved the champion while we looked: look again
        shown = shown_in(work.registry, work.model)
        standing = standing_of(work.ledger, work.model)
        found = project(standing, shown)
    work.out_of_band.extend(found.out_of_band)
    work.failed.extend(f"{alias} {sha256[:12]} is not in MLflow yet" for alias, sha256 in found.missing)
    with _noted(work):
        for move in found.moves:
            _move(work, move)
            work.touched.update({shown.sha256.get(move.before, ""), shown.sha256.get(move.after, "")} - {""})
        if found.moves or standing.champion:
            _finish(work, found, standing, shown)


def _move(work: _Work, move: Move) -> None:
    if move.after:
        work.registry.set_alias(work.model, move.alias, move.after)
    else:
        work.registry.delete_alias(work.model, move.alias)
    work.moves.append(move)


def _finish(work: _Work, found: Projection, standing: Standing, shown: Shown) -> None:
    rows = [row for row in work.intents if row.kind == IntentKind.PROJECT_ALIASES]
    if any(alias == ALIAS_CHAMPION for alias, _ in found.missing):
        for row in rows:
            work.ledger.outbox.failed(row.key, "the champion is not registered in MLflow yet")
        return
    if rows or found.moves:
        work.registry.log_promotions(work.model, work.ledger.promotions.history(work.model), shown.live)
        wanted = {
            ALIAS_CHAMPION: standing.champion,
            ALIAS_PREVIOUS: standing.previous,
            ALIAS_CHALLENGER: standing.challenger,
        }
        Pages(work.ledger, work.registry, work.model).write_model(wanted, shown.live)
    for row in rows:
        work.ledger.outbox.done(row.key)


def _evaluations(work: _Work) -> None:
    live = shown_in(work.registry, work.model).live
    for row in (row for row in work.intents if row.kind == IntentKind.LOG_EVALUATION):
        sha256, dataset = str(row.payload.get("sha256", "")), str(row.payload.get("dataset", ""))
        evaluation = work.ledger.evaluations.latest(work.model, sha256, dataset)
        with _noted(work, [row]):
            if evaluation is None:
                raise NotFound(f"the ledger has no evaluation of {sha256[:12]} on {dataset[:40]!r}")
            work.registry.log_evaluation(work.model, _live(live, sha256), evaluation)
            work.touched.add(sha256)


def _pages(work: _Work) -> None:
    live = shown_in(work.registry, work.model).live
    pages = Pages(work.ledger, work.registry, work.model)
    asked = {str(row.payload.get("sha256", "")): row for row in work.intents if row.kind == IntentKind.DESCRIBE_VERSION}
    for sha256 in sorted({*asked, *work.touched}):
        rows = _rows(work, IntentKind.DESCRIBE_VERSION, sha256)
        with _noted(work, rows):
            _live(live, sha256)
            given = str(asked[sha256].payload.get("markdown") or "") if sha256 in asked else ""
            pages.write_version(sha256, live, standing_of(work.ledger, work.model), given)


def _live(live: Mapping[str, int], sha256: str) -> int:
    if sha256 not in live:
        raise NotFound(f"{sha256[:12] or 'an unnamed version'} is not registered in MLflow yet")
    return live[sha256]
