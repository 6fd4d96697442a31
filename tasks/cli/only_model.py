"""Where an installation has one model, commands need not be told which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.errors import ConfigError

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import ArgumentCollection

MODEL = "--model"
SOURCE = "the only model"


def only_model(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in the model that a command needs and nobody named, if the ledger knows exactly one (a cyclopts `config`).

    Raises:
        ConfigError: the ledger knows several models, or none.
    """
    from cyclopts import Token

    for argument in arguments:
        if argument.name == MODEL and argument.required and not argument.tokens:
            argument.append(Token(keyword=MODEL, value=_known(commands), source=SOURCE))


def _known(commands: tuple[str, ...]) -> str:
    from tasks.connections import ledger

    known = ledger().models.names()
    if len(known) == 1:
        return known[0]
    asked = " ".join(("evergreen", *commands))
    if known:
        raise ConfigError(f"`{asked}` of which model? name one of {', '.join(known)}: `{asked} {known[0]}`")
    raise ConfigError(f"`{asked}` needs a model, and the ledger knows none yet: `{asked} MODEL`")
