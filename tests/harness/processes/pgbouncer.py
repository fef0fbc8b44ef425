"""PgBouncer in transaction mode before the tests' PostgreSQL, with the settings that docs/operating.md gives."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bot.processes.leash import leashed
from bot.processes.supervisor import end, free_port
from config.settings import ROOT

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
# PgBouncer will not run as root.
_USER = "nobody" if os.geteuid() == 0 else ""
# Before it, PgBouncer does not follow prepared statements as psycopg closes them.
_LEAST = (1, 22)
_DOCUMENTED = re.compile(r"```ini\n(\[databases\].*?)```", re.DOTALL)


@cache
def cannot() -> str:
    """Why PgBouncer cannot be tried here; empty where it can."""
    if PROGRAM is None:
        return "there is no pgbouncer here; .ci/run installs it"
    said = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    assert found
    return "" if (int(found[1]), int(found[2])) >= _LEAST else f"this pgbouncer is too old: {found[0]}"


@contextmanager
def pooler(url: str, connections: int = 4, *, limits: bool = True) -> Iterator[Callable[[str], str]]:
    """Run PgBouncer with so many connections to each database of the server; yields (a database's url -> through it).

    ``limits``: with the time limits that the documentation has it give.
    """
    assert PROGRAM is not None
    server, port = make_url(url), free_port()
    user = server.username or "postgres"
    own = {"listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_type": "any"}

    def through(url: str) -> str:
        return make_url(url).set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)

    with tempfile.TemporaryDirectory(prefix="bangfu-pool-") as name:
        folder = Path(name)
        config, log = folder / "pgbouncer.ini", folder / "log"
        written = _config(str(server.query.get("host") or server.host), user, connections, limits)
        config.write_text(written + "".join(f"{name} = {value}\n" for name, value in own.items()))
        if _USER:
            account = pwd.getpwnam(_USER)
            for path in (folder, config):
                os.chown(path, account.pw_uid, account.pw_gid)
        with log.open("wb") as output:
            process = subprocess.Popen(
                leashed([PROGRAM, str(config)], user=_USER), stdout=output, stderr=output, process_group=0
            )
        try:
            _await(through(url), process, log)
            yield through
        finally:
            end(process, 10, signal.SIGQUIT)  # at SIGTERM it would wait for its clients


def _config(host: str, user: str, connections: int, limits: bool) -> str:
    """The documented settings, for this server and all of its databases."""
    found = _DOCUMENTED.search((ROOT / "docs" / "operating.md").read_text(encoding="utf-8"))
    assert found
    written, count = re.subn(r"^bangfu = host=\S+ dbname=\S+", f"* = host={host} user={user}", found[1], flags=re.M)
    assert count == 1
    if not limits:
        written = re.sub(r" connect_query='[^']*'", "", written)
    return re.sub(r"^default_pool_size = .*$", f"default_pool_size = {connections}", written, flags=re.M)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())
