"""Run a command that ends when the program that started it ends, however that happens.

A killed program cannot clean up after itself, but Linux can: it sends a process a chosen
signal as soon as its parent is gone (PR_SET_PDEATHSIG). Setting that between fork and exec,
in Python's preexec_fn, is unsafe with threads; so this file runs as a small program,
sets it on itself, and then becomes the command. It needs nothing but the standard library.

The parent that Linux watches is a thread: start what must last from the main thread.
Elsewhere than on Linux the command runs without the leash.
"""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence

_SET_PARENT_DEATH_SIGNAL = 1


def leashed(command: Sequence[str], ending: signal.Signals = signal.SIGTERM, user: str = "") -> list[str]:
    """Return the command line that runs ``command`` on this process's leash, as ``user`` if given (root only).

    ``ending`` is the signal that the command gets when this process is gone.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(ending)), user, *command]


def _become(account: pwd.struct_passwd) -> None:
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def _run(parent: int, ending: int, user: str, command: list[str]) -> None:
    # The user first, since a change of user resets the signal.
    if user:
        _become(pwd.getpwnam(user))
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, ending) != 0:
        raise OSError(ctypes.get_errno(), "the leash could not be put on")
    if os.getppid() != parent:
        sys.exit("the program that started this one is gone already")
    try:
        os.execvp(command[0], command)  # noqa: S606 - the caller's own command, without a shell
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201
        sys.exit(127)


if __name__ == "__main__":
    _run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
