"""Inference by several workers: shards fill the cache of answers, and whoever evaluates finds them there.

A shard that is lost costs time and nothing else: what is missing afterwards is inferred by the flow itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import flow

from flows.workers import runner, settled
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import TableRef
from tasks.evaluate.rules import EvaluateRules
from tasks.evaluate.shards import Shard
from tasks.evaluate.task import gather_shards, infer_shard, plan_shards


def share_inference(ref: ModelRef, datasets: Sequence[TableRef], rules: EvaluateRules) -> None:
    """Share out the images of each set that nobody has inferred yet, where the rules ask for several workers."""
    for dataset in datasets:
        shards = plan_shards(ref, dataset, rules) if rules.workers > 1 else ()
        if shards:
            infer.with_options(task_runner=runner(len(shards)))(ref, dataset, rules, shards)


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
