import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tasks.domain.errors import ConfigError
from tasks.stack import processes
from tasks.stack.lock import holder, lock

SLEEP = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(60)"]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True);"
    "print('has a child', flush=True); time.sleep(60)",
]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


@pytest.fixture
def token() -> Iterator[str]:
    token = f"test-{os.getpid()}-{time.monotonic_ns()}"
    yield token
    processes.sweep(token)


def begin(command: list[str], folder: Path, token: str, name: str = "one") -> processes.Identity:
    log = folder / f"{name}.log"
    environment = {**os.environ, **processes.mark(token, name)}
    before = log.stat().st_size if log.exists() else 0
    identity = processes.start(command, environment, folder, log, "launch")
    deadline = time.monotonic() + 20
    while log.stat().st_size == before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return identity


def test_a_started_process_is_recognised_until_it_is_killed(tmp_path: Path, token: str) -> None:
    identity = begin(SLEEP, tmp_path, token)
    assert processes.alive(identity)
    os.kill(identity.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(identity.pid)], timeout=5)
    assert not processes.alive(identity)


def test_another_process_with_the_same_number_is_a_stranger() -> None:
    me = processes.identify(os.getpid())
    assert me is not None
    assert processes.alive(me)
    assert not processes.alive(replace(me, created=me.created - 3_600))


def test_nothing_is_not_alive() -> None:
    assert not processes.alive(None)


def test_a_stranger_with_a_reused_number_is_never_stopped(tmp_path: Path, token: str) -> None:
    identity = begin(SLEEP, tmp_path, token)
    processes.stop([replace(identity, created=identity.created - 3_600)], signal.SIGTERM, 1)
    assert processes.alive(identity)


def test_its_session_is_its_own_and_its_log_is_private(tmp_path: Path, token: str) -> None:
    identity = begin(SLEEP, tmp_path, token)
    assert os.getsid(identity.pid) == identity.pid
    assert stat.S_IMODE((tmp_path / "one.log").stat().st_mode) == 0o600


def test_a_log_is_continued_by_the_next_start(tmp_path: Path, token: str) -> None:
    for _ in range(2):
        processes.stop([begin(SLEEP, tmp_path, token)], signal.SIGTERM, 5)
    assert processes.tail(tmp_path / "one.log", 9) == ["awake", "awake"]


def test_stopping_takes_children_along_that_opened_a_session_of_their_own(tmp_path: Path, token: str) -> None:
    identity = begin(PARENT, tmp_path, token)
    assert len(processes.marked(token)) == 2
    processes.stop([identity], signal.SIGTERM, 5)
    assert processes.marked(token) == []


def test_who_does_not_listen_is_killed(tmp_path: Path, token: str) -> None:
    identity = begin(DEAF, tmp_path, token)
    processes.stop([identity], signal.SIGTERM, 0.2)
    assert not processes.alive(identity)


def test_orphans_are_found_by_their_mark(tmp_path: Path, token: str) -> None:
    identity = begin(PARENT, tmp_path, token, "parent")
    begin(SLEEP, tmp_path, token, "other")
    os.kill(identity.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(identity.pid)], timeout=5)
    assert processes.sweep(token, {"parent"}) == 1
    assert len(processes.marked(token)) == 1


def test_the_tail_is_the_last_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {n}\n" for n in range(5_000)))
    assert processes.tail(path, 2) == ["line 4998", "line 4999"]
    assert processes.tail(path, 0) == []
    assert processes.tail(tmp_path / "none", 5) == []


def test_a_lock_that_is_held_is_refused_with_the_number_of_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(path), pytest.raises(ConfigError, match=str(os.getpid())), lock(path):
        pass
    assert not path.exists()


@pytest.mark.parametrize(
    "left", ['{"pid": 1, "created": 5.0}', '{"pid": 99999999, "created": 5.0}', "", "{}", "rubbish"]
)
def test_a_stale_lock_is_taken_over(tmp_path: Path, left: str) -> None:
    path = tmp_path / "lock"
    path.write_text(left)
    assert holder(path) is None
    with lock(path):
        found = holder(path)
        assert found is not None
        assert found.pid == os.getpid()


def test_a_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(KeyError), lock(path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
