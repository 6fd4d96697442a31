import datetime
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tasks.stack import machine_checks
from tasks.stack.check import Check, Level
from tasks.stack.doctor import check_environment, check_ports, healthy
from tasks.stack.home import Home, addresses
from tasks.stack.plan import PLAN, project_digest
from tasks.stack.ports import PREFERRED
from tasks.stack.prefect_api import POOLS, ActiveRun, lives, process_template
from tasks.stack.servers import worker
from tasks.stack.service import Service, Site
from tasks.stack.signed import SignedS3, signature_headers


def levels(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.level.value for check in checks}


def test_the_versions_that_are_installed_here_go_together() -> None:
    assert set(levels(machine_checks.check_versions()).values()) == {"ok"}


@pytest.mark.parametrize(
    ("package", "version", "level"),
    [
        ("fastapi", "0.150.9", "ok"),
        ("fastapi", "0.151.0", "fail"),
        ("fastapi", "1.0", "fail"),
        ("sqlalchemy", "2.0.58", "ok"),
        ("sqlalchemy", "2.1.0b1", "fail"),
        ("pandas", "3.0.6", "ok"),
        ("pandas", "3.1.0", "fail"),
        ("pandas", None, "fail"),
    ],
)
def test_a_trap_is_seen_from_its_first_version_on(package: str, version: str | None, level: str) -> None:
    checks = machine_checks.check_versions(lambda name: version if name == package else "0.1")
    assert levels(checks)[package] == level


def test_every_failure_says_what_to_do() -> None:
    checks = [
        *machine_checks.check_versions(lambda name: "99.0"),
        *machine_checks.check_imports(lambda: {"nms": "operator does not exist"}),
    ]
    failed = [check for check in checks if check.level is Level.FAIL]
    assert len(failed) == 5
    assert all(check.advice for check in failed)
    assert not healthy(checks)


def test_no_gpu_is_no_fault_and_no_mlflow_is_one() -> None:
    checks = machine_checks.check_imports(lambda: {"nms": "", "gpus": [], "mlflow_error": "no __version__"})
    assert levels(checks) == {"torchvision": "ok", "gpu": "ok", "mlflow package": "fail"}


def test_a_probe_that_died_is_reported_not_raised() -> None:
    checks = machine_checks.check_imports(lambda: {"error": "the import probe failed"})
    assert levels(checks)["torchvision"] == "fail"


def test_space_is_measured_where_the_home_will_be_made(tmp_path: Path) -> None:
    assert {check.name for check in machine_checks.check_space(tmp_path / "not" / "yet")} == {"disk", "memory"}


def test_warnings_do_not_make_the_doctor_fail() -> None:
    assert healthy([Check(name="x", level=Level.WARN, found=""), Check(name="y", level=Level.OK, found="")])


def test_a_shell_that_leads_elsewhere_is_pointed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(path=tmp_path / "home")
    home.create()
    home.remember(addresses(home, PREFERRED))
    monkeypatch.setenv("EVERGREEN_BUCKET", "production")
    check = check_environment(home)
    assert check.level is Level.WARN
    assert "EVERGREEN_BUCKET" in check.found


def test_ports_of_strangers_are_a_warning_at_most(tmp_path: Path) -> None:
    assert check_ports(Home(path=tmp_path)).level in {Level.OK, Level.WARN}


@pytest.mark.parametrize(("method", "path", "body"), [("GET", "/bucket/a key/ü.txt", b""), ("PUT", "/b/k", b"bytes")])
def test_signatures_are_those_that_botocore_makes(method: str, path: str, body: bytes) -> None:
    server = SignedS3(endpoint="http://127.0.0.1:8333", access_key="AK", secret_key="SK")
    now = datetime.datetime.now(datetime.UTC)
    ours = signature_headers(server, method, path, body, now)
    url = server.endpoint + "".join(
        c if c.isascii() and c != " " else "".join(f"%{b:02X}" for b in c.encode()) for c in path
    )
    request = AWSRequest(
        method=method, url=url, data=body, headers={"X-Amz-Content-SHA256": ours["x-amz-content-sha256"]}
    )
    request.context.update({"timestamp": ours["x-amz-date"], "payload_signing_enabled": True})
    signer = S3SigV4Auth(Credentials("AK", "SK"), "s3", "us-east-1")
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours["authorization"].endswith(signer.signature(text, request))


def test_secrets_are_not_in_the_name_of_the_server() -> None:
    assert "SK" not in repr(SignedS3(endpoint="http://x", access_key="AK", secret_key="SK"))


def test_a_run_without_a_process_does_not_live_and_neither_does_one_whose_number_was_reused() -> None:
    assert not lives(ActiveRun(id="a", name="n", pool="cpu", pid=0))
    assert not lives(ActiveRun(id="a", name="n", pool="cpu", pid=psutil.Process().pid))
    assert not lives(ActiveRun(id="a", name="n", pool="cpu", pid=99_999_999))


def test_the_pool_template_comes_without_importing_prefect_or_asking_anybody() -> None:
    template: dict[str, Any] = process_template()
    assert {"env", "working_dir"} <= set(template["variables"]["properties"])


def test_the_plan_is_in_an_order_that_its_dependencies_allow() -> None:
    seen: set[str] = set()
    for entry in PLAN:
        assert set(entry.after) <= seen, entry.name
        assert entry.name not in seen
        seen.add(entry.name)


def test_every_port_is_on_this_machine_only(tmp_path: Path) -> None:
    home = Home(path=tmp_path)
    site = Site(home=home, project=None, ports=PREFERRED, token="t", variables=addresses(home, PREFERRED))
    services = [entry for entry in PLAN if isinstance(entry, Service)]
    for service in services:
        words = [*service.command(site), *service.environment(site).values()]
        assert not any("0.0.0.0" in word or "localhost:0" in word for word in words)  # noqa: S104
        assert not any(site.s3.secret_key in word for word in service.command(site))
    s3 = " ".join(next(service for service in services if service.name == "s3").command(site))
    assert all(str(port) in s3 for name, port in PREFERRED.items() if name not in {"mlflow", "prefect", "pages"})


def test_the_workers_log_as_our_file_says(tmp_path: Path) -> None:
    home = Home(path=tmp_path)
    site = Site(home=home, project=None, ports=PREFERRED, token="t", variables=addresses(home, PREFERRED))
    for pool in POOLS:
        named = Path(worker(pool).environment(site)["PREFECT_LOGGING_SETTINGS_PATH"])
        handlers = yaml.safe_load(named.read_text("utf-8"))["loggers"]["tasks"]["handlers"]
        assert handlers == ["console", "api"]  # the log file, and the run's page


def test_a_changed_flow_changes_the_digest_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "prefect.yaml").write_text("name: x")
    (tmp_path / "flows" / "a.py").write_text("1")
    before = project_digest(tmp_path)
    (tmp_path / "flows" / "a.py").write_text("2")
    assert project_digest(tmp_path) != before


def test_the_commands_do_not_import_the_stack_before_they_run() -> None:
    import subprocess

    code = (
        "import sys, tasks.cli.stack_commands;"
        "print([m for m in ('httpx', 'prefect', 'mlflow', 'torch', 'tasks.stack.start') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
