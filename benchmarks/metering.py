"""Processor time, time on the wall and highest memory of one piece of work in this process; Linux only."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

MB = 1 << 20


def resident(peak: bool = False) -> int:
    """Bytes of memory that the process holds now, or held at most since the last `forgotten`; Linux only."""
    name = "VmHWM" if peak else "VmRSS"
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def measured(run: Callable[[], object]) -> dict[str, float]:
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")  # the highest size is counted anew
    before, wall, start = resident(), time.monotonic(), time.process_time()
    run()
    return {"cpu": time.process_time() - start, "wall": time.monotonic() - wall, "mb": (resident(True) - before) / MB}
