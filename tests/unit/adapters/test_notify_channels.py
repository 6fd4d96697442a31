"""Channels take a notice exactly, and their addresses stay secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tasks.adapters.notify import AppriseChannel, SlackChannel, channels
from tasks.adapters.slack_blocks import slack_blocks
from tasks.domain.errors import ConfigError, DeliveryFailed
from tasks.domain.notice import Fact, Link, Notice, Severity
from tests.fakes.webhook import Webhook, webhook

CANARY = "c4n4ry-S3cr3t"
NOTICE = Notice(
    key="alert/solar/1", model="solar", severity=Severity.CRITICAL, title="solar: Degraded",
    sentence="line-1 <!channel> <https://evil.example|went> *dark*",
    facts=tuple(Fact(label=f"Observed {i}", value="1.4 sd") for i in range(14)),
    todo="Clean the lens.", links=(Link(label="report|<x>", url="http://127.0.0.1/r?a=1&b=<2>"),),
)  # fmt: skip


@pytest.fixture
def sink() -> Iterator[Webhook]:
    with webhook() as running:
        yield running


def texts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in {"plain_text", "mrkdwn"}:
            yield value
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def test_slack_gets_blocks_within_its_limits(sink: Webhook) -> None:
    SlackChannel(f"slack+http://127.0.0.1:{sink.server_port}/services/T/B/{CANARY}").send(NOTICE)
    ((path, body),) = sink.posts
    assert path == f"/services/T/B/{CANARY}"
    assert body["blocks"][0]["text"]["text"] == "🔴 solar: Degraded"
    assert all(len(block.get("fields", [])) <= 10 for block in body["blocks"])
    assert sum(len(block.get("fields", [])) for block in body["blocks"]) == 14


def test_no_name_can_mention_or_link_in_slack() -> None:
    active = [text["text"] for text in texts(slack_blocks(NOTICE)) if text["type"] == "mrkdwn"]
    assert active == ["<http://127.0.0.1/r?a=1&amp;b=%3C2%3E|report¦&lt;x&gt;>"]


def test_endless_text_is_cut_to_what_slack_takes() -> None:
    long = Notice(
        key="k" * 5000, model="m", severity=Severity.WARNING, title="t" * 5000, sentence="s" * 9000, todo="d" * 9000
    )
    for text in texts(slack_blocks(long)):
        assert len(text["text"]) <= 3000
    assert len(slack_blocks(long)["blocks"][0]["text"]["text"]) <= 150


def test_a_webhook_gets_the_text_with_the_key(sink: Webhook) -> None:
    AppriseChannel(f"json://ana:{CANARY}@127.0.0.1:{sink.server_port}/hook").send(NOTICE)
    ((_, body),) = sink.posts
    assert body["title"] == "solar: Degraded"
    assert body["type"] == "failure"
    for words in ("What to do: Clean the lens.", "Observed 13: 1.4 sd", "[alert/solar/1]"):
        assert words in body["message"]


@pytest.mark.parametrize("scheme", ["slack+http", "json"])
def test_a_refusal_is_a_delivery_failure_without_the_address(
    sink: Webhook, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    sink.status = 500
    caplog.set_level(logging.DEBUG)
    url = f"{scheme}://ana:{CANARY}@127.0.0.1:{sink.server_port}/{CANARY}/x?token={CANARY}"
    (channel,) = channels([url])
    with pytest.raises(DeliveryFailed) as caught:
        channel.send(NOTICE)
    assert "500" in str(caught.value)
    assert CANARY not in str(caught.value) + repr(caught.value.__cause__) + caplog.text + channel.name


@pytest.mark.parametrize("scheme", ["slack+http", "json"])
def test_nobody_there_is_a_delivery_failure_without_the_address(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    (channel,) = channels([f"{scheme}://ana:{CANARY}@127.0.0.1:9/{CANARY}"])
    with pytest.raises(DeliveryFailed) as caught:
        channel.send(NOTICE)
    assert CANARY not in str(caught.value) + caplog.text


def test_success_is_not_logged_with_its_address_either(sink: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for scheme in ("slack+http", "json"):
        (channel,) = channels([f"{scheme}://127.0.0.1:{sink.server_port}/{CANARY}"])
        channel.send(NOTICE)
    assert len(sink.posts) == 2
    assert CANARY not in caplog.text


def test_an_address_that_nobody_understands_is_a_config_error_that_does_not_repeat_it() -> None:
    with pytest.raises(ConfigError) as caught:
        channels([f"carrier-pigeon://{CANARY}@roof/{CANARY}"])
    assert CANARY not in str(caught.value)


def test_without_any_channel_the_log_is_told(caplog: pytest.LogCaptureFixture) -> None:
    (log,) = channels([])
    log.send(NOTICE)
    assert "solar: Degraded" in caplog.text


def test_two_webhooks_of_one_host_are_two_channels_with_lasting_names() -> None:
    urls = [f"https://hooks.slack.com/services/T0/B0/{tail}" for tail in ("aaaa", "bbbb")]
    names = [channel.name for channel in channels(urls)]
    assert len(set(names)) == 2
    assert names[::-1] == [channel.name for channel in channels(urls[::-1])]
