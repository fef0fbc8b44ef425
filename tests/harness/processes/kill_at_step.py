"""A program of ours that is killed at one step of its work, once.

``python -m tests.harness.processes.kill_at_step STEP MARK PROGRAM``

STEP is ``module:name:before`` or ``:after``, as ``bot.payments.orders:apply_payment:after``; the file MARK says that it
has happened. PROGRAM is ``web PORT``, a queue for a worker, or one act: ``job NAME NUMBER`` (``jobs NAME NUMBER…``, one
that takes several), ``place PLEDGE OPENID``, ``place_order ORDER OPENID``. It kills itself as ``kill -9`` does, so
nothing of this is in the programs themselves.
"""

import functools
import importlib
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from bot.market.payments import OrderPaymentDesk, OrderPaymentIntake
from bot.payments.orders import OrderDesk, PaymentIntake
from bot.work.context import WorkerContext
from config.settings import Settings


def die_at(step: str, mark: Path) -> None:
    module, name, moment = step.split(":")
    *path, last = name.split(".")
    owner: Any = functools.reduce(getattr, path, importlib.import_module(module))
    act = getattr(owner, last)

    @functools.wraps(act)
    def dying(*given: Any, **named: Any) -> Any:
        if moment == "before":
            _die(mark)
        result = act(*given, **named)
        _die(mark)
        return result

    setattr(owner, last, dying)


def _die(mark: Path) -> None:
    """With all that belongs to us, so that no parent clears up after its child."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    step, mark, *program = arguments
    match program:
        case ["web", port]:
            app = importlib.import_module("wsgi").app
            die_at(step, Path(mark))
            make_server("127.0.0.1", int(port), app, threaded=True).serve_forever()
        case ["job" | "jobs", name, *numbers]:
            context = WorkerContext(Settings())
            die_at(step, Path(mark))
            context.run_job(name, int(numbers[0]) if program[0] == "job" else [int(number) for number in numbers])
        case ["place", pledge, openid]:
            context = WorkerContext(Settings())
            assert context.pay is not None
            till = PaymentIntake(context.database, context.jobs)
            die_at(step, Path(mark))
            OrderDesk(till, context.pay, lambda: datetime.now(UTC)).place(int(pledge), openid)
        case ["place_order", order, openid]:
            context = WorkerContext(Settings())
            assert context.partner is not None
            intake = OrderPaymentIntake(context.database, context.jobs)
            die_at(step, Path(mark))
            OrderPaymentDesk(intake, context.partner, lambda: datetime.now(UTC)).place(int(order), openid)
        case _:
            work = importlib.import_module("bot.work.__main__")
            die_at(step, Path(mark))
            work.main(program)


if __name__ == "__main__":
    main(sys.argv[1:])
