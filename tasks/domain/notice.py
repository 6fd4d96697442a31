"""What people are told: the same words for a chat channel, an e-mail and a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How loud: a breach, something undecided, or good news."""

    CRITICAL = "critical"
    WARNING = "warning"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One labelled value of a notice or a page; both are plain text."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where to read on; `url` is http or https."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message: what happened, the facts a person needs to believe it, what to do, where to look.

    All text is plain: whoever shows it escapes it. `key` is stable across repeated deliveries.
    """

    key: str
    model: str
    severity: Severity
    title: str
    sentence: str
    facts: tuple[Fact, ...] = ()
    todo: str = ""
    links: tuple[Link, ...] = ()

    def text(self) -> str:
        """The whole message as lines of plain text, without the title.

        >>> Notice(key="k", model="m", severity=Severity.RESOLVED, title="t", sentence="All is well.").text()
        'All is well.'
        """
        lines = [self.sentence, ""]
        lines += [f"{fact.label}: {fact.value}" for fact in self.facts]
        lines += ["", f"What to do: {self.todo}"] if self.todo else []
        lines += ["", *(f"{link.label}: {link.url}" for link in self.links)] if self.links else []
        return "\n".join(lines).strip()


def notice_json(notice: Notice) -> dict[str, Any]:
    """The notice as JSON values, for the outbox."""
    return {**asdict(notice), "severity": notice.severity.value}


def notice_from_json(data: Mapping[str, Any]) -> Notice:
    """The inverse of `notice_json`; unknown fields of a newer writer are left out."""
    return Notice(
        key=str(data["key"]),
        model=str(data["model"]),
        severity=Severity(data["severity"]),
        title=str(data["title"]),
        sentence=str(data["sentence"]),
        facts=tuple(Fact(label=fact["label"], value=fact["value"]) for fact in data.get("facts", ())),
        todo=str(data.get("todo", "")),
        links=tuple(Link(label=link["label"], url=link["url"]) for link in data.get("links", ())),
    )
