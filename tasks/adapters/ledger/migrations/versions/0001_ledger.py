"""The first tables of the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
TEXT = sa.Text()


def upgrade() -> None:
    """Build the tables and the head of the empty chain of decisions."""
    op.create_table("ledger_alerts",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("dedupe_key", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("severity", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("acknowledged_by", TEXT, nullable=False),
        sa.Column("snoozed_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_alerts"),
        sa.UniqueConstraint("dedupe_key", name="uq_ledger_alerts_dedupe_key")
    )
    op.create_index("ix_ledger_alerts_model", "ledger_alerts", ["model"], unique=False)
    op.create_table("ledger_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", ID, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_chain")
    )
    op.create_table("ledger_decisions",
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("previous", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_ledger_decisions")
    )
    op.create_index("ix_ledger_decisions_model", "ledger_decisions", ["model"], unique=False)
    op.create_table("ledger_evaluations",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("dataset", TEXT, nullable=False),
        sa.Column("window_text", TEXT, nullable=False),
        sa.Column("evaluation", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_evaluations"),
        sa.UniqueConstraint("hash", name="uq_ledger_evaluations_hash")
    )
    op.create_index("ix_ledger_evaluations_model_sha256_dataset", "ledger_evaluations", ["model", "sha256", "dataset"], unique=False)
    op.create_table("ledger_gates",
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("challenger_sha256", TEXT, nullable=False),
        sa.Column("champion_sha256", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("report", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_ledger_gates")
    )
    op.create_table("ledger_models",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("classes", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_ledger_models")
    )
    op.create_table("ledger_outbox",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("result", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_ledger_outbox")
    )
    op.create_index("ix_ledger_outbox_state_next_at", "ledger_outbox", ["state", "next_at"], unique=False)
    op.create_table("ledger_references",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("champion_sha256", TEXT, nullable=False),
        sa.Column("table_ref", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_references")
    )
    op.create_index("ix_ledger_references_model_champion_sha256", "ledger_references", ["model", "champion_sha256"], unique=False)
    op.create_table("ledger_windows",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("start_at", TIME, nullable=False),
        sa.Column("end_at", TIME, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("takeovers", sa.Integer(), nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_windows"),
        sa.UniqueConstraint("model", "start_at", "end_at", name="uq_ledger_windows_model_start_at_end_at")
    )
    op.create_table("ledger_revisions",
        sa.Column("window_id", ID, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("catalog", TEXT, nullable=True),
        sa.Column("artifacts", TEXT, nullable=False),
        sa.Column("champion_sha256", TEXT, nullable=False),
        sa.Column("reference_id", ID, nullable=True),
        sa.Column("config_hash", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("committed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["window_id"], ["ledger_windows.id"], name="fk_ledger_revisions_window_id"),
        sa.PrimaryKeyConstraint("window_id", "revision", name="pk_ledger_revisions"),
        sa.UniqueConstraint("window_id", "epoch", name="uq_ledger_revisions_window_id_epoch")
    )
    op.create_table("ledger_versions",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("uri", TEXT, nullable=False),
        sa.Column("imgsz", sa.Integer(), nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("parent_sha256", TEXT, nullable=False),
        sa.Column("dataset_digest", TEXT, nullable=False),
        sa.Column("card", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["model"], ["ledger_models.name"], name="fk_ledger_versions_model"),
        sa.PrimaryKeyConstraint("model", "sha256", name="pk_ledger_versions"),
        sa.UniqueConstraint("model", "number", name="uq_ledger_versions_model_number")
    )
    op.create_table("ledger_approvals",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("challenger_sha256", TEXT, nullable=False),
        sa.Column("base_sha256", TEXT, nullable=False),
        sa.Column("gate_hash", TEXT, nullable=False),
        sa.Column("flow_run_id", TEXT, nullable=True),
        sa.Column("requested_by", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("approver", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["gate_hash"], ["ledger_gates.hash"], name="fk_ledger_approvals_gate_hash"),
        sa.ForeignKeyConstraint(["model", "challenger_sha256"], ["ledger_versions.model", "ledger_versions.sha256"], name="fk_ledger_approvals_model_challenger_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_approvals"),
        sa.UniqueConstraint("gate_hash", "flow_run_id", name="uq_ledger_approvals_gate_hash_flow_run_id")
    )
    op.create_index("ix_ledger_approvals_model_state", "ledger_approvals", ["model", "state"], unique=False)
    op.create_table("ledger_findings",
        sa.Column("window_id", ID, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("check_name", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("slice_name", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("value", sa.Float(53), nullable=True),
        sa.Column("limit_value", sa.Float(53), nullable=True),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("effect", sa.Float(53), nullable=True),
        sa.Column("note", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["window_id", "revision"], ["ledger_revisions.window_id", "ledger_revisions.revision"], name="fk_ledger_findings_window_id_revision"),
        sa.PrimaryKeyConstraint("window_id", "revision", "position", name="pk_ledger_findings")
    )
    op.create_index("ix_ledger_findings_check_name_subject_slice_name", "ledger_findings", ["check_name", "subject", "slice_name"], unique=False)
    op.create_table("ledger_objects",
        sa.Column("window_id", ID, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["window_id", "revision"], ["ledger_revisions.window_id", "ledger_revisions.revision"], name="fk_ledger_objects_window_id_revision"),
        sa.PrimaryKeyConstraint("window_id", "revision", "verdict", "reason", name="pk_ledger_objects")
    )
    op.create_table("ledger_promotions",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("from_sha256", TEXT, nullable=False),
        sa.Column("to_sha256", TEXT, nullable=False),
        sa.Column("approval_id", ID, nullable=True),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["ledger_approvals.id"], name="fk_ledger_promotions_approval_id"),
        sa.ForeignKeyConstraint(["model", "to_sha256"], ["ledger_versions.model", "ledger_versions.sha256"], name="fk_ledger_promotions_model_to_sha256"),
        sa.PrimaryKeyConstraint("model", "seq", name="pk_ledger_promotions"),
        sa.UniqueConstraint("approval_id", name="uq_ledger_promotions_approval_id")
    )
    op.execute("INSERT INTO ledger_chain (id, seq, hash) VALUES (1, 0, '')")
