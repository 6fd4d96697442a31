"""`make bench`: every benchmark, one after the other; put what they print into RESULTS.md with the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = ("profile_speed.py", "window_test.py", "ood_rate.py", "window_scale.py", "download_speed.py")


def main() -> int:
    wanted = sys.argv[1:] or list(BENCHMARKS)
    for name in wanted:
        print(f"\n## {name}\n", flush=True)
        done = subprocess.run([sys.executable, str(HERE / name)], check=False)  # noqa: S603 - our own files
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
