"""Exported files of versions, and which format production runs: rows of the chain of decisions, never changed."""

from __future__ import annotations

from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.decisions import Decisions
from tasks.adapters.ledger.records import DecisionKind
from tasks.domain.export import Export, export_from_json, export_json
from tasks.domain.protocol import Format


class Exports:
    """The newest file of a format counts; an older one stays in the trail."""

    def __init__(self, database: Database) -> None:
        self._decisions = Decisions(database)

    def add(self, model: str, export: Export, actor: str) -> None:
        """Write an exported file down beside its version; the same one twice is written once."""
        if self.of(model, export.version_sha256).get(export.form) != export:
            payload = export_json(export)
            self._decisions.append(model, DecisionKind.EXPORT, export.version_sha256, actor, payload)

    def of(self, model: str, version_sha256: str) -> dict[Format, Export]:
        """The newest exported file of each format of a version."""
        rows = self._decisions.trail(model, DecisionKind.EXPORT, version_sha256)
        return {export.form: export for export in (export_from_json(row.payload) for row in rows)}

    def deploy(self, model: str, form: Format, actor: str) -> None:
        """Write down which format of the champion production runs; the same one twice is written once."""
        if self.deployed(model) is not form:
            self._decisions.append(model, DecisionKind.DEPLOYED, model, actor, {"format": form.value})

    def deployed(self, model: str) -> Format:
        """The format that production runs; `pt` until somebody said otherwise."""
        row = self._decisions.latest(model, DecisionKind.DEPLOYED, model)
        return Format(row.payload["format"]) if row else Format.PT
