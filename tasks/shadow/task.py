"""Run challenger and champion over the same images, under one protocol, and put every gate to them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.manifests import local_paths
from tasks.adapters.yolo import Yolo, protocol
from tasks.connections import images, ledger, tables, weights
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
from tasks.settings import settings
from tasks.shadow import gates
from tasks.shadow.examples import Examined, contrast
from tasks.shadow.gates import Pair
from tasks.shadow.rules import ShadowRules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contest:
    """Two loaded versions and the rules they are compared under."""

    champion: ModelRef
    challenger: ModelRef
    models: tuple[Yolo, Yolo]
    rules: ShadowRules

    @property
    def imgsz(self) -> int:
        """The side in pixels that both are fed with."""
        return self.rules.imgsz or self.champion.imgsz

    def answers(self, paths: list[Path]) -> tuple[list[Prediction], list[Prediction]]:
        """Both versions' answers; one image first, so that neither pays for the start."""
        found = []
        for model in self.models:
            model.predict(paths[:1], self.imgsz, self.rules.conf, self.rules.iou, 1)
            found.append(model.predict(paths, self.imgsz, self.rules.conf, self.rules.iou, self.rules.batch))
        return found[0], found[1]

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
    device = settings().device
    loaded = tuple(Yolo.load(weights(r), r.sha256, r.kind, device, r.classes) for r in (champion, challenger))
    contest = Contest(champion=champion, challenger=challenger, models=(loaded[0], loaded[1]), rules=rules)
    sets = [_examined(contest, ref) for ref in (recent, golden)]
    pairs = [contest.pair([each]) for each in sets]
    shared, n = _agreement(contest, pairs[0], unlabelled)
    return Comparison(
        champion_sha256=champion.sha256,
        challenger_sha256=challenger.sha256,
        gates=_gates(contest, sets, pairs, (shared, n) if unlabelled else None),
        evaluations=_evaluations(contest, pairs, (recent, golden)),
        agreement=shared,
        contrast=contrast(pairs[0], sets[0]),
    )


def _gates(
    contest: Contest, sets: list[Examined], pairs: list[Pair], shared: tuple[float | None, int] | None
) -> tuple[Finding, ...]:
    rules = contest.rules
    champion = [each for part in sets for each in part.champion]
    challenger = [each for part in sets for each in part.challenger]
    found = [
        gates.superiority(pairs[0], rules),
        gates.non_inferiority(pairs[1], rules),
        *gates.per_class(contest.pair(sets), rules),
        gates.finite(challenger),
        gates.latency(champion, challenger, rules),
    ]
    return (*found, gates.agreed(*shared, rules)) if shared else tuple(found)


def _examined(contest: Contest, dataset: TableRef) -> Examined:
    table = tables().read(dataset)
    champion, challenger = contest.answers(local_paths(images(), table))
    return Examined(photos=photos(table), truth=truths(table), champion=champion, challenger=challenger)


def _evaluations(contest: Contest, pairs: list[Pair], datasets: tuple[TableRef, TableRef]) -> tuple[Evaluation, ...]:
    rules = contest.rules
    used = protocol(contest.imgsz, rules.conf, rules.iou, rules.batch, settings().device)
    found = []
    for name, pair, dataset in zip(("recent", "golden"), pairs, datasets, strict=True):
        for ref, scored in ((contest.champion, pair.champion), (contest.challenger, pair.challenger)):
            result = evaluation(ref, scored, name, dataset.digest, used, rules.seed)
            ledger().evaluations.save(ref.name, result)
            found.append(result)
    if found[1].n:
        ledger().evaluations.save(contest.challenger.name, replace(found[1], dataset="baseline"))
    return tuple(found)


def _agreement(contest: Contest, recent: Pair, unlabelled: Snapshot | None) -> tuple[float | None, int]:
    if unlabelled is None:
        return None, 0
    table = tables().read(unlabelled.catalog, ["key", "sha256", "verdict"])
    rows = [row for row in table.to_pylist() if row["verdict"] == "accepted" and row["sha256"]]
    rows.sort(key=lambda row: hashlib.sha256(row["sha256"].encode()).digest())
    sample = pa.Table.from_pylist(rows[: contest.rules.unlabelled], schema=table.schema)
    first, second = contest.answers(local_paths(images(), sample))
    confidences = (operating(recent.champion), operating(recent.challenger))
    return agreement(first, second, confidences), sample.num_rows
