"""Every error that Evergreen raises, in one tree; its two branches decide whether a task is tried again.

    EvergreenError
    ├── Transient            the world may recover: retry
    │   ├── StoreUnavailable       object storage did not answer
    │   ├── RegistryUnavailable    MLflow did not answer
    │   ├── OrchestratorUnavailable  Prefect did not answer
    │   ├── LedgerUnavailable      the database did not answer
    │   └── DeliveryFailed         a message could not be handed over
    └── Permanent            only a person can mend it
        ├── ConfigError            a wrong address, credential, name or limit
        ├── NotFound               something that was named does not exist
        ├── ContractError          data that breaks the data contract
        │   └── ObjectRejected         one object whose bytes cannot be used; carries its quarantine reason
        ├── UnsafeModel            weights that are not what was recorded, or that would run code
        ├── LostLease              another process took the window over: stop writing
        └── Stale                  a decision about a state that is no longer the present one

A breach is not an error: it is a value (`tasks.domain.finding`). Messages say what was asked, what was
found and what to do; the cause hangs on `__cause__`.
"""

from __future__ import annotations

from tasks.domain.contract_reasons import Reason

MESSAGE_LIMIT = 2_000
"""Characters kept of a message: foreign errors can carry a whole image."""


class EvergreenError(Exception):
    """What was asked, what was found, what to do; bounded in length."""

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…")


class Transient(EvergreenError):
    """The world may recover: the same call may succeed later."""


class Permanent(EvergreenError):
    """Only a person can mend it: trying again gives the same answer."""


class StoreUnavailable(Transient):
    """Object storage did not answer, or answered with a passing fault."""


class RegistryUnavailable(Transient):
    """MLflow did not answer, or answered with a passing fault."""


class OrchestratorUnavailable(Transient):
    """The Prefect server did not answer."""


class LedgerUnavailable(Transient):
    """The ledger's database did not answer or was locked for too long."""


class DeliveryFailed(Transient):
    """A message could not be handed to its channel."""


class ConfigError(Permanent):
    """A wrong address, credential, name or limit."""


class NotFound(Permanent):
    """Something that was named does not exist."""


class ContractError(Permanent):
    """Data that breaks the data contract, or a version of it that is newer than this program."""


class ObjectRejected(ContractError):
    """One object whose bytes cannot be used; `reason` is what the catalog will say."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnsafeModel(Permanent):
    """Weights that are not what was recorded, or that would run code when loaded."""


class LostLease(Permanent):
    """Another process took the window over: this one must stop writing."""


class Stale(Permanent):
    """A decision about a state that is no longer the present one (compare-and-set lost)."""
