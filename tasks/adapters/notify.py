"""Channels that take a notice to people: Slack webhooks by our own blocks, everything else through apprise.

A channel's URL is a secret as a whole. Only `name` (scheme, host and six digits that tell channels of one host
apart) is ever logged, stored or raised. Delivery is at least once: `Notice.key` travels with every message.
"""

from __future__ import annotations

import hashlib
import logging
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import httpx

from tasks.adapters.slack_blocks import slack_blocks
from tasks.domain.errors import ConfigError, DeliveryFailed
from tasks.domain.notice import Notice, Severity

TIMEOUT_S = 10.0
"""Seconds that a channel may take to connect, and again to answer."""

SLACK_HOST = "hooks.slack.com"
_SLACK_TEST = {"slack+http": "http", "slack+https": "https"}
_KIND = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.RESOLVED: "success"}
_LOUD = ("httpx", "urllib3.connectionpool")
"""Loggers that write the addresses they call."""

_log = logging.getLogger(__name__)


class Channel(Protocol):
    """Something that takes a notice."""

    @property
    def name(self) -> str:
        """What may be logged and stored: never the URL."""

    def send(self, notice: Notice) -> None:
        """Hand the notice over.

        Raises:
            DeliveryFailed: the channel did not take it.
        """


class SlackChannel:
    """A Slack webhook, or anything that answers like one (`slack+http://host:port/path`)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        scheme = _SLACK_TEST.get(parts.scheme, parts.scheme)
        self.name = _name(parts)
        self._address = parts._replace(scheme=scheme).geturl()
        _keep_out_of_logs(_secrets(url))

    def send(self, notice: Notice) -> None:
        """POST the notice as blocks."""
        try:
            answer = httpx.post(self._address, json=slack_blocks(notice), timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            kind = type(error).__name__
            raise DeliveryFailed(f"{self.name} did not answer: {kind}") from None  # the cause would show the address
        if answer.status_code != httpx.codes.OK:
            raise DeliveryFailed(f"{self.name} refused the message with status {answer.status_code}")


class AppriseChannel:
    """Any service that apprise knows: `json://`, `mailto://`, `msteams://` …"""

    def __init__(self, url: str) -> None:
        self.name = _name(urlsplit(url))
        self._secrets = _secrets(url)
        _keep_out_of_logs(self._secrets)
        self._service, known = _service(url)
        if not known:
            raise ConfigError(f"the alert URL {self.name} is none that apprise understands: check EVERGREEN_ALERT_URLS")

    def send(self, notice: Notice) -> None:
        """Hand the notice to the service as plain text."""
        with _AppriseSilence() as heard:
            taken = self._service.notify(
                title=notice.title,
                body=f"{notice.text()}\n\n[{notice.key}]",
                notify_type=_KIND[notice.severity],
                body_format="text",
            )
        if not taken:
            raise DeliveryFailed(f"{self.name} did not take the message{_because(heard.lines, self._secrets)}")


def _service(url: str) -> tuple[Any, bool]:
    with warnings.catch_warnings(), _AppriseSilence():
        warnings.simplefilter("ignore", DeprecationWarning)  # some of its plug-ins import modules that Python drops
        from apprise import Apprise, AppriseAsset

        service = Apprise(asset=AppriseAsset(async_mode=False, app_id="Evergreen", app_desc="Evergreen"))
        return service, bool(service.add(url))


class LogChannel:
    """Where notices go when nobody configured a channel: the log."""

    name = "log"

    def send(self, notice: Notice) -> None:
        """Write the notice as a warning."""
        _log.warning("%s: %s (no alert channel is configured)", notice.title, notice.sentence)


def channels(urls: Iterable[str]) -> tuple[Channel, ...]:
    """One channel per URL, each with a name of its own; the log when there is no URL.

    Raises:
        ConfigError: a URL that no channel understands; the message does not repeat it.
    """
    opened: dict[str, Channel] = {}
    for url in urls:
        channel: Channel = SlackChannel(url) if _is_slack(url) else AppriseChannel(url)
        opened[channel.name] = channel
    return tuple(opened.values()) or (LogChannel(),)


def _is_slack(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in _SLACK_TEST or (parts.scheme == "https" and parts.hostname == SLACK_HOST)


def _name(parts: SplitResult) -> str:
    shown = re.sub(r"[^a-z0-9+.-]", "", f"{parts.scheme}-{parts.hostname or 'local'}".lower())[:80]
    public = f"{parts.scheme}|{parts.netloc.rpartition('@')[2]}|{parts.path}|{_targets(parts.query)}"
    return f"{shown}-{hashlib.sha256(public.encode()).hexdigest()[:6]}"


def _targets(query: str) -> Sequence[str]:
    return [value for name, value in parse_qsl(query) if name.lower() in {"to", "cc", "bcc"}]


def _secrets(url: str) -> frozenset[str]:
    parts = urlsplit(url)
    values = [parts.username, parts.password, *parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    found = [form for value in values if value for form in (value, unquote(value))]
    return frozenset([url, *(form for form in found if len(form) > 3)])


def _because(lines: Sequence[str], secrets: Iterable[str]) -> str:
    text = "; ".join(lines)
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return f": {text[:300]}" if text else ""


class _Redaction(logging.Filter):
    """Drops log records that hold a part of a channel's address."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: frozenset[str] = frozenset()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is free of addresses."""
        said = record.getMessage()
        return not any(secret in said for secret in self.secrets)


_redaction = _Redaction()


def _keep_out_of_logs(secrets: frozenset[str]) -> None:
    _redaction.secrets |= secrets
    for name in _LOUD:
        logging.getLogger(name).addFilter(_redaction)


class _AppriseSilence(logging.Handler):
    """Keeps what apprise says out of every log (it may hold addresses) and remembers its warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a warning."""
        self.lines.append(record.getMessage())

    def __enter__(self) -> _AppriseSilence:
        logger = logging.getLogger("apprise")
        self._before = (logger.handlers, logger.propagate)
        logger.handlers, logger.propagate = [self], False
        return self

    def __exit__(self, *_: Any) -> None:
        logger = logging.getLogger("apprise")
        logger.handlers, logger.propagate = self._before
