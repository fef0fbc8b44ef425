"""Keep each appeal's count of gifts and sums of promises in a row that triggers on the pledges move.

Revision: 0073
"""

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

_COLUMNS = ("paid", "intended", "intended_fen", "awaiting_fen")
_OF = (
    "appeal_id",
    "(state IN ('committed', 'paid', 'partly_disbursed', 'settled'))::int AS paid",
    "(state = 'intended')::int AS intended",
    "CASE WHEN state = 'intended' THEN amount_fen ELSE 0 END AS intended_fen",
    "CASE WHEN state = 'awaiting_payment' THEN amount_fen ELSE 0 END AS awaiting_fen",
)
_NEW = f"SELECT {', '.join(_OF)} FROM new_rows"  # noqa: S608 - words of ours, here and below
_LESS = ", ".join(f"-{name} AS {name}" for name in _COLUMNS)
_OLD = f"SELECT appeal_id, {_LESS} FROM (SELECT {', '.join(_OF)} FROM old_rows) AS one"  # noqa: S608
_SUMS = ", ".join(f"sum({name})" for name in _COLUMNS)
_ANY = " OR ".join(f"sum({name}) <> 0" for name in _COLUMNS)
_ADD = ", ".join(f"{name} = pledge_sums.{name} + excluded.{name}" for name in _COLUMNS)
_EVENTS = {
    "INSERT": (_NEW, "NEW TABLE AS new_rows"),
    "UPDATE": (f"{_NEW} UNION ALL {_OLD}", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    "DELETE": (_OLD, "OLD TABLE AS old_rows"),
}


def upgrade() -> None:
    op.create_table(
        "pledge_sums",
        sa.Column("appeal_id", sa.BigInteger, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _COLUMNS),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_pledge_sums_appeal_id_appeals")),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_pledge_sums")),
    )
    into = f"INSERT INTO pledge_sums (appeal_id, {', '.join(_COLUMNS)})"
    for event, (rows, tables) in _EVENTS.items():
        name = f"pledges_summed_{event.lower()}"
        # Appeals in one order, so that two statements of many pledges never wait for each other.
        moved = (
            f"{into} SELECT appeal_id, {_SUMS} FROM ({rows}) AS one GROUP BY appeal_id HAVING {_ANY}"  # noqa: S608
            f" ORDER BY appeal_id ON CONFLICT (appeal_id) DO UPDATE SET {_ADD}"
        )
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {moved}; RETURN NULL; END $$"
        )
        each = f"AFTER {event} ON pledges REFERENCING {tables} FOR EACH STATEMENT"
        op.execute(f"CREATE TRIGGER {name} {each} EXECUTE FUNCTION {name}()")
    # After the triggers: creating one locks the table, so the sums miss no pledge that an old process writes meanwhile.
    filled = f"SELECT {', '.join(_OF)} FROM pledges"  # noqa: S608
    op.execute(f"{into} SELECT appeal_id, {_SUMS} FROM ({filled}) AS one GROUP BY appeal_id")  # noqa: S608


def downgrade() -> None:
    for event in _EVENTS:
        name = f"pledges_summed_{event.lower()}"
        op.execute(f"DROP TRIGGER {name} ON pledges")
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("pledge_sums")
