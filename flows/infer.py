"""Inference by several workers: shards fill the cache of answers, and whoever evaluates finds them there.

A shard that is lost costs time and nothing else: what nobody has inferred is shared out once more, and what is missing
after that is inferred by the flow itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from typing import Any

from prefect import flow

from flows.workers import runner, settled
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import TableRef
from tasks.evaluate.rules import EvaluateRules
from tasks.evaluate.shards import ROUNDS, Shard
from tasks.evaluate.task import gather_shards, infer_shard, plan_shards

log = logging.getLogger(__name__)


def share_inference(ref: ModelRef, datasets: Sequence[TableRef], rules: EvaluateRules) -> None:
    """Share out the images of each set that nobody has inferred yet, where the rules ask for several workers."""
    for dataset in datasets if rules.workers > 1 else ():
        for number in range(1, ROUNDS + 1):
            shards = plan_shards(ref, dataset, rules)
            if not shards:
                break
            lost = len(shards) - _came(ref, dataset, rules, shards)
            if not lost:
                break
            after = "what is missing is shared out again" if number < ROUNDS else "what is missing is inferred alone"
            log.warning("%d of %d shards were lost: %s", lost, len(shards), after)


def _came(ref: ModelRef, dataset: TableRef, rules: EvaluateRules, shards: Sequence[Shard]) -> int:
    """How many shards came back; none where the workers died before all of them were given out."""
    try:
        return int(infer.with_options(task_runner=runner(len(shards)))(ref, dataset, rules, shards))
    except BrokenExecutor as error:
        log.warning("the workers died at once: %s", error)
        return 0


@flow(name="infer", validate_parameters=False)
def infer(ref: ModelRef, dataset: TableRef, rules: EvaluateRules, shards: Sequence[Shard]) -> int:
    """Infer the shards of one set; how many of them came back.

    Args:
        ref: Which version answers.
        dataset: The labelled set whose images are inferred.
        rules: The protocol.
        shards: How the images are shared out.
    """
    waiting: list[Any] = [infer_shard.submit(ref, dataset, rules, shard) for shard in shards]
    done = settled(waiting)
    gather_shards(ref, rules, [part for part in done if part is not None])
    return len(done)
