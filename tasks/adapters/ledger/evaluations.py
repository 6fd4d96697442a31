"""Evaluations: how good a version was, on which set, and for which window."""

from __future__ import annotations

import builtins
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, func, insert, select

from tasks.adapters.ledger.canonical import digest
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import EvaluationRecord
from tasks.adapters.ledger.schema import evaluations
from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.snapshot import TableRef
from tasks.domain.window import Window


class Evaluations:
    """Evaluations are kept once per content, model and window; a nan inside comes back as nan."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, model: str, evaluation: Evaluation, window: Window | None = None) -> int:
        """Keep an evaluation of a version of the model; its number. The same contents are kept once."""
        values = {
            "model": model,
            "sha256": evaluation.model_sha256,
            "dataset": evaluation.dataset,
            "window_text": str(window) if window else "",
            "evaluation": asdict(evaluation),
        }
        name = digest(values)
        with self._database.write() as connection:
            known = connection.execute(select(evaluations.c.id).where(evaluations.c.hash == name)).scalar_one_or_none()
            if known is not None:
                return int(known)
            added = insert(evaluations).values(hash=name, created_at=self._database.now(), **values)
            return int(connection.execute(added.returning(evaluations.c.id)).scalar_one())

    def latest(self, model: str, sha256: str, dataset: str) -> Evaluation | None:
        """The newest evaluation of that version on that set, or None."""
        query = _newest(model).where(evaluations.c.sha256 == sha256, evaluations.c.dataset == dataset)
        found = self._records(query.limit(1))
        return found[0].evaluation if found else None

    def list(self, model: str, limit: int = 200) -> builtins.list[EvaluationRecord]:
        """All evaluations of the model's versions, the newest first."""
        return self._records(_newest(model).limit(limit))

    def by_window(self, model: str, dataset: str) -> builtins.list[EvaluationRecord]:
        """The newest row of every window on that set, the newest row first."""
        mine = (evaluations.c.model == model, evaluations.c.dataset == dataset, evaluations.c.window_text != "")
        newest = select(func.max(evaluations.c.id)).where(*mine).group_by(evaluations.c.window_text)
        return self._records(_newest(model).where(evaluations.c.id.in_(newest)))

    def of(self, model: str, dataset: str, limit: int = 1_000) -> builtins.list[EvaluationRecord]:
        """The evaluations of the model's versions on one set, the newest first."""
        return self._records(_newest(model).where(evaluations.c.dataset == dataset).limit(limit))

    def _records(self, query: Select[Any]) -> builtins.list[EvaluationRecord]:
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]


def _newest(model: str) -> Select[Any]:
    return select(evaluations).where(evaluations.c.model == model).order_by(evaluations.c.id.desc())


def _record(row: Row[Any]) -> EvaluationRecord:
    return EvaluationRecord(
        id=row.id,
        model=row.model,
        evaluation=_evaluation(row.evaluation),
        window=Window.parse(row.window_text) if row.window_text else None,
        created_at=row.created_at,
    )


def _evaluation(data: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        **{
            **data,
            "headline": Interval(**{name: _number(value) for name, value in data["headline"].items()}),
            "metrics": {name: _number(value) for name, value in data["metrics"].items()},
            "image_ids": tuple(data["image_ids"]),
            "scores": tuple(_number(value) for value in data["scores"]),
            "answers": tuple(data.get("answers", ())),
            "conditions": dict(data.get("conditions", {})),
            **{name: TableRef(**data[name]) for name in ("scores_table", "labels_table") if data.get(name)},
        }
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
