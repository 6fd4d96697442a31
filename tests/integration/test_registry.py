"""A real MLflow server keeps one version per set of bytes, shows it, and gives back exactly those bytes."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import numpy as np
import pytest

from tasks.adapters.ledger.store import Ledger
from tasks.adapters.registry import Registry, Sample
from tasks.adapters.yolo_load import ultralytics
from tasks.domain.card import VersionCard
from tasks.domain.errors import ConfigError, NotFound, RegistryUnavailable, UnsafeModel
from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.model import Kind, ModelRef
from tasks.domain.promotion import Promotion, PromotionKind
from tasks.promote.reconcile import ReconcileReport, reconcile

pytestmark = pytest.mark.integration

CARD = VersionCard(
    params={"epochs": "2", "lr0": "0.01"},
    metrics={"metrics/accuracy_top1": 0.8, "not/measured": float("nan")},
    curves=({"epoch": 1, "train/loss(B)": 1.0}, {"epoch": 2, "train/loss(B)": 0.5}),
    dataset_name="cells-train",
    dataset_uri="s3://bucket/cells/evergreen/datasets/train.parquet",
    dataset_digest="ab" * 32,
    description="first",
)


@dataclass
class Server:
    """A running MLflow: its address, and the folder where its artifacts lie."""

    url: str
    artifacts: Path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("mlflow-server")
    url = f"http://127.0.0.1:{(port := free_port())}"
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--artifacts-destination", str(home / "artifacts")]
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "HOME": str(home),
    }
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *options, *stores],
            cwd=home,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until_it_answers(url, process, home / "server.log")
        yield Server(url, home / "artifacts")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1000):
        try:
            httpx.get(f"{url}/api/2.0/mlflow/experiments/search?max_results=1", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            time.sleep(0.2)
    pytest.fail(f"MLflow did not answer: {log.read_text(errors='replace')[-2000:]}")


@dataclass
class Fault:
    """What the proxy does to the next `times` requests whose method and path fit."""

    method: str
    path: str
    what: str  # lost_reply | refuse | corrupt
    times: int = 1
    after: int = 0

    def hits(self, method: str, path: str) -> bool:
        if method != self.method or self.path not in path or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Proxy:
    """A relay to MLflow that can lose replies after the request was applied."""

    url: str
    faults: list[Fault] = field(default_factory=list)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    state = Proxy(url="")

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = next((one for one in state.faults if one.hits(self.command, self.path)), None)
            if fault and fault.what == "refuse":
                self.send_error(500)
                return
            if fault and fault.what == "corrupt":
                body = body[:-1] + bytes([body[-1] ^ 1])
            kept = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "connection")}
            answer = httpx.request(self.command, server.url + self.path, content=body, headers=kept, timeout=30)
            if fault and fault.what == "lost_reply":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = relay  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.url = f"http://127.0.0.1:{listener.server_address[1]}"
    yield state
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A registered model for this test alone."""
    return "m " + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:10]


@pytest.fixture
def registry(server: Server) -> Registry:
    return Registry(server.url)


def some_weights(folder: Path, name: str, text: str = "weights") -> tuple[ModelRef, Path]:
    """A version whose bytes nobody loads."""
    path = folder / f"{text}.pt"
    path.write_bytes(text.encode() * 1000)
    return reference(name, path), path


def reference(name: str, path: Path, kind: Kind = Kind.CLASSIFY) -> ModelRef:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ModelRef(name=name, sha256=sha256, uri="s3://bucket/x.pt", kind=kind, classes=("ok", "crack"), imgsz=64)


def ask(server: Server, path: str) -> Any:
    return httpx.get(f"{server.url}/api/2.0/mlflow/{path}", timeout=20).raise_for_status().json()


def runs_of(server: Server, experiment: str) -> list[Any]:
    found = ask(server, f"experiments/get-by-name?experiment_name={experiment.replace(' ', '%20')}")["experiment"]
    asked = {"experiment_ids": [found["experiment_id"]]}
    answer = httpx.post(f"{server.url}/api/2.0/mlflow/runs/search", json=asked, timeout=20)
    return list(answer.raise_for_status().json()["runs"])


def stored_run(server: Server, registry: Registry, name: str, version: int) -> Any:
    found = next(one for one in registry.versions(name) if one.version == version)
    return ask(server, f"runs/get?run_id={found.run_id}")["run"]


