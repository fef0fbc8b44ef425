"""The jobs of pushes, fan-outs and digests."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.push import digests
from bot.push.fanout import go_on
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.errands import Errands

# Seconds for which a job of pushes goes on with what is due, so that sends and the database do not wait for each other.
SERVES_ON = 5.0


def deliver(errands: "Errands", notice_ids: list[int]) -> None:
    """Push these notices, and for a while whatever else is due as urgently."""
    errands.deliverer.serve(notice_ids, "push", SERVES_ON)


def deliver_bulk(errands: "Errands", notice_ids: list[int]) -> None:
    """Push these notices of a fan-out, and for a while whatever else is due of fan-outs."""
    errands.deliverer.serve(notice_ids, "bulk", SERVES_ON)


def fan_out(errands: "Errands", _broadcast_id: int) -> None:
    """Take every fan-out as far as it goes; a killed one is gone on with by the clock."""
    while go_on(errands.database, errands.jobs, datetime.now(UTC)):
        pass


def write_digests(errands: "Errands", month: int) -> None:
    """Of this month (202610): who has it already gets no other."""
    digests.write_digests(errands.database, month, datetime.now(UTC))


JOBS = {
    # Up to a minute until the account's pace lets a batch go, and then all its time-outs together.
    "deliver": Job(deliver, "push", seconds=180),
    "deliver_bulk": Job(deliver_bulk, "bulk", seconds=180),
    # What is slow may be cut off anywhere, and is begun anew.
    "fan_out": Job(fan_out, "slow", seconds=600),
    "write_digests": Job(write_digests, "slow", seconds=3600, backoff=(60, 600)),
}
