"""Collects from the ledger what a page tells, and puts the page up in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.domain.errors import NotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.model import ALIAS_CHALLENGER, ALIAS_CHAMPION
from tasks.domain.promotion import Approval
from tasks.promote.books import LedgerBook, RegistryBook
from tasks.promote.page import VersionStory, model_page, version_page
from tasks.promote.projection import Standing

DATASETS = ("golden", "recent")
"""Labelled sets in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one model; `live` maps a SHA-256 to its version number throughout."""

    ledger: LedgerBook
    registry: RegistryBook
    model: str

    def write_version(self, sha256: str, live: Mapping[str, int], standing: Standing, given: str = "") -> None:
        """Put up `given`, or the page made from the ledger. A version that the ledger does not know is left alone."""
        record = next((one for one in self.ledger.versions.list(self.model) if one.ref.sha256 == sha256), None)
        if record is None:
            return
        champion = live.get(standing.champion, 0)
        other = champion if standing.champion != sha256 else 0
        story = VersionStory(
            record=record,
            version=live[sha256],
            role=_role(sha256, standing),
            champion=other,
            parent=live.get(record.parent_sha256, 0),
            compare_url=self.registry.compare_url(self.model, [champion, live[sha256]]) if other else "",
            evaluations=self._evaluations(sha256),
            champion_evaluations=self._evaluations(standing.champion),
            approval=(approval := self._approval(sha256)),
            gate_report=self._gates(approval),
        )
        self.registry.describe(self.model, live[sha256], given or version_page(story))

    def write_model(self, wanted: Mapping[str, str], live: Mapping[str, int]) -> None:
        """Put up the model's card; `wanted` maps an alias to the SHA-256 it stands for."""
        champion = self.ledger.promotions.champion(self.model)
        if champion is None:
            return
        rows = [(alias, live.get(sha256, 0), sha256) for alias, sha256 in wanted.items()]
        pair = [live.get(wanted[alias], 0) for alias in (ALIAS_CHAMPION, ALIAS_CHALLENGER)]
        link = self.registry.compare_url(self.model, pair) if all(pair) else ""
        self.registry.describe_model(self.model, model_page(champion, rows, link))

    def _evaluations(self, sha256: str) -> list[Evaluation]:
        found = (self.ledger.evaluations.latest(self.model, sha256, dataset) for dataset in DATASETS)
        return [one for one in found if one is not None]

    def _approval(self, sha256: str) -> Approval | None:
        """The request that waits, else the one that made it champion most recently."""
        for approval in self.ledger.approvals.pending(self.model):
            if approval.challenger_sha256 == sha256:
                return approval
        for move in self.ledger.promotions.history(self.model):
            if move.to_sha256 == sha256 and move.approval_id is not None:
                return self.ledger.approvals.get(move.approval_id)
        return None

    def _gates(self, approval: Approval | None) -> dict[str, object]:
        if approval is None:
            return {}
        try:
            return self.ledger.gates.get(approval.gate_hash).report
        except NotFound:
            return {}


def _role(sha256: str, standing: Standing) -> str:
    roles = {standing.challenger: "challenger", standing.previous: "previous champion", standing.champion: "champion"}
    return roles.get(sha256, "version")
