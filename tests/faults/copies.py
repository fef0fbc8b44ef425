"""A copy of the tree in a temporary folder, where tests run while a fault is in it; the tree itself is left alone."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.faults import witness
from tests.faults.fault import Fault

# pytest's own: all passed, some failed, none was collected.
PASSED, FAILED, NONE = 0, 1, 5


class OutOfTime(Exception):
    """The run was stopped before it ended; what it would have said is not known."""


class Unusable(Exception):
    """pytest could not begin at all; the text is what it printed last."""


def files_of(root: Path) -> list[str]:
    """What is tracked, or would be: without what .gitignore leaves out."""
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(name for name in set(said.stdout.split("\0")) if name and (root / name).is_file())


def fingerprint(root: Path) -> str:
    """Of all files but the list of faults and what works on it: what is known of a fault holds as long as this does."""
    whole = sha256()
    for name in files_of(root):
        if not name.startswith(("tests/faults", "tests/house/test_faults")):
            whole.update(f"{name}\0".encode() + sha256((root / name).read_bytes()).digest())
    return whole.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Copy:
    """``root`` holds the tree, and ``witnesses`` beside it what failed in a run."""

    root: Path

    @property
    def witnesses(self) -> Path:
        return self.root.with_suffix(".failed")

    @property
    def said(self) -> Path:
        return self.root.with_suffix(".said")

    @contextmanager
    def with_fault(self, fault: Fault) -> Iterator[None]:
        file = self.root / fault.file
        before = file.read_text(encoding="utf-8")
        self._write(file, fault.put_into(before))
        try:
            yield
        finally:
            self._write(file, before)

    def failing(self, tests: Sequence[str], seconds: float, options: Sequence[str] = ()) -> str | None:
        """The first of these tests that fails, by its pytest name, or None. Raises OutOfTime or Unusable."""
        self.witnesses.write_text("", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=short", "-p", "no:cacheprovider"]
        command += ["-p", witness.__name__, *options, *tests]
        code = self._run(command, seconds)
        failed = self.witnesses.read_text(encoding="utf-8").splitlines()
        if failed:
            return failed[0]
        if code not in (PASSED, NONE):
            raise Unusable("\n".join(self.said.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]))
        return None

    def _run(self, command: list[str], seconds: float) -> int:
        # We may be run by a test, in a worker of another run.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment = ours | {witness.FILE: str(self.witnesses)}
        with self.said.open("w", encoding="utf-8") as said:
            process = subprocess.Popen(
                command, cwd=self.root, env=environment, stdout=said, stderr=said, start_new_session=True
            )
            try:
                return process.wait(max(seconds, 0))
            except subprocess.TimeoutExpired:
                raise OutOfTime from None
            finally:
                _end(process)

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text, encoding="utf-8")
        # Python knows a changed file by its second and its size, and both may be the same.
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()


def copy_tree(root: Path, to: Path) -> Copy:
    """With an index of its own: one of the tests asks git what is tracked."""
    for name in files_of(root):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, to / name)
    subprocess.run(["git", "init", "--quiet"], cwd=to, check=True)
    subprocess.run(["git", "add", "--all", "--force"], cwd=to, check=True)
    return Copy(to)


def _end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C would, so that the tests' servers end too; then for good."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, sign)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                continue