def stored_weights(server: Server, registry: Registry, name: str, version: int) -> Path:
    found = next(one for one in registry.versions(name) if one.version == version)
    return next(server.artifacts.rglob(f"{found.model_id}/artifacts/artifacts/weights.pt"))


def evaluation(sha256: str, value: float = 0.8) -> Evaluation:
    return Evaluation(
        model_sha256=sha256,
        dataset="golden",
        digest="cd" * 32,
        protocol="p1",
        metric="accuracy",
        headline=Interval(value=value, low=0.7, high=float("nan")),
        n=40,
        metrics={"f1/ok": 0.9, "f1/crack": float("nan")},
    )


def test_the_same_bytes_are_one_version_with_its_card(
    server: Server, registry: Registry, name: str, tmp_path: Path
) -> None:
    ref, path = some_weights(tmp_path, name)
    assert registry.register(ref, path, CARD) == registry.register(ref, path, CARD) == 1
    run = stored_run(server, registry, name, 1)
    assert {row["key"]: row["value"] for row in run["data"]["params"]} == {"epochs": "2", "lr0": "0.01"}
    assert {row["key"]: row["value"] for row in run["data"]["metrics"]} == {
        "metrics/accuracy_top1": 0.8,
        "train/loss_B_": 0.5,
    }
    curve = ask(server, f"metrics/get-history?run_id={run['info']['run_id']}&metric_key=train/loss_B_")["metrics"]
    assert [(point["step"], point["value"]) for point in curve] == [(1, 1.0), (2, 0.5)]
    dataset = run["inputs"]["dataset_inputs"][0]["dataset"]
    assert (dataset["name"], dataset["digest"]) == ("cells-train", "ab" * 18)
    assert "s3://bucket/cells" in dataset["source"]
    assert run["info"]["status"] == "FINISHED"


def test_two_versions_have_two_numbers_and_one_page_that_compares_them(
    registry: Registry, name: str, tmp_path: Path
) -> None:
    numbers = [registry.register(*some_weights(tmp_path, name, text), CARD) for text in ("one", "two")]
    assert numbers == [1, 2]
    runs = [one.run_id for one in registry.versions(name)]
    url = unquote(registry.compare_url(name, [2, 1, 99]))
    assert f'name="{name}"&runs={{"2":"{runs[1]}","1":"{runs[0]}"}}&workflowType=machine_learning' in url


@pytest.mark.parametrize("lost", ["registered-models/create", "runs/create", "logged-models", "model-versions/create"])
def test_a_reply_lost_after_the_server_did_it_leaves_one_live_version(
    server: Server, registry: Registry, proxy: Proxy, name: str, tmp_path: Path, lost: str
) -> None:
    proxy.faults.append(Fault("POST", f"/mlflow/{lost}", "lost_reply"))
    ref, path = some_weights(tmp_path, name)
    assert Registry(proxy.url).register(ref, path, CARD) == 1
    assert proxy.faults[0].times == 0
    versions = registry.versions(name)
    assert [one.version for one in versions if not one.duplicate] == [1]
    assert len(versions) == (2 if lost == "model-versions/create" else 1)
    assert len(runs_of(server, f"{name}/train")) == 1
    assert registry.register(ref, path, CARD) == 1


