"""Evaluate one version on one labelled set, keep the result, and say whether the champion fell."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.answer_cache import here
from tasks.adapters.answering import Answering
from tasks.adapters.ledger.records import DecisionKind
from tasks.adapters.yolo_protocol import card_of, halved, protocol
from tasks.connections import answering, ledger, registry, store, tables
from tasks.domain.card import training_set
from tasks.domain.comparing import Sheet, sheets
from tasks.domain.contrast import photos
from tasks.domain.errors import ContractError, NotFound, RegistryUnavailable
from tasks.domain.evaluation import Evaluation
from tasks.domain.finding import Report
from tasks.domain.model import ModelRef
from tasks.domain.portrait import gaps, portrait_bytes, portrait_key
from tasks.domain.protocol import refusal
from tasks.domain.scoring.scored import Scored, evaluation, score
from tasks.domain.scoring.stored import scores_digest, to_table
from tasks.domain.scoring.truth import truths
from tasks.domain.snapshot import TableRef, table_note
from tasks.evaluate import performance
from tasks.evaluate.lateness import label_facts
from tasks.evaluate.plots import plots
from tasks.evaluate.portraits import portrait
from tasks.evaluate.rules import EvaluateRules
from tasks.evaluate.shards import Shard, shards_of
from tasks.evaluate.shots import Labelled
from tasks.settings import settings

log = logging.getLogger(__name__)

BASELINES = ("baseline", "golden", "val")
"""Where a version's baseline is looked for: its recent score when it passed shadow, the golden set, its own split."""


@task(cache_policy=NO_CACHE)
def evaluate_version(ref: ModelRef, dataset: TableRef, name: str, rules: EvaluateRules) -> Evaluation:
    """Score a version on a `datasets` table; scored before under the same protocol, the kept result is given back.

    `name` is what the set is called (`recent`, `golden`). No labelled image gives n = 0 and nan, never a score of 0.
    """
    asked = _answering(ref, rules)
    known = ledger().evaluations.latest(ref.name, ref.sha256, name)
    same = known and (known.digest, known.protocol) == (dataset.digest, asked.protocol.digest)
    if known and same and known.conditions and _as_ruled(known, rules):
        return known
    scored, seen = _scored(ref, dataset, asked, rules)
    result = evaluation(ref, scored, name, dataset.digest, asked.protocol, asked.summary(scored, rules.seed))
    drawn = portrait(scored, seen, rules.seed)
    numbers = result.metrics | gaps(drawn, result.headline.value) | asked.numbers()
    result = replace(result, metrics=numbers, labels_table=dataset)
    if scored.n:
        key = f"{_folder(ref, result)}/scores-{asked.protocol.digest[:16]}-{scores_digest(scored)[:16]}.parquet"
        result = replace(result, scores_table=tables().write(to_table(scored), "scores", key))
    ledger().evaluations.save(ref.name, result)
    store().put(portrait_key(ref.name, result), portrait_bytes(drawn), "application/json")
    _publish(ref, result, plots(scored), sheets(result, drawn, str(ref)))
    return result


@task(cache_policy=NO_CACHE)
def note_labels(model: str, recent: Evaluation, labels: TableRef, windows: int) -> Evaluation:
    """The evaluation with how late labels came and how many images have one, for the newest so many windows."""
    judged = [row for row in ledger().windows.latest(model, windows) if row.facts is not None and row.facts.accepted]
    table = tables().read(labels, ["captured_at", "labelled_at"]).to_pylist()
    facts = label_facts(
        [(row["captured_at"], row["labelled_at"]) for row in table if row["captured_at"] is not None],
        [row.window for row in judged],
        sum(row.facts.accepted for row in judged if row.facts is not None),
    )
    noted = replace(recent, metrics={**recent.metrics, **facts})
    ledger().evaluations.save(model, noted)
    return noted


@task(cache_policy=NO_CACHE)
def note_evaluated(champion: ModelRef, labels: TableRef) -> None:
    """Write down which labels the champion was held against: what comes later is new. Noted once."""
    note = table_note(labels)
    before = ledger().decisions.latest(champion.name, DecisionKind.EVALUATED, champion.sha256)
    if before is None or before.payload["labels"] != note:
        ledger().decisions.append(
            champion.name, DecisionKind.EVALUATED, champion.sha256, "evaluate", {"labels": note, "count": labels.rows}
        )


@task(cache_policy=NO_CACHE)
def judge_performance(recent: Evaluation, baseline: Evaluation | None, rules: EvaluateRules) -> Report:
    """The finding on labelled performance (`tasks.evaluate.performance`)."""
    return performance.judge_performance(recent, baseline, rules)


def baseline_of(champion: ModelRef, recent: Evaluation | None = None) -> Evaluation | None:
    """What this version could do when it became champion; None when nobody measured it.

    One that compares with `recent` comes first: the golden set is evaluated again after an upgrade, older ones are not.
    """
    kept = (ledger().evaluations.latest(champion.name, champion.sha256, name) for name in BASELINES)
    found = [each for each in kept if each is not None and each.n]
    comparable = (each for each in found if recent is not None and not refusal(recent, each))
    return next(comparable, found[0] if found else None)


