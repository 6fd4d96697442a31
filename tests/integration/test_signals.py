"""Alerts over real protocols, metrics scraped by a real Prometheus, pages in a real browser, logs of a real Prefect."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.metrics import exposition
from tasks.adapters.notify import channels
from tasks.alert.delivery import Delivered, deliver
from tasks.alert.history import History
from tasks.alert.message import alert_for
from tasks.alert.rules import AlertRules
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.model import Kind, ModelRef
from tasks.domain.promotion import PromotionKind
from tasks.domain.serving import SERVING, Figures, Latency, Served, Tallies, figures_json
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict, verdict_json
from tasks.domain.window import Window
from tasks.report.server import Site, server
from tests.fakes.webhook import Webhook, webhook

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOSTILE = "<img src=x onerror=alert(1)> {{7*7}} =cmd()"


class Mail:
    """An SMTP server's mailbox."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - its name there
        self.letters.append(envelope.content)
        return "250 OK"


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as running:
        yield running


@pytest.fixture
def smtp() -> Iterator[tuple[Mail, int]]:
    mail = Mail()
    controller = Controller(mail, hostname="127.0.0.1", port=free_port(), loop=asyncio.new_event_loop())
    controller.start()
    yield mail, controller.port
    controller.stop()


def free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as probe:
        return probe.server_port


class Clock:
    def __init__(self) -> None:
        self.present = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.present


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    Ledger.upgrade(f"sqlite:///{tmp_path}/ledger.db")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", clock) as opened:
        yield opened


BURN = Finding(check="burn_rate_1h", subject="latency", outcome=Outcome.OK, value=0.2, limit=14.4, n=10)


def served() -> Figures:
    latency = {"total": Latency(n=9, quantiles=(20.0, 40.0, 60.0), largest=61.0)}
    whole = Served(where="all", requests=10, failed=1, error_rate=0.1, per_second=0.003, latency=latency)
    return Figures(groups=(whole,), per_hour=(), busiest=0.1, reasons={}, tallies=Tallies(start=START, seconds=60))


def judge(book: Ledger, number: int, outcome: Outcome) -> None:
    """Commit one hour with that verdict, as the monitor flow does."""
    window = Window(START + number * HOUR, START + (number + 1) * HOUR)
    finding = Finding(
        check="shift", subject=HOSTILE, outcome=outcome, slice="camera=line-1", value=1.4, limit=0.5, n=48
    )
    cause = Cause(kind=CauseKind.CAMERA, summary=HOSTILE, cameras=("line-1",))
    sick = outcome is Outcome.BREACH
    verdict = Verdict(
        outcome=outcome, action=Action.FIX_CAMERA if sick else Action.NONE, sentence=f"{HOSTILE} {number}",
        causes=(cause,) if sick else (),
        reports=(Report(stage=Stage.DRIFT, findings=(finding,)), Report(stage=Stage.SERVING, findings=(BURN,))),
    )  # fmt: skip
    earlier = [row.verdict for row in reversed(book.windows.latest("solar")) if row.verdict]
    intent = alert_for("solar", window, verdict, History(earlier=earlier), AlertRules())
    claim = book.windows.claim("solar", window, "worker")
    assert claim is not None
    facts = WindowFacts(
        listed=10,
        accepted=9,
        quarantined={"truncated_image": 1},
        artifacts={SERVING: json.dumps(figures_json(served()))},
    )
    book.windows.commit(claim, verdict, facts, [intent] if intent else [])
    assert verdict_json(verdict)


def test_slack_webhook_and_mail_each_get_exactly_one_alert_and_one_resolve(
    book: Ledger, hook: Webhook, smtp: tuple[Mail, int]
) -> None:
    mail, mail_port = smtp
    base = f"127.0.0.1:{hook.server_port}"
    sinks = channels([
        f"slack+http://{base}/slack", f"json://{base}/hook",
        f"mailto://127.0.0.1:{mail_port}?from=evergreen@example.org&to=line@example.org&mode=insecure",
    ])  # fmt: skip
    for number, outcome in enumerate([Outcome.OK, Outcome.BREACH, Outcome.BREACH, Outcome.BREACH, Outcome.OK]):
        judge(book, number, outcome)
        deliver(book, sinks)
        deliver(book, sinks)
    by_path = {path: [body for at, body in hook.posts if at == path] for path in ("/slack", "/hook")}
    assert [body["type"] for body in by_path["/hook"]] == ["failure", "success"]
    assert [body["text"][:1] for body in by_path["/slack"]] == ["🔴", "🟢"]
    letters = [email.message_from_bytes(raw, policy=email.policy.default) for raw in mail.letters]
    assert ["Degraded" in letter["Subject"] for letter in letters] == [True, False]