@pytest.mark.parametrize("what", ["refuse", "corrupt"])
def test_an_upload_that_fails_half_way_registers_nothing_and_the_next_attempt_does(
    registry: Registry, proxy: Proxy, name: str, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    fault = Fault("PUT", "weights.pt", what, times=1)
    proxy.faults.append(fault)
    ref, path = some_weights(tmp_path, name)
    with pytest.raises(RegistryUnavailable):
        Registry(proxy.url).register(ref, path, CARD)
    assert fault.times == 0
    assert registry.versions(name) == []
    assert Registry(proxy.url).register(ref, path, CARD) == 1
    assert registry.download(name, 1, tmp_path / "cache").path.read_bytes() == path.read_bytes()


def test_weights_that_are_not_what_they_are_called_are_not_registered(
    registry: Registry, name: str, tmp_path: Path
) -> None:
    ref, path = some_weights(tmp_path, name)
    path.write_bytes(b"other")
    with pytest.raises(UnsafeModel):
        registry.register(ref, path, CARD)
    assert registry.versions(name) == []


def test_serving_gets_the_champion_once_and_again_when_its_cache_was_damaged(
    registry: Registry, name: str, tmp_path: Path
) -> None:
    ref, path = some_weights(tmp_path, name)
    registry.set_alias(name, "champion", registry.register(ref, path, CARD))
    first = registry.download(name, "champion", tmp_path / "cache")
    assert (first.sha256, first.version, first.path.read_bytes()) == (ref.sha256, 1, path.read_bytes())
    before = first.path.stat().st_ino
    assert registry.download(name, "champion", tmp_path / "cache").path.stat().st_ino == before
    first.path.write_bytes(b"damaged")
    assert registry.download(name, "champion", tmp_path / "cache").path.read_bytes() == path.read_bytes()
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == [f"{name}-v1"]


def test_artifacts_that_were_replaced_or_deleted_on_the_server_are_refused(
    server: Server, registry: Registry, name: str, tmp_path: Path
) -> None:
    registry.register(*some_weights(tmp_path, name), CARD)
    there = stored_weights(server, registry, name, 1)
    there.write_bytes(b"replaced")
    with pytest.raises(UnsafeModel):
        registry.download(name, 1, tmp_path / "cache")
    there.unlink()
    with pytest.raises(NotFound, match="empty shell"):
        registry.download(name, 1, tmp_path / "cache")


def test_a_missing_champion_model_or_version_is_said_in_a_sentence(
    registry: Registry, name: str, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="has no 'champion'"):
        registry.download("never heard of", "champion", tmp_path)
    registry.register(*some_weights(tmp_path, name), CARD)
    with pytest.raises(NotFound, match="evergreen reconcile"):
        registry.download(name, "champion", tmp_path)
    with pytest.raises(NotFound):
        registry.set_alias(name, "champion", 7)
    with pytest.raises(NotFound):
        registry.describe(name, 7, "text")


def test_an_alias_is_set_moved_and_taken_away_and_each_twice(registry: Registry, name: str, tmp_path: Path) -> None:
    for text in ("one", "two"):
        registry.register(*some_weights(tmp_path, name, text), CARD)
    for version in (1, 1, 2):
        registry.set_alias(name, "champion", version)
        assert registry.aliases(name) == {"champion": version}
    registry.delete_alias(name, "champion")
    registry.delete_alias(name, "champion")
    assert registry.aliases(name) == {}


def test_an_evaluation_stands_beside_the_version_once_and_follows_a_second_measurement(
    server: Server, registry: Registry, name: str, tmp_path: Path
) -> None:
    ref, path = some_weights(tmp_path, name)
    registry.register(ref, path, CARD)
    runs = {registry.log_evaluation(name, 1, evaluation(ref.sha256, value)) for value in (0.8, 0.8, 0.9)}
    assert len(runs) == 1
    shown = {row["key"]: row["value"] for row in stored_run(server, registry, name, 1)["data"]["metrics"]}
    assert shown["golden/accuracy"] == 0.9
    assert shown["golden/accuracy_low"] == 0.7
    assert "golden/accuracy_high" not in shown
    assert "golden/f1/crack" not in shown
    model_id = registry.versions(name)[0].model_id
    metrics = ask(server, f"logged-models/{model_id}")["model"]["data"]["metrics"]
    assert {(row["key"], row["dataset_name"]) for row in metrics} >= {("accuracy", "golden"), ("f1/ok", "golden")}
    with pytest.raises(ConfigError, match="evaluated was"):
        registry.log_evaluation(name, 1, evaluation("f" * 64))


def test_sample_pictures_are_sent_once(server: Server, registry: Registry, name: str, tmp_path: Path) -> None:
    registry.register(*some_weights(tmp_path, name), CARD)
    samples = [Sample(name=str(grey), pixels=np.full((32, 32, 3), grey, np.uint8)) for grey in (0, 100)]
    registry.log_images(name, 1, samples)
    registry.log_images(name, 1, samples)
    run = registry.versions(name)[0].run_id
    pictures = [
        path for path in server.artifacts.rglob(f"{run}/artifacts/images/predictions*") if path.suffix == ".png"
    ]
    assert len(pictures) == 2


def test_every_promotion_is_one_run(server: Server, registry: Registry, name: str, tmp_path: Path) -> None:
    registry.ensure_model(name)
    moves = [
        Promotion(
            model=name,
            seq=seq,
            kind=PromotionKind.BOOTSTRAP,
            from_sha256="",
            to_sha256="a" * 64,
            approval_id=None,
            actor="ada",
            reason="",
            at=datetime(2026, 11, 21, tzinfo=UTC),
        )
        for seq in (1, 2)
    ]
    registry.log_promotions(name, moves[:1], {"a" * 64: 1})
    registry.log_promotions(name, moves, {"a" * 64: 1})
    names = [run["info"]["run_name"] for run in runs_of(server, f"{name}/promotions")]
    assert sorted(names) == ["0001-bootstrap-v?-to-v1", "0002-bootstrap-v?-to-v1"]


def test_a_long_page_is_cut_at_a_line(server: Server, registry: Registry, name: str, tmp_path: Path) -> None:
    registry.register(*some_weights(tmp_path, name), CARD)
    registry.describe(name, 1, "\n".join(f"line {number}" for number in range(2000)))
    shown = ask(server, f"model-versions/get?name={name.replace(' ', '%20')}&version=1")["model_version"]["description"]
    assert 4900 < len(shown) <= 5000
    lines = shown.split("\n\n")[0].splitlines()
    assert lines == [f"line {number}" for number in range(len(lines))]


def test_a_server_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryUnavailable):
        Registry(f"http://127.0.0.1:{free_port()}").download("x", "champion", tmp_path)


