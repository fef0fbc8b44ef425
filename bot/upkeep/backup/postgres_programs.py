"""Run PostgreSQL's own pg_dump and pg_restore: those on the PATH, or those of the wheel that the demo runs on.

No password stands in a command line, which everybody on the machine can read.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, make_url
from sqlalchemy.dialects.postgresql.psycopg import dialect

from bot.processes.leash import leashed
from bot.processes.postgres import find_programs
from bot.processes.supervisor import ServiceError

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# Of what a program says where it fails, the last characters.
_SAID = 600


class ProgramFailed(Exception):
    """A program of PostgreSQL's is missing, or ended with an error. The words are for the operator."""


def server_version(connection: Connection) -> int:
    """Return the server's major version."""
    return int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000


def find_program(name: str, server: int) -> Path:
    """Find the first program of this name that is not older than the server. Raises ProgramFailed."""
    older = []
    for program in _candidates(name):
        version = _version_of(program)
        if version >= server:
            return program
        older.append(f"{program} ({version})")
    words = f"; older: {', '.join(older)}" if older else ""
    raise ProgramFailed(f"no {name} of PostgreSQL {server} or newer was found{words}. Put one into the PATH")


def run_program(name: str, server: int, url: str | URL, arguments: Sequence[str]) -> None:
    """Run a program on this database; it ends with us. Raises ProgramFailed with what the program said last."""
    # By its parts: of several servers libpq reads other URLs than SQLAlchemy does.
    address = dialect().create_connect_args(make_url(url))[1]  # type: ignore[no-untyped-call]
    password = address.pop("password", "")
    command = [str(find_program(name, server)), *arguments, f"--dbname={make_conninfo(**address)}"]
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, without a shell
        leashed(command),
        env=os.environ | ({"PGPASSWORD": str(password)} if password else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProgramFailed(f"{name} ended with {done.returncode}: {done.stderr.strip()[-_SAID:]}")


def _candidates(name: str) -> Iterator[Path]:
    if found := shutil.which(name):
        yield Path(found)
    try:
        yield find_programs() / name
    except ServiceError:  # there is no such wheel here: the PATH's alone count
        return


def _version_of(program: Path) -> int:
    """Return the program's major version; 0 where it does not run."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return 0
    match = _VERSION.search(said)
    return int(match[1]) if match else 0
