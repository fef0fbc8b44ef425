"""One wrong row at a time, taken back afterwards, and what check-books says of it."""

from sqlalchemy import text

from models.books import violations
from tests.harness.stage import Stage


def _after(stage: Stage, statement: str, trigger: str | None) -> set[str]:
    """What check-books finds with this done, all of it taken back afterwards; but for the public figures, which are
    counted from the same rows (tests/figures)."""
    with stage.database.connect() as connection:
        if trigger:
            connection.execute(text(f"DROP TRIGGER {trigger} ON {statement.split()[1]}"))
        connection.execute(text(statement))
        found = {each.code for each in violations(connection, stage.clock()) if not each.code.startswith("figure_")}
        connection.rollback()
    return found
