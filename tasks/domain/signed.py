"""Who decided something and why: the audit trail is worth nothing where nobody signed."""

from __future__ import annotations

from tasks.domain.errors import ConfigError


def require_signed(what: str, by: str, reason: str) -> None:
    """Refuse a decision of a person that names nobody or gives no reason; `what` says what is decided.

    >>> require_signed("a rollback", "Ada", "worse on nights")

    Raises:
        ConfigError: name or reason is empty or blank.
    """
    if not (by.strip() and reason.strip()):
        raise ConfigError(f"{what} needs a name and a reason, they go into the audit trail: `--by NAME --reason WHY`")


def require_named(what: str, by: str) -> None:
    """Refuse a decision of a person that names nobody.

    Raises:
        ConfigError: the name is empty or blank.
    """
    if not by.strip():
        raise ConfigError(f"{what} needs a name, it goes into the audit trail: `--by NAME`")
