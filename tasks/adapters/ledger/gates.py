"""Gate reports, addressed by the hash of their contents: an approval names the hash, so it names the contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from tasks.adapters.ledger import decisions
from tasks.adapters.ledger.canonical import digest
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import DecisionKind, Entry, GateReport
from tasks.adapters.ledger.schema import gates
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.finding import Outcome

_HASHED = ("model", "challenger_sha256", "champion_sha256", "outcome", "report")


class Gates:
    """Reports that a challenger passed, failed, or lacked the evidence for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, model: str, challenger: str, champion: str, outcome: Outcome, report: Mapping[str, Any]) -> str:
        """Keep a report about two versions (their SHA-256); its hash. The same contents are kept once."""
        values = {
            "model": model,
            "challenger_sha256": challenger,
            "champion_sha256": champion,
            "outcome": Outcome(outcome).value,
            "report": dict(report),
        }
        name = digest(values)
        with self._database.write() as connection:
            if connection.execute(select(gates.c.hash).where(gates.c.hash == name)).one_or_none() is None:
                now = self._database.now()
                connection.execute(insert(gates).values(hash=name, created_at=now, **values))
                decisions.record(
                    connection,
                    now,
                    Entry(
                        model=model,
                        kind=DecisionKind.GATE,
                        subject=challenger,
                        actor="gate",
                        payload={"gate_hash": name, "champion_sha256": champion, "outcome": values["outcome"]},
                    ),
                )
        return name

    def get(self, gate_hash: str) -> GateReport:
        """The report.

        Raises:
            NotFound: no report of that hash.
            ContractError: its contents were changed after it was written.
        """
        with self._database.read() as connection:
            return existing_gate(connection, gate_hash)


def existing_gate(connection: Connection, gate_hash: str) -> GateReport:
    """The report, checked against its hash (see `Gates.get`)."""
    row = connection.execute(select(gates).where(gates.c.hash == gate_hash)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no gate report {gate_hash[:80]!r} in the ledger")
    if digest({name: row[name] for name in _HASHED}) != gate_hash:
        raise ContractError(f"gate report {gate_hash[:12]} was changed after it was written: judge again")
    return GateReport(**{**dict(row), "outcome": Outcome(row["outcome"])})


def passed_gate(connection: Connection, model: str, gate_hash: str, challenger: str, champion: str) -> GateReport:
    """The report, when it says that exactly this challenger passed against exactly this champion.

    Raises:
        ContractError: it is about other versions, did not pass, or was changed.
    """
    gate = existing_gate(connection, gate_hash)
    if (gate.model, gate.challenger_sha256, gate.champion_sha256) != (model, challenger, champion):
        raise ContractError(
            f"gate report {gate_hash[:12]} compares {gate.challenger_sha256[:12]} with {gate.champion_sha256[:12]} "
            f"of {gate.model!r}, not {challenger[:12]} with {champion[:12]} of {model!r}"
        )
    if gate.outcome is not Outcome.OK:
        raise ContractError(
            f"gate report {gate_hash[:12]} says {gate.outcome.value}: only a passed gate may be approved"
        )
    return gate
