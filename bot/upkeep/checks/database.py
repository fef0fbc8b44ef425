"""Check the database: that it answers and has room, that its schema is this release's, and that its chains hold."""

from collections.abc import Iterator
from datetime import datetime
from math import isnan

from sqlalchemy import text

from bot.books.check import read_result
from bot.upkeep.checks.finding import Finding, Level, bad, duration, ok, told_by, warn
from bot.upkeep.checks.installation import Installation
from bot.work.clock import true_now
from models.books.chains import CHAINS, check_noted, read_head
from models.core.database import limits_lost
from models.core.hash_chain import waiting
from models.migrations import current, head, revisions

_STATE = text(
    "SELECT current_setting('server_version') AS version, current_setting('max_connections')::int AS most,"
    " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,"
    " pg_database_size(current_database()) AS bytes,"
    " (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_super"
)
# Of the connections that the server takes, in percent.
_MANY, _TOO_MANY = 75, 90
# Hours since the books were last checked, which happens every night.
_MISSED_A_NIGHT, _MISSED_MORE = 30, 80
# Seconds for which a row may wait for its link; a scheduler seals within two.
_UNSEALED, _UNSEALED_FOR_LONG = 30.0, 600.0


def check_database(installation: Installation) -> Iterator[Finding]:
    with installation.database.connect() as connection:
        state = connection.execute(_STATE).one()
        lost = limits_lost(connection)
    used = state.used * 100 // state.most
    words = f"PostgreSQL {state.version}, {state.bytes / 1e9:.1f} GB; {state.used} of {state.most} connections in use"
    do = "raise max_connections, run fewer processes, or put PgBouncer in front"
    level = told_by(used, _MANY, _TOO_MANY)
    yield Finding(level, words, "" if level is Level.OK else do)
    if lost:
        yield bad(
            f"the bot's connections do not get the limits that it asks for: {', '.join(lost)}",
            "give them in PgBouncer's connect_query; docs/operating.md, The database and Redis, has the line",
        )
    if state.is_super and installation.settings.is_production:
        yield warn(
            "the bot's role is a superuser: whoever breaks into the bot owns the whole server",
            "make a role that owns this database and nothing else, and name it in DATABASE_URL",
        )


def check_migrations(installation: Installation) -> Iterator[Finding]:
    with installation.database.connect() as connection:
        found = current(connection)
    if found == head():
        yield ok(f"the schema is this release's ({found})")
    elif found is None or found in revisions():
        yield bad(
            f"the schema is at {found or 'nothing'}, this release wants {head()}", "run upgrade, then restart all"
        )
    else:
        yield bad(
            f"the schema is at {found}, which this release does not know: the database is newer than the code here",
            "install the release that the other hosts run, on this host too",
        )


def check_chains(installation: Installation) -> Iterator[Finding]:
    """Check each chain's last link, and that a scheduler seals; check-books reads all of it."""
    for chain in CHAINS:
        with installation.database.connect() as connection:
            noted = read_head(connection, chain.head)
            wrong = list(check_noted(connection, chain.name, noted)) if noted else []
            count, seconds = waiting(connection, chain)
        if noted is None or wrong:
            words = "has no head" if noted is None else "does not end where its head says"
            do = "stop what writes, run check-books, and see docs/alarms.md, BooksWrong"
            yield bad(f"the {chain.name} chain {words}", do)
            continue
        level = told_by(seconds, _UNSEALED, _UNSEALED_FOR_LONG)
        late = f", for up to {duration(seconds)}" if count else ""
        words = (
            f"the {chain.name} chain has {noted[0]} links, head {noted[1][:12]}…; {count} rows wait for theirs{late}"
        )
        yield Finding(level, words, "" if level is Level.OK else "no scheduler seals: start a worker, which brings one")


def check_books_result(installation: Installation) -> Iterator[Finding]:
    count, at = read_result(installation.redis)
    if isnan(at):
        yield warn("it is not known when the books were last checked", "run check-books; a worker does it every night")
        return
    hours = (true_now().timestamp() - at) / 3600
    when = (
        f"the books were checked {duration(hours * 3600)} ago ({datetime.fromtimestamp(at).astimezone():%d %b %H:%M})"
    )
    if count:
        yield bad(f"{when}: {count:.0f} violations", "run check-books, which names them; docs/alarms.md, BooksWrong")
    else:
        level = told_by(hours, _MISSED_A_NIGHT, _MISSED_MORE)
        yield Finding(
            level, f"{when}: right", "" if level is Level.OK else "run check-books; is a worker of slow alive?"
        )
