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
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from tasks.adapters.ledger.columns import JsonText, Number, SafeText, UtcTime

HEAD = "0001"
"""Revision that this program reads and writes: the newest file in `migrations/versions`."""

VERSION_TABLE = "ledger_schema"
"""Where Alembic notes the revision (its default name would collide with MLflow's)."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = BigInteger().with_variant(Integer(), "sqlite")
"""A row number that counts up by itself on both databases."""

models = Table(
    "ledger_models",
    metadata,
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("classes", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

versions = Table(
    "ledger_versions",
    metadata,
    Column("model", String, ForeignKey("ledger_models.name"), primary_key=True),
    Column("sha256", String, primary_key=True),
    Column("number", Integer),  # MLflow's; null before it was registered
    Column("uri", String, nullable=False),
    Column("imgsz", Integer, nullable=False),
    Column("source", SafeText, nullable=False),
    Column("parent_sha256", String, nullable=False),
    Column("dataset_digest", String, nullable=False),
    Column("card", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("model", "number"),
)

windows = Table(
    "ledger_windows",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("model", String, nullable=False),
    Column("start_at", UtcTime, nullable=False),
    Column("end_at", UtcTime, nullable=False),
    Column("state", String, nullable=False),
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
    Column("window_id", _ID, ForeignKey("ledger_windows.id"), primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("action", String, nullable=False),
    Column("verdict", JsonText, nullable=False),
    Column("listed", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("catalog", JsonText),
    Column("artifacts", JsonText, nullable=False),
    Column("champion_sha256", String, nullable=False),
    Column("reference_id", _ID),
    Column("config_hash", String, nullable=False),
    Column("digest", String, nullable=False),  # SHA-256 over verdict, findings and facts
    Column("committed_at", UtcTime, nullable=False),
    UniqueConstraint("window_id", "epoch"),
)

objects = Table(
    "ledger_objects",
    metadata,
    Column("window_id", _ID, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("verdict", String, primary_key=True),  # accepted | quarantined
    Column("reason", SafeText, primary_key=True),  # empty when accepted
    Column("count", Integer, nullable=False),
    ForeignKeyConstraint(["window_id", "revision"], ["ledger_revisions.window_id", "ledger_revisions.revision"]),
)

findings = Table(
    "ledger_findings",
    metadata,
    Column("window_id", _ID, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("stage", String, nullable=False),
    Column("check_name", SafeText, nullable=False),
    Column("subject", SafeText, nullable=False),
    Column("slice_name", SafeText, nullable=False),
    Column("outcome", String, nullable=False),
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
    Column("hash", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("challenger_sha256", String, nullable=False),
    Column("champion_sha256", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("report", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

approvals = Table(
    "ledger_approvals",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("model", String, nullable=False),
    Column("challenger_sha256", String, nullable=False),
    Column("base_sha256", String, nullable=False),
    Column("gate_hash", String, ForeignKey("ledger_gates.hash"), nullable=False),
    Column("flow_run_id", String),  # null: asked by hand
    Column("requested_by", SafeText, nullable=False),
    Column("state", String, nullable=False),
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
    Column("model", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("from_sha256", String, nullable=False),
    Column("to_sha256", String, nullable=False),
    Column("approval_id", _ID, ForeignKey("ledger_approvals.id"), unique=True),  # an approval is used once
    Column("actor", SafeText, nullable=False),
    Column("reason", SafeText, nullable=False),
    Column("at", UtcTime, nullable=False),
    ForeignKeyConstraint(["model", "to_sha256"], ["ledger_versions.model", "ledger_versions.sha256"]),
)

decisions = Table(
    "ledger_decisions",
    metadata,
    Column("seq", _ID, primary_key=True, autoincrement=False),
    Column("model", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", SafeText, nullable=False),
    Column("actor", SafeText, nullable=False),
    Column("payload", JsonText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
)

chain = Table(
    "ledger_chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row, 1
    Column("seq", _ID, nullable=False),
    Column("hash", String, nullable=False),
)

outbox = Table(
    "ledger_outbox",
    metadata,
    Column("key", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("payload", JsonText, nullable=False),
    Column("state", String, nullable=False),
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
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("dedupe_key", String, nullable=False, unique=True),
    Column("model", String, nullable=False),
    Column("severity", String, nullable=False),
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
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("model", String, nullable=False),
    Column("champion_sha256", String, nullable=False),
    Column("table_ref", JsonText, nullable=False),
    Column("actor", SafeText, nullable=False),
    Column("reason", SafeText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

evaluations = Table(
    "ledger_evaluations",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("hash", String, nullable=False, unique=True),
    Column("model", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("dataset", String, nullable=False),
    Column("window_text", String, nullable=False),  # `start/end`, empty when none
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
