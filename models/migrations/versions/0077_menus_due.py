"""Note whose menu may change: triggers do, for people who come, register, leave, or hold a seat.

Revision: 0077
"""

import sqlalchemy as sa
from alembic import op

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None

# Since when is by the server's clock, so that what changes while the worker is at it is another note.
_NOTE = """
    CREATE FUNCTION note_menu(whose_account text, whose_openid text, since timestamptz) RETURNS void LANGUAGE sql AS $$
        INSERT INTO menus_due (account, openid, due_at)
        SELECT whose_account, whose_openid, since WHERE whose_account IS NOT NULL AND whose_openid IS NOT NULL
        ON CONFLICT (account, openid) DO UPDATE SET due_at = excluded.due_at
    $$
"""
_NOW = "clock_timestamp()"
_PEOPLE = f"""
    IF TG_OP = 'UPDATE' AND OLD.parked_openid IS NULL AND OLD.openid <> NEW.openid THEN
        PERFORM note_menu(OLD.account, OLD.openid, {_NOW});
    END IF;
    IF NEW.parked_openid IS NULL AND NEW.following THEN
        PERFORM note_menu(NEW.account, NEW.openid, {_NOW});
    END IF;
"""
_USERS = (
    f"PERFORM note_menu(account, openid, {_NOW}) FROM conversations WHERE user_id = NEW.id AND parked_openid IS NULL;"
)
_SEATS = f"""
    IF TG_OP = 'UPDATE' AND (OLD.account, OLD.openid) IS DISTINCT FROM (NEW.account, NEW.openid) THEN
        PERFORM note_menu(OLD.account, OLD.openid, {_NOW});
    END IF;
    PERFORM note_menu(NEW.account, NEW.openid, greatest(NEW.active_from, {_NOW}));
"""
# Of a person the turn writes other columns each time.
_FOLLOWED = {
    "conversations": ("openid, parked_openid, user_id, following", _PEOPLE),
    "users": ("role, state", _USERS),
    "staff": ("account, openid, state, active_from, active_until", _SEATS),
}
_CHANGED = {
    "conversations": "(OLD.openid, OLD.parked_openid, OLD.user_id, OLD.following)"
    " IS DISTINCT FROM (NEW.openid, NEW.parked_openid, NEW.user_id, NEW.following)",
    "users": "(OLD.role, OLD.state) IS DISTINCT FROM (NEW.role, NEW.state)",
    "staff": "(OLD.account, OLD.openid, OLD.state, OLD.active_from, OLD.active_until)"
    " IS DISTINCT FROM (NEW.account, NEW.openid, NEW.state, NEW.active_from, NEW.active_until)",
}


def upgrade() -> None:
    op.create_table(
        "menus_due",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("openid", sa.String(64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account", "openid", name=op.f("pk_menus_due")),
    )
    op.create_index("ix_menus_due_due_at", "menus_due", ["due_at"])
    op.execute(_NOTE)
    for table, (columns, body) in _FOLLOWED.items():
        name = f"{table}_menu"
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$")
        if table != "users":  # of whom the conversation is not known yet
            op.execute(f"CREATE TRIGGER {name}_new AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
        op.execute(
            f"CREATE TRIGGER {name} AFTER UPDATE OF {columns} ON {table} FOR EACH ROW"
            f" WHEN ({_CHANGED[table]}) EXECUTE FUNCTION {name}()"
        )


def downgrade() -> None:
    for table in _FOLLOWED:
        name = f"{table}_menu"
        op.execute(f"DROP TRIGGER IF EXISTS {name}_new ON {table}")
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(f"DROP FUNCTION {name}()")
    op.execute("DROP FUNCTION note_menu(text, text, timestamptz)")
    op.drop_table("menus_due")
