"""A notice in Slack's block format, in which nothing that a camera or class is called can mention or link."""

from __future__ import annotations

from typing import Any

from tasks.domain.notice import Notice, Severity

_SIGN = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟡", Severity.RESOLVED: "🟢"}

HEADER_LIMIT, FIELD_LIMIT, TEXT_LIMIT, FIELDS = 150, 2_000, 3_000, 10
"""Slack refuses blocks that are longer than this; FIELDS is per section.

Source: Slack's Block Kit reference.
"""


def slack_blocks(notice: Notice) -> dict[str, Any]:
    """The body of a webhook call: a short text for the notification, blocks for the channel."""
    title = f"{_SIGN[notice.severity]} {notice.title}"
    blocks = [{"type": "header", "text": _plain(title, HEADER_LIMIT)}, _section(notice.sentence)]
    fields = [_plain(f"{fact.label}\n{fact.value}", FIELD_LIMIT) for fact in notice.facts]
    blocks += [{"type": "section", "fields": fields[at : at + FIELDS]} for at in range(0, len(fields), FIELDS)]
    if notice.todo:
        blocks.append(_section(f"What to do: {notice.todo}"))
    if notice.links:
        text = " · ".join(f"<{_address(link.url)}|{_escaped(link.label)}>" for link in notice.links)
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text[:TEXT_LIMIT]}})
    blocks.append({"type": "context", "elements": [_plain(notice.key, FIELD_LIMIT)]})
    return {"text": _escaped(title)[:TEXT_LIMIT], "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _plain(text, TEXT_LIMIT)}


def _plain(text: str, limit: int) -> dict[str, Any]:
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return {"type": "plain_text", "text": cut or "–", "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "¦")


def _address(url: str) -> str:
    return url.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace("&", "&amp;")
