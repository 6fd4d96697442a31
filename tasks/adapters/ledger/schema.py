"""The tables of the ledger; `migrations/` builds them, a test holds the two against each other.

Names carry the prefix `ledger_`, because a small installation shares one PostgreSQL database with MLflow
and Prefect. Rows of revisions, findings, objects, gates, promotions and decisions are never updated.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from tasks.adapters.ledger.columns import JsonText, Key, Number, SafeText, UtcTime
from tasks.adapters.ledger.metadata import ID, metadata

models = Table(
    "ledger_models",
    metadata,
    Column("name", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("classes", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

versions = Table(
    "ledger_versions",
    metadata,
    Column("model", Key, ForeignKey("ledger_models.name"), primary_key=True),
    Column("sha256", Key, primary_key=True),
    Column("number", Integer),  # MLflow's; null before it was registered
    Column("uri", SafeText, nullable=False),
    Column("imgsz", Integer, nullable=False),
    Column("source", SafeText, nullable=False),
    Column("parent_sha256", Key, nullable=False),
    Column("dataset_digest", Key, nullable=False),
    Column("card", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("model", "number"),
)

windows = Table(
    "ledger_windows",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("model", Key, nullable=False),
    Column("start_at", UtcTime, nullable=False),
    Column("end_at", UtcTime, nullable=False),
    Column("state", Key, nullable=False),
    Column("epoch", Integer, nullable=False),  # counts claims; the fencing token
    Column("revision", Integer, nullable=False),  # newest committed one, 0 before the first
    Column("owner", SafeText, nullable=False),
    Column("lease_until", UtcTime),
    Column("attempts", Integer, nullable=False),  # failures since the last commit
    Column("takeovers", Integer, nullable=False),  # leases that ran out since the last commit
    Column("message", SafeText, nullable=False),
    Column("claimed_at", UtcTime, nullable=False),
    UniqueConstraint("model", "start_at", "end_at"),
)

revisions = Table(
    "ledger_revisions",
    metadata,
    Column("window_id", ID, ForeignKey("ledger_windows.id"), primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("outcome", Key, nullable=False),
    Column("action", Key, nullable=False),
    Column("verdict", JsonText, nullable=False),
    Column("listed", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("catalog", JsonText),
    Column("artifacts", JsonText, nullable=False),
    Column("champion_sha256", Key, nullable=False),
    Column("reference_id", ID),
    Column("config_hash", Key, nullable=False),
    Column("digest", Key, nullable=False),  # SHA-256 over verdict, findings and facts
    Column("committed_at", UtcTime, nullable=False),
    UniqueConstraint("window_id", "epoch"),
)

objects = Table(
    "ledger_objects",
    metadata,
    Column("window_id", ID, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("verdict", Key, primary_key=True),  # accepted | quarantined
    Column("reason", SafeText(100), primary_key=True),  # empty when accepted
    Column("count", Integer, nullable=False),
    ForeignKeyConstraint(["window_id", "revision"], ["ledger_revisions.window_id", "ledger_revisions.revision"]),
)

findings = Table(
    "ledger_findings",
    metadata,
    Column("window_id", ID, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("stage", Key, nullable=False),
    Column("check_name", SafeText(100), nullable=False),
    Column("subject", SafeText(200), nullable=False),
    Column("slice_name", SafeText(200), nullable=False),
    Column("outcome", Key, nullable=False),
    Column("value", Number),
    Column("limit_value", Number),
    Column("unit", SafeText, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("effect", Number),
    Column("note", SafeText, nullable=False),
    ForeignKeyConstraint(["window_id", "revision"], ["ledger_revisions.window_id", "ledger_revisions.revision"]),
)

gates = Table(
    "ledger_gates",
    metadata,
    Column("hash", Key, primary_key=True),
    Column("model", Key, nullable=False),
    Column("challenger_sha256", Key, nullable=False),
    Column("champion_sha256", Key, nullable=False),
    Column("outcome", Key, nullable=False),
    Column("report", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

approvals = Table(
    "ledger_approvals",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("model", Key, nullable=False),
    Column("challenger_sha256", Key, nullable=False),
    Column("base_sha256", Key, nullable=False),
    Column("gate_hash", Key, ForeignKey("ledger_gates.hash"), nullable=False),
    Column("flow_run_id", Key),  # null: asked by hand
    Column("requested_by", SafeText, nullable=False),
    Column("state", Key, nullable=False),
    Column("requested_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("approver", SafeText, nullable=False),
    Column("reason", SafeText, nullable=False),
    Column("decided_at", UtcTime),
    ForeignKeyConstraint(["model", "challenger_sha256"], ["ledger_versions.model", "ledger_versions.sha256"]),
    UniqueConstraint("gate_hash", "flow_run_id"),
)

promotions = Table(
    "ledger_promotions",
    metadata,
    Column("model", Key, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", Key, nullable=False),
    Column("from_sha256", Key, nullable=False),
    Column("to_sha256", Key, nullable=False),
    Column("approval_id", ID, ForeignKey("ledger_approvals.id"), unique=True),  # an approval is used once
    Column("actor", SafeText, nullable=False),
    Column("reason", SafeText, nullable=False),
    Column("at", UtcTime, nullable=False),
    ForeignKeyConstraint(["model", "to_sha256"], ["ledger_versions.model", "ledger_versions.sha256"]),
)

decisions = Table(
    "ledger_decisions",
    metadata,
    Column("seq", ID, primary_key=True, autoincrement=False),
    Column("model", Key, nullable=False),
    Column("kind", Key, nullable=False),
    Column("subject", SafeText, nullable=False),
    Column("actor", SafeText, nullable=False),
    Column("payload", JsonText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("previous", Key, nullable=False),
    Column("hash", Key, nullable=False),
)

chain = Table(
    "ledger_chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row, 1
    Column("seq", ID, nullable=False),
    Column("hash", Key, nullable=False),
)

outbox = Table(
    "ledger_outbox",
    metadata,
    Column("key", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("payload", JsonText, nullable=False),
    Column("state", Key, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("result", JsonText),
    Column("error", SafeText, nullable=False),
)

alerts = Table(
    "ledger_alerts",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("dedupe_key", Key, nullable=False, unique=True),
    Column("model", Key, nullable=False),
    Column("severity", Key, nullable=False),
    Column("title", SafeText, nullable=False),
    Column("payload", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("delivered_at", UtcTime),
    Column("acknowledged_by", SafeText, nullable=False),
    Column("snoozed_until", UtcTime),
)

references = Table(
    "ledger_references",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("model", Key, nullable=False),
    Column("champion_sha256", Key, nullable=False),
    Column("table_ref", JsonText, nullable=False),
    Column("actor", SafeText, nullable=False),
    Column("reason", SafeText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

evaluations = Table(
    "ledger_evaluations",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("hash", Key, nullable=False, unique=True),
    Column("model", Key, nullable=False),
    Column("sha256", Key, nullable=False),
    Column("dataset", Key, nullable=False),
    Column("window_text", Key, nullable=False),  # `start/end`, empty when none
    Column("evaluation", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

Index(None, findings.c.check_name, findings.c.subject, findings.c.slice_name)
Index(None, decisions.c.model)
Index(None, outbox.c.state, outbox.c.next_at)
Index(None, alerts.c.model)
Index(None, approvals.c.model, approvals.c.state)
Index(None, references.c.model, references.c.champion_sha256)
Index(None, evaluations.c.model, evaluations.c.sha256, evaluations.c.dataset)
