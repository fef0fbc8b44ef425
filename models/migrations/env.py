"""Alembic's entry: which database, which tables."""

import os
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from models.migrations import LOCK_WAIT_MS
from models.tables import metadata


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Migrations stand on SQLAlchemy's own types, so that they outlive changes in ours."""
    if kind == "type" and type(item).__module__.startswith("models."):
        return f"sa.{item.impl!r}"
    return False


def run() -> None:
    url = context.config.attributes.get("url") or os.environ["DATABASE_URL"]
    limit = {"options": f"-c lock_timeout={LOCK_WAIT_MS}"}
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=limit)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_item=render_item,
            compare_type=False,
            # Old processes go on meanwhile: what one migration has locked must not wait for the next.
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
