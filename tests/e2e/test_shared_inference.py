"""Two workers infer what one process would, once, and give it back through one cache or through the bucket.

One of them is killed on the way, with the signal that nobody can catch: nothing that was kept is computed again.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from tasks.adapters.objects import ObjectStore
from tests.fakes.shared_world import COUNT, environment, finished

dask = pytest.mark.skipif(not importlib.util.find_spec("prefect_dask"), reason="no Dask: install the extra `cluster`")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

BEGIN = """
import json, os, shutil, signal
from pathlib import Path

from prefect import flow

from flows.infer import share_inference
from tasks.adapters import answering
from tasks.adapters.answer_cache import AnswerCache
from tasks.connections import tables
from tasks.evaluate.rules import EvaluateRules
from tasks.evaluate.shards import Shard
from tasks.evaluate.task import _answering, evaluate_version, gather_shards, infer_shard, plan_shards
from tasks.settings import settings
from tests.fakes.shared_world import prepare

RULES = EvaluateRules(workers=2, batch=4)


@flow
def shared(ref, dataset):
    share_inference(ref, (dataset,), RULES)


def values(asked, table):
    found = asked.cache.get(asked.sha256, asked.protocol.recipe, table["sha256"].to_pylist())
    return [found[name].probabilities for name in table["sha256"].to_pylist() if name in found]
"""

ALIKE = (
    BEGIN
    + """
if __name__ == "__main__":  # the workers import this file
    ref, table = prepare()
    dataset = tables().write(table, "datasets", "m/set.parquet")
    asked = _answering(ref, RULES)
    shared(ref, dataset)
    by_two = values(asked, table)
    shards = len(list((settings().cache / "answers").glob("*/*.parquet")))
    left = plan_shards.fn(ref, dataset, RULES)
    again = _answering(ref, RULES)
    again.answers(table)
    shutil.rmtree(settings().cache / "answers")
    part = infer_shard.fn(ref, dataset, RULES, Shard(number=0, count=1, asker="another machine"))
    shutil.rmtree(settings().cache / "answers")
    gather_shards.fn(ref, RULES, [part])
    through_bucket = values(asked, table)
    shutil.rmtree(settings().cache / "answers")
    alone = [one.probabilities for one in _answering(ref, RULES).answers(table)]
    print(json.dumps({
        "inferred": len(by_two), "shards": shards, "left": len(left), "loaded_again": "model" in vars(again),
        "apart": float(max(abs(a - b).max() for a, b in zip(by_two, alone, strict=True))),
        "bucket": float(max(abs(a - b).max() for a, b in zip(through_bucket, alone, strict=True))),
    }))
"""
)

KILLED = (
    BEGIN
    + """
answering.PIECE = 4
WRITE, DEATHS = AnswerCache._write, int(os.environ["DEATHS"])


def kept(self, model, recipe, answers):
    written = WRITE(self, model, recipe, answers)
    with open("kept.txt", "a") as file:
        file.writelines(f"{os.getpid()} {name}\\n" for name in answers)
    if __name__ != "__main__":  # a worker dies after its second piece, so many workers in all
        mine = sum(line.split()[0] == str(os.getpid()) for line in Path("kept.txt").read_text().splitlines())
        for number in range(DEATHS if mine >= 8 else 0):
            try:
                os.close(os.open(f"death-{number}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
    return written


AnswerCache._write = kept

if __name__ == "__main__":
    ref, table = prepare()
    dataset = tables().write(table, "datasets", "m/set.parquet")
    shared(ref, dataset)
    left = plan_shards.fn(ref, dataset, RULES)
    found = evaluate_version.fn(ref, dataset, "recent", RULES)
    lines = [line.split() for line in Path("kept.txt").read_text().splitlines()]
    workers = {who for who, _ in lines} - {str(os.getpid())}
    shutil.rmtree(settings().cache / "answers")
    alone = evaluate_version.fn(ref, dataset, "anew", RULES)
    print(json.dumps({
        "deaths": len(list(Path().glob("death-*"))), "workers": len(workers), "left": len(left),
        "kept": [name for _, name in lines], "here": sum(who == str(os.getpid()) for who, _ in lines),
        "same": (found.n, found.scores, found.headline.value) == (alone.n, alone.scores, alone.headline.value),
        "n": found.n,
    }))
"""
)


@dask
def test_two_workers_give_the_answers_of_one_process_and_nothing_is_inferred_twice(
    object_store: ObjectStore, prefect_server: str, tmp_path: Path
) -> None:
    code, said, log = finished(
        ALIKE, tmp_path, environment(object_store, prefect_server, tmp_path, EVERGREEN_DASK="local")
    )
    assert code == 0, log[-3000:]
    found = json.loads(said.strip().splitlines()[-1])
    assert (found["inferred"], found["left"], found["loaded_again"]) == (COUNT, 0, False)
    assert found["shards"] == 2
    assert found["apart"] < 1e-6 and found["bucket"] < 1e-6


@pytest.mark.parametrize("who", ["", pytest.param("local", marks=dask)], ids=["processes", "dask"])
def test_a_worker_that_is_killed_costs_what_it_had_not_kept_and_the_score_is_that_of_one_process(
    who: str, object_store: ObjectStore, prefect_server: str, tmp_path: Path
) -> None:
    known = environment(object_store, prefect_server, tmp_path, DEATHS="1", **({"EVERGREEN_DASK": who} if who else {}))
    code, said, log = finished(KILLED, tmp_path, known)
    assert code == 0, log[-3000:]
    found = json.loads(said.strip().splitlines()[-1])
    assert (found["deaths"], found["n"], found["same"]) == (1, COUNT, True)
    assert found["workers"] >= 2, "both worked, and somebody took over"
    assert len(found["kept"]) == len(set(found["kept"])) == COUNT, "no image was computed again after it was kept"


def test_processes_that_are_killed_again_and_again_leave_the_rest_to_the_flow_and_nothing_is_computed_twice(
    object_store: ObjectStore, prefect_server: str, tmp_path: Path
) -> None:
    code, said, log = finished(KILLED, tmp_path, environment(object_store, prefect_server, tmp_path, DEATHS="9"))
    assert code == 0, log[-3000:]
    found = json.loads(said.strip().splitlines()[-1])
    assert (found["n"], found["same"]) == (COUNT, True)
    assert len(found["kept"]) == len(set(found["kept"])) == COUNT, "no image was computed again after it was kept"
    assert found["workers"] >= 2, "both worked, or one took over"
    assert found["deaths"] >= 1 and found["here"] > 0, "what workers left undone the flow inferred itself"
