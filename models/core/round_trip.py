"""Send BEGIN with a transaction's first statement and COMMIT with its last, each pair in one round trip.

psycopg waits for an answer to each of them. Its own pipeline could send them together, but costs a turn more of the
processor's time than it saves; so libpq's is used without it, for statements that psycopg has prepared on the
connection: it counts them, names them, and forgets them after a rollback, as ever.
"""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

from psycopg import Connection
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute, fetch_many, send
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

_Command = Callable[[], None]


def run(
    driver: Connection[Any], sql: bytes, values: Sequence[Any], *, commit: bool = False
) -> list[tuple[Any, ...]] | None:
    """Run a statement that psycopg has prepared on this connection, and return its rows; None where it has not.

    It opens a transaction where none is open, and ends it with ``commit``. Raises psycopg.Error.
    """
    transformer = Transformer(driver)
    given = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
    names, key = driver._prepared._names, (sql, transformer.types or ())
    if (name := names.get(key)) is None:
        return None
    names.move_to_end(key)  # psycopg drops what was not used for longest
    pgconn = driver.pgconn
    begins = pgconn.transaction_status == TransactionStatus.IDLE and not driver.autocommit
    begin = partial(pgconn.send_query_params, driver._get_tx_start_command(), None)
    before: list[_Command] = [begin] if begins else []
    after: list[_Command] = [partial(pgconn.send_query_params, b"COMMIT", None)] if commit else []
    statement = partial(pgconn.send_query_prepared, name, given, transformer.formats)
    with driver.lock:
        results = driver.wait(_send(pgconn, [*before, statement, *after]))
    for each in results:
        if each.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise error_from_result(each, encoding=driver.info.encoding)
    found = results[len(before)]
    transformer.set_pgresult(found)
    return transformer.load_rows(0, found.ntuples, tuple)


def _send(pgconn: PGconn, commands: Sequence[_Command]) -> Generator[Any, Any, list[PGresult]]:
    """Send the commands at once and return the result of each; what comes after one that failed is aborted."""
    if len(commands) == 1:
        commands[0]()
        alone: list[PGresult] = yield from execute(pgconn)
        return alone
    pgconn.enter_pipeline_mode()
    try:
        for command in commands:
            command()
        pgconn.pipeline_sync()
        yield from send(pgconn)
        results = []
        for _ in commands:
            results += yield from fetch_many(pgconn)
        yield from fetch_many(pgconn)  # that all is answered
        pgconn.exit_pipeline_mode()
    except BaseException:
        pgconn.finish()  # else results left unread would be taken for those of the next command
        raise
    return results
