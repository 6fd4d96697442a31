"""A teller for tests."""

from __future__ import annotations

from collections.abc import Callable


class Notes:
    """A teller that only remembers."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def bar(self, title: str, total: int | None) -> Callable[[int], None]:
        self.sentences.append(title)
        return lambda by: None
