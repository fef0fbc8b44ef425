"""The audit trail as one chain of hashes, and whose data was read. What was recorded before becomes its first links.

Revision: 0003, after 0002
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from models.migrations.guards import drop, never_change, only_grow

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BATCH = 1_000
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_GUARDS = ("audit_events_no_update", "audit_events_no_delete")
_KEPT = ("at", "actor", "action", "subject", "subject_id", "from_state", "to_state", "detail")
_BEFORE = sa.table(
    "audit_events_before",
    sa.column("id"),
    sa.column("at", sa.DateTime(timezone=True)),
    *(sa.column(name) for name in _KEPT[1:]),
)


def upgrade() -> None:
    _set_aside()
    events = op.create_table("audit_events", *_columns(), *_link(), sa.PrimaryKeyConstraint("id", name=_name("pk")))
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("length", _KEY, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_head")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    assert events is not None and head is not None  # noqa: S101, PT018 - None is for alembic's offline mode
    length, last = _chain(events)
    op.get_bind().execute(head.insert().values(id=1, length=length, hash=last))
    _finish()
    op.create_index(
        "ix_audit_events_about",
        "audit_events",
        ["about", "id"],
        unique=False,
        sqlite_where=sa.text("about IS NOT NULL"),
        postgresql_where=sa.text("about IS NOT NULL"),
    )
    only_grow("audit_head", "length")


def downgrade() -> None:
    drop("audit_head", "audit_head_no_delete", "audit_head_grows")
    op.drop_table("audit_head")
    op.drop_index("ix_audit_events_about", table_name="audit_events")
    _set_aside()
    op.create_table(
        "audit_events",
        sa.Column("id", _KEY, nullable=False),
        *_columns()[1:],
        sa.PrimaryKeyConstraint("id", name=_name("pk")),
    )
    kept = ", ".join(("id", *_KEPT))
    op.execute(f"INSERT INTO audit_events ({kept}) SELECT {kept} FROM audit_events_before ORDER BY id")  # noqa: S608
    if op.get_bind().dialect.name == "postgresql":
        following = "(SELECT coalesce(max(id), 0) + 1 FROM audit_events)"
        op.execute(f"SELECT setval(pg_get_serial_sequence('audit_events', 'id'), {following}, false)")
    _finish()


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", _KEY, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("subject_id", _KEY, nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=True),
        sa.Column("to_state", sa.String(length=24), nullable=True),
        sa.Column("detail", sa.String(length=80), nullable=True),
    ]


def _link() -> list[sa.Column[Any]]:
    return [
        sa.Column("about", _KEY, nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=False),
    ]


def _name(kind: str) -> str:
    return op.f(f"{kind}_audit_events")


def _set_aside() -> None:
    """Let go of the guards, and give up the names for the new table."""
    drop("audit_events", *_GUARDS)
    op.drop_index(op.f("ix_audit_events_subject_subject_id"), table_name="audit_events")
    op.rename_table("audit_events", "audit_events_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_events_before RENAME CONSTRAINT pk_audit_events TO pk_audit_events_before")
        op.execute("ALTER SEQUENCE IF EXISTS audit_events_id_seq RENAME TO audit_events_before_id_seq")


def _finish() -> None:
    op.drop_table("audit_events_before")
    op.create_index(op.f("ix_audit_events_subject_subject_id"), "audit_events", ["subject", "subject_id"], unique=False)
    never_change("audit_events")


def _chain(events: sa.Table) -> tuple[int, str]:
    """Copy what there was in its order, numbered from 1 without a gap. Returns the head."""
    connection, length, last, seen = op.get_bind(), 0, "0" * 64, 0
    page = sa.select(_BEFORE).order_by(_BEFORE.c.id).limit(_BATCH)
    while rows := connection.execute(page.where(_BEFORE.c.id > seen)).mappings().all():
        seen = rows[-1]["id"]
        links = []
        for row in rows:
            length += 1
            link = {**row, "id": length, "about": None}
            link["hash"] = last = _hash(last, link)
            links.append(link)
        connection.execute(events.insert(), links)
    return length, last


def _hash(before: str, link: dict[str, Any]) -> str:
    """As models.chain wrote links when this was made."""
    at = link["at"] if link["at"].tzinfo else link["at"].replace(tzinfo=UTC)
    microseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    values = ["bangfu-audit-1", before, link["id"], microseconds, *(link[name] for name in _KEPT[1:]), link["about"]]
    return hashlib.sha256(json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
