"""A process that is killed at a named step: ``python -m tests.dying STEP WHEN ACT NUMBER``, set up by environment.

``STEP`` is a function by its dotted name, ``WHEN`` before or after: the process kills itself there as ``kill -9`` does,
so nothing of the program has to know of it. ``ACT``: query (an order), or place (a pledge's order, for an openid).
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from bot.paying import Cashier, Till
from bot.worker import Errands
from config.settings import Settings


def die_at(step: str, when: str) -> None:
    names, owner = step.split("."), None
    for cut in range(len(names) - 1, 0, -1):
        try:
            owner = import_module(".".join(names[:cut]))
        except ModuleNotFoundError:
            continue
        for name in names[cut:-1]:
            owner = getattr(owner, name)
        break
    assert owner is not None
    alive: Callable[..., Any] = getattr(owner, names[-1])

    def dying(*args: Any, **more: Any) -> Any:
        if when == "after":
            alive(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, names[-1], dying)


def main(step: str, when: str, act: str, number: str, openid: str = "") -> None:
    errands = Errands(Settings())
    die_at(step, when)
    if act == "query":
        errands.query_order(int(number))
    elif errands.pay:
        Cashier(Till(errands.database, errands.jobs), errands.pay, lambda: datetime.now(UTC)).place(int(number), openid)


if __name__ == "__main__":
    main(*sys.argv[1:])
