"""Run challenger and champion over the same images, under one protocol, and put every gate to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.answering import Answering
from tasks.adapters.manifests import local_paths
from tasks.adapters.tables import MANY
from tasks.adapters.yolo_protocol import halved, protocol
from tasks.connections import answering, images, ledger, tables
from tasks.domain.contrast import photos
from tasks.domain.errors import ContractError
from tasks.domain.evaluation import Comparison, Evaluation
from tasks.domain.finding import Finding
from tasks.domain.model import ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.agreement import agreement, operating
from tasks.domain.scoring.scored import evaluation, score
from tasks.domain.scoring.truth import truths
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.domain.tables import CATALOG
from tasks.settings import settings
from tasks.shadow import gates
from tasks.shadow.examples import Examined, contrast
from tasks.shadow.gates import Pair
from tasks.shadow.rules import ShadowRules

TURNS = 4
"""How often the two versions take turns while their speed is measured: what slows the machine down meets both."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contest:
    """Two versions under one protocol and the rules they are compared under."""

    champion: ModelRef
    challenger: ModelRef
    asked: tuple[Answering, Answering]
    rules: ShadowRules

    def answers(self, table: pa.Table) -> tuple[list[Prediction], list[Prediction]]:
        """Both versions' answers; those that were inferred before are looked up."""
        return self.asked[0].answers(table), self.asked[1].answers(table)

    def timed(self, tables: Sequence[pa.Table]) -> tuple[list[Prediction], list[Prediction]]:
        """Both versions' answers about some of the images, made now and in turns: speeds compare on one machine only.

        One image goes first, so that neither pays for the start.
        """
        table = pa.concat_tables(part.select(["key", "sha256"]) for part in tables)[: self.rules.timed]
        paths, size = local_paths(images(), table), max(-(-table.num_rows // TURNS), 1)
        found: tuple[list[Prediction], list[Prediction]] = ([], [])
        for asked in self.asked if paths else ():
            asked.timed(paths[:1])
        for start in range(0, len(paths), size):
            for mine, asked in zip(found, self.asked, strict=True):
                mine.extend(asked.timed(paths[start : start + size]))
        return found

    def pair(self, sets: list[Examined]) -> Pair:
        """Both versions scored over the given sets together."""
        truth = [each for part in sets for each in part.truth]
        return Pair(
            champion=score(self.champion, truth, [each for part in sets for each in part.champion]),
            challenger=score(self.challenger, truth, [each for part in sets for each in part.challenger]),
        )


@task(cache_policy=NO_CACHE)
def compare(
    champion: ModelRef,
    challenger: ModelRef,
    recent: TableRef,
    golden: TableRef,
    unlabelled: Snapshot | None,
    rules: ShadowRules,
) -> Comparison:
    """Every gate as a finding, and the evaluations behind them; few labels are inconclusive, never a pass.

    The challenger's recent evaluation is kept as its `baseline`: what it is held against once it is champion.
    """
    if (champion.kind, champion.classes) != (challenger.kind, challenger.classes):
        raise ContractError(f"{challenger} has another kind or other classes than {champion}: they do not compare")
    contest = _contest(champion, challenger, rules)
    labelled = [tables().read(ref) for ref in (recent, golden)]
    sets = [_examined(contest, table) for table in labelled]
    pairs = [contest.pair([each]) for each in sets]
    shared, n = _agreement(contest, pairs[0], unlabelled)
    return Comparison(
        champion_sha256=champion.sha256,
        challenger_sha256=challenger.sha256,
        gates=_gates(contest, sets, pairs, (shared, n) if unlabelled else None, contest.timed(labelled)),
        evaluations=_evaluations(contest, pairs, (recent, golden)),
        agreement=shared,
        contrast=contrast(pairs[0], sets[0]),
    )


def _contest(champion: ModelRef, challenger: ModelRef, rules: ShadowRules) -> Contest:
    device = settings().device
    used = halved(protocol(rules.imgsz or champion.imgsz, rules.conf, rules.iou, rules.batch, device), rules.half)
    asked = (answering(champion, used, device), answering(challenger, used, device))
    return Contest(champion=champion, challenger=challenger, asked=asked, rules=rules)


def _gates(
    contest: Contest,
    sets: list[Examined],
    pairs: list[Pair],
    shared: tuple[float | None, int] | None,
    timed: tuple[list[Prediction], list[Prediction]],
) -> tuple[Finding, ...]:
    rules = contest.rules
    challenger = [each for part in sets for each in part.challenger]
    found = [
        gates.superiority(pairs[0], rules),
        gates.non_inferiority(pairs[1], rules),
        *gates.per_class(contest.pair(sets), rules),
        gates.finite(challenger),
        gates.latency(*timed, rules),
    ]
    return (*found, gates.agreed(*shared, rules)) if shared else tuple(found)


def _examined(contest: Contest, table: pa.Table) -> Examined:
    champion, challenger = contest.answers(table)
    return Examined(photos=photos(table), truth=truths(table), champion=champion, challenger=challenger)


def _evaluations(contest: Contest, pairs: list[Pair], datasets: tuple[TableRef, TableRef]) -> tuple[Evaluation, ...]:
    rules = contest.rules
    used = contest.asked[0].protocol
    found = []
    for name, pair, dataset in zip(("recent", "golden"), pairs, datasets, strict=True):
        for ref, scored in ((contest.champion, pair.champion), (contest.challenger, pair.challenger)):
            numbers = contest.asked[0].summary(scored, rules.seed)
            result = replace(evaluation(ref, scored, name, dataset.digest, used, numbers), labels_table=dataset)
            ledger().evaluations.save(ref.name, result)
            found.append(result)
    if found[1].n:
        ledger().evaluations.save(contest.challenger.name, replace(found[1], dataset="baseline"))
    return tuple(found)


def _agreement(contest: Contest, recent: Pair, unlabelled: Snapshot | None) -> tuple[float | None, int]:
    if unlabelled is None:
        return None, 0
    sample = _drawn(unlabelled.catalog, contest.rules.unlabelled)
    first, second = contest.answers(sample)
    confidences = (operating(recent.champion), operating(recent.challenger))
    chances = [chance or 1.0 for chance in sample["sampling_probability"].to_pylist()]
    return agreement(first, second, confidences, chances), sample.num_rows


def _drawn(catalog: TableRef, count: int) -> pa.Table:
    """Catalog rows of so many accepted images, by chance and always the same; the others are never in memory."""
    names = ["key", "sha256", "verdict", "sampling_probability"]
    listed = (row for batch in tables().batches(catalog, names, MANY) for row in batch.to_pylist())
    accepted = (row for row in listed if row["verdict"] == "accepted" and row["sha256"])
    rows = nsmallest(count, accepted, key=lambda row: hashlib.sha256(row["sha256"].encode()).digest())
    return pa.Table.from_pylist(rows, schema=pa.schema([CATALOG.field(name) for name in names]))