def test_what_mlflow_refuses_is_a_configuration_error(registry: Registry, name: str, tmp_path: Path) -> None:
    registry.register(*some_weights(tmp_path, name), CARD)
    with pytest.raises(ConfigError):
        registry.set_alias(name, "latest", 1)


@pytest.mark.parametrize(("kind", "plan"), [(Kind.CLASSIFY, "yolo11n-cls.yaml"), (Kind.DETECT, "yolo11n.yaml")])
def test_the_champion_loads_and_predicts_by_its_mlflow_address_and_refuses_replaced_weights(
    server: Server,
    registry: Registry,
    name: str,
    tmp_path: Path,
    kind: Kind,
    plan: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import mlflow

    path = tmp_path / "best.pt"
    ultralytics().YOLO(plan).save(str(path))
    ref = reference(name, path, kind)
    registry.set_alias(name, "champion", registry.register(ref, path, CARD))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    pictures = np.zeros((2, 64, 64, 3), np.uint8)
    answers = mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(pictures)
    assert len(answers) == 2
    if kind is Kind.CLASSIFY:
        assert sum(answers[0]["scores"]) == pytest.approx(1.0, abs=1e-3)
    else:
        assert set(answers[0]) == {"boxes", "scores", "classes"}
    stored_weights(server, registry, name, 1).write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="not loaded"):
        mlflow.pyfunc.load_model(f"models:/{name}@champion")


def test_the_ledger_is_mirrored_and_an_edit_by_hand_is_set_back(registry: Registry, name: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.upgrade(url)
    (first, one), (second, two) = (some_weights(tmp_path, name, text) for text in ("one", "two"))
    files = {first.sha256: one, second.sha256: two}
    with Ledger.open(url) as ledger:
        for ref in (first, second):
            ledger.versions.add(ref, "bootstrap")
        ledger.promotions.move(
            name, PromotionKind.BOOTSTRAP, expected_from="", to=first.sha256, actor="ada", reason="first"
        )
        report = reconcile(ledger, registry, name, weights=lambda ref: files[ref.sha256])
        assert (report.failed, report.out_of_band) == ((), ())
        champion = ledger.versions.get(name, first.sha256).ref.version
        assert registry.aliases(name) == {"champion": champion}
        other = ledger.versions.get(name, second.sha256).ref.version
        registry.set_alias(name, "champion", other)
        report = reconcile(ledger, registry, name, weights=lambda ref: files[ref.sha256])
        assert len(report.out_of_band) == 1
        assert registry.aliases(name) == {"champion": champion}
        assert str(reconcile(ledger, registry, name)) == "MLflow agrees with the ledger"


def test_four_that_mirror_the_ledger_at_once_register_every_version_once(
    server: Server, registry: Registry, name: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.upgrade(url)
    made = [some_weights(tmp_path, name, text) for text in ("one", "two")]
    files = {ref.sha256: path for ref, path in made}
    with Ledger.open(url) as ledger:
        for ref, _ in made:
            ledger.versions.add(ref, "bootstrap")
        start = threading.Barrier(4)

        def mirror(_: int) -> ReconcileReport:
            start.wait()
            return reconcile(ledger, Registry(server.url), name, weights=lambda ref: files[ref.sha256])

        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(mirror, range(4)))
    assert [report.failed for report in reports] == [()] * 4
    assert sum(len(report.registered) for report in reports) == 2
    assert [(one.version, one.duplicate) for one in registry.versions(name)] == [(1, False), (2, False)]