def test_a_strange_name_is_text_in_every_channel(book: Ledger, hook: Webhook, smtp: tuple[Mail, int]) -> None:
    mail, mail_port = smtp
    judge(book, 0, Outcome.BREACH)
    urls = [
        f"slack+http://127.0.0.1:{hook.server_port}/slack",
        f"mailto://127.0.0.1:{mail_port}?to=a@example.org&mode=insecure&from=e@example.org",
    ]
    assert deliver(book, channels(urls)) == Delivered(sent=2)
    ((_, slack),) = hook.posts
    assert all(block.get("text", {}).get("type") != "mrkdwn" for block in slack["blocks"])
    letter = email.message_from_bytes(mail.letters[0], policy=email.policy.default)
    for part in letter.walk():
        if part.get_content_type() == "text/html":
            assert "<img" not in part.get_content()


def test_an_alert_outlives_an_outage_and_arrives_once(book: Ledger, hook: Webhook, clock: Clock) -> None:
    sinks = channels([f"slack+http://127.0.0.1:{hook.server_port}/slack"])
    hook.status = 503
    judge(book, 0, Outcome.BREACH)
    for _ in range(3):
        assert deliver(book, sinks) == Delivered(failed=1)
        clock.present += timedelta(minutes=10)
    hook.status = 200
    assert deliver(book, sinks) == Delivered(sent=1)
    clock.present += timedelta(hours=2)
    deliver(book, sinks)
    assert len(hook.posts) == 1


@pytest.fixture
def pages(book: Ledger) -> Iterator[int]:
    script = b"<p id=a>before</p><script>document.getElementById('a').textContent='ran '+self.origin</script>"
    leak = (
        b"<img src='http://127.0.0.1:1/leak'><script>fetch('/metrics').catch(()=>{document.title='no fetch'})</script>"
    )
    site = Site(index=lambda: b"", metrics=lambda: exposition(lambda: book), page=lambda _: script + leak)
    with server(site, 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join()


def wait_for(answer: Callable[[], Any]) -> Any:
    for _ in range(300):
        try:
            if found := answer():
                return found
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError("no answer in time")


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")
def test_a_real_prometheus_scrapes_evaluates_the_rules_and_answers_the_dashboard(
    book: Ledger, pages: int, tmp_path: Path
) -> None:
    sha256 = "a" * 64
    ref = ModelRef(
        name="solar", sha256=sha256, uri="s3://b/k", kind=Kind.DETECT, classes=("crack",), imgsz=640, version=1
    )
    book.versions.add(ref, "bootstrap")
    book.promotions.move("solar", PromotionKind.BOOTSTRAP, "", sha256, "Ana", "first")
    judge(book, 0, Outcome.BREACH)
    config = Path("infra/prometheus/prometheus.yml").read_text("utf-8")
    config = config.replace("60s", "1s").replace("20s", "1s").replace("127.0.0.1:9464", f"127.0.0.1:{pages}")
    config = config.replace("rules/", f"{Path('infra/prometheus/rules').resolve()}/")
    (tmp_path / "prometheus.yml").write_text(config)
    port = free_port()
    words = [
        "prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10) as ask:
            check_answers(
                lambda query: ask.get("/query", params={"query": query}).raise_for_status().json()["data"]["result"]
            )
    finally:
        running.terminate()
        running.wait()


def check_answers(value: Callable[[str], list[dict[str, Any]]]) -> None:
    found = wait_for(lambda: value('evergreen:finding_ratio{stage="drift"}'))
    assert round(float(found[0]["value"][1]), 4) == 2.8
    assert found[0]["metric"]["subject"] == HOSTILE
    assert wait_for(lambda: value('ALERTS{alertname="EvergreenVerdictBreach"}'))
    assert wait_for(lambda: value("increase(evergreen_images_total[1d])"))  # two scrapes
    board = json.loads(Path("infra/grafana/dashboards/evergreen.json").read_text("utf-8"))
    asked = {target["expr"] for panel in board["panels"] for target in panel["targets"]}
    silent = {expr for expr in asked if not value(expr.replace("$model", ".*"))}
    needs_labels = ("evergreen_performance", "evergreen_label")
    assert {expr for expr in silent if not expr.startswith(needs_labels)} == set()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_runs_a_pages_own_script_without_origin_and_loads_nothing(pages: int) -> None:
    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        view = browser.new_page()
        asked: list[str] = []
        view.on("requestfinished", lambda request: asked.append(request.url))
        address = f"http://127.0.0.1:{pages}/pages/solar/evergreen/windows/1/report.html"
        view.goto(address)
        view.wait_for_function("document.title === 'no fetch'")
        assert view.text_content("#a") == "ran null"
        browser.close()
    assert asked == [address]