@task(cache_policy=NO_CACHE)
def comparable_baseline(champion: ModelRef, recent: Evaluation, rules: EvaluateRules) -> Evaluation | None:
    """The baseline to hold `recent` against; one of another protocol (an upgrade) is measured again on its own labels.

    It comes as it is, to be refused, where those labels or their images are gone.
    """
    found = baseline_of(champion, recent)
    if found is None or not recent.n or not refusal(recent, found):
        return found
    for name in BASELINES:
        try:
            labels = _labels_of_then(champion, name)
            if labels is not None:
                return evaluate_version.fn(champion, labels, name, rules)
        except (NotFound, ContractError) as error:
            log.warning("%s cannot be measured again on the labels of its %s: %s", champion, name, error)
    return found


def _labels_of_then(champion: ModelRef, name: str) -> TableRef | None:
    """The labelled set that a baseline was measured on, of `val` the part of the training manifest; None if unknown."""
    known = ledger().evaluations.latest(champion.name, champion.sha256, name)
    whole = training_set(ledger().versions.get(champion.name, champion.sha256).card)
    if known is None or known.labels_table is not None or name != "val" or whole is None:
        return known.labels_table if known else None
    table = tables().read(whole)
    part = table.filter(pc.equal(table["split"], "val"))
    key = f"{champion.name}/evergreen/datasets/val-{whole.digest[:32]}.parquet"
    return tables().write(part, "datasets", key)


@task(cache_policy=NO_CACHE)
def plan_shards(ref: ModelRef, dataset: TableRef, rules: EvaluateRules) -> tuple[Shard, ...]:
    """How the images that nobody has inferred yet are shared out; () when one process does it as fast."""
    if rules.workers == 1 or not dataset.rows:
        return ()
    unknown = _answering(ref, rules).unknown(tables().read(dataset, ["key", "sha256"]))
    return shards_of(unknown.num_rows, rules.workers, here(settings().cache))


@task(cache_policy=NO_CACHE, retries=1)
def infer_shard(ref: ModelRef, dataset: TableRef, rules: EvaluateRules, shard: Shard) -> TableRef | None:
    """Infer the images of one shard into this machine's cache; what is there already is not inferred again.

    A worker that does not share the cache of whoever asked sends the answers through the bucket as well.
    """
    asked = _answering(ref, rules, shard.number)
    table = tables().read(dataset, ["key", "sha256"])
    mine = table.take(shard.rows_of(table["sha256"].to_pylist()))
    found = asked.answers(mine)
    if shard.asker == here(settings().cache):
        return None
    packed = asked.packed(mine, found)
    key = f"{ref.name}/evergreen/answers/{asked.name}/{dataset.digest[:16]}-{shard.number}-of-{shard.count}.parquet"
    return tables().write(packed, "answers", key)


@task(cache_policy=NO_CACHE)
def gather_shards(ref: ModelRef, rules: EvaluateRules, parts: Sequence[TableRef]) -> None:
    """Take what other machines inferred into this machine's cache."""
    asked = _answering(ref, rules)
    for part in parts:
        asked.unpack(tables().read(part))


def _answering(ref: ModelRef, rules: EvaluateRules, worker: int = 0) -> Answering:
    """The version's answers under the rules' protocol; several workers share the cards of a machine among them."""
    device = card_of(settings().device, worker)
    used = protocol(rules.imgsz or ref.imgsz, rules.conf, rules.iou, rules.batch, device)
    return answering(ref, halved(used, rules.half), device)


def _scored(ref: ModelRef, dataset: TableRef, asked: Answering, rules: EvaluateRules) -> tuple[Scored, Labelled]:
    table = tables().read(dataset)
    said = truths(table) if table.num_rows else []
    predictions = asked.answers(table) if table.num_rows else []
    seen = Labelled(photos=photos(table), truths=said, predictions=predictions)
    return score(ref, said, predictions, rules.confidence, rules.size_limits), seen


def _as_ruled(known: Evaluation, rules: EvaluateRules) -> bool:
    """True when the kept numbers are of the operating confidence and the sizes that are asked for now."""
    kept = (known.metrics.get("small_side"), known.metrics.get("medium_side"))
    chosen = known.metrics.get("confidence")
    return kept in (rules.size_limits, (None, None)) and (
        rules.confidence is None or chosen is None or chosen == rules.confidence
    )


def _folder(ref: ModelRef, result: Evaluation) -> str:
    return f"{ref.name}/evergreen/evaluations/{ref.sha256[:16]}/{result.dataset}-{result.digest[:16]}"


def _publish(ref: ModelRef, result: Evaluation, pictures: dict[str, bytes], sheets: Sequence[Sheet]) -> None:
    """Pictures into the bucket, numbers into MLflow; MLflow being away costs a log line, not the evaluation."""
    for name, png in pictures.items():
        store().put(f"{_folder(ref, result)}/{name}", png, "image/png")
    if not ref.version:
        return
    with tempfile.TemporaryDirectory(prefix="evergreen-plots-") as scratch:
        paths = [Path(scratch) / name for name in pictures]
        for path in paths:
            path.write_bytes(pictures[path.name])
        try:
            registry().log_evaluation(ref.name, ref.version, result, paths, sheets)
        except (RegistryUnavailable, NotFound) as error:
            log.warning("evaluation of %s on %s is not shown in MLflow: %s", ref, result.dataset, error)
