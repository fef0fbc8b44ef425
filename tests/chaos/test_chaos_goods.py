"""A process killed without warning in the middle of each step of a match: nothing is held for ever or given twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches import clock
from models.goods.matches.match import HELD, LASTS, Match
from models.goods.rules import STRICT
from models.stock.move import StockMove
from tests.harness.money.checking_books import codes
from tests.harness.stage import Stage
from tests.scenes.handover import Handover

pytestmark = pytest.mark.chaos  # kills processes
ROOT = Path(__file__).parents[2]
STEPS = ("proposed", "recipient_ok", "donor_ok", "in_transit", "at_point", "collected", "confirmed")
# Takes one step of match 1 in a transaction of its own, and waits before the commit until it is told to go on.
SCRIPT = """
import sys
from tests.harness.stage import Stage
from tests.scenes.handover import Handover
from models.goods.matches.locks import lock_match
url, to, keeper, point = sys.argv[1:]
handover = Handover(Stage(url), keeper=int(keeper), point=int(point))
with handover.session() as db:
    handover.step(lock_match(db, 1), to)
    db.flush()
    print("taken", flush=True)
    sys.stdin.readline()
print("kept", flush=True)
"""


@pytest.fixture
def handover(new_database: Callable[[], str]) -> Iterator[Handover]:
    stage = Stage(new_database())
    handover = Handover(stage)
    handover.open_point()
    handover.match(handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang")))
    yield handover
    stage.close()


def killed(handover: Handover, to: str, *, kept: bool) -> None:
    """Let a process take the step, and kill it before it commits, or once it has (``kept``)."""
    url = handover.stage.settings.database_url
    command = [sys.executable, "-c", SCRIPT, url, to, str(handover.keeper), str(handover.point)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "taken\n"
        if kept:
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "kept\n"
        os.kill(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(("before", "to"), list(pairwise(STEPS)))
def test_a_step_is_taken_whole_or_not_at_all(handover: Handover, before: str, to: str) -> None:
    handover.advance(1, before)
    killed(handover, to, kept=False)
    assert handover.state_of(1) == before
    assert not codes(handover.stage)
    killed(handover, to, kept=True)
    assert handover.state_of(1) == to
    assert not codes(handover.stage)
    if to == "collected":
        with handover.session() as db:
            delivered = select(func.sum(StockMove.quantity)).where(StockMove.kind == "deliver")
            assert (db.scalar(delivered), db.get_one(GoodsRequest, 1).received) == (2, 2)


@pytest.mark.parametrize("last", STEPS[:-1])
def test_what_nobody_takes_up_again_is_freed_by_the_clock(handover: Handover, last: str) -> None:
    handover.advance(1, last)
    killed(handover, STEPS[STEPS.index(last) + 1], kept=False)
    now = handover.stage.clock()
    for _ in range(3):
        now += max(LASTS.values()) + timedelta(days=STRICT.days_on_shelf)
        with handover.session() as db:
            clock.end_overdue(db, STRICT, now)
        with handover.session() as db:
            clock.write_off_shelves(db, STRICT, now)
    with handover.session() as db:
        assert db.get_one(Match, 1).state not in (*HELD, "collected")
        assert db.get_one(Offer, 1).reserved == 0
        assert db.get_one(GoodsRequest, 1).promised == 0
    assert not codes(handover.stage)
