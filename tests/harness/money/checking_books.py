"""What check-books finds, and a way past the guards for what only a database's owner could do."""

from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import Result
from sqlalchemy import Connection

from models.books import violations
from models.core.database import snapshot
from tests.harness.stage import Stage


def check(stage: Stage, *arguments: str) -> Result:
    return stage.app.test_cli_runner().invoke(args=["check-books", *arguments])


def codes(stage: Stage) -> list[str]:
    """What is found, as ``code subject number``."""
    with snapshot(stage.settings.database_url) as connection:
        return [f"{each.code} {each.subject} {each.subject_id}" for each in violations(connection, stage.clock())]


@contextmanager
def unguarded(stage: Stage) -> Iterator[Connection]:
    """As somebody who owns the database can: triggers are out of the way for this transaction, and not taken away, so
    that the database need not be made anew for the next test. What was told before is sealed by then."""
    stage.seal()
    with stage.database.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield connection
