"""The processes that ``flask worker`` and the demo start, and that end together."""

import sys
from collections.abc import Collection, Sequence

from bot.processes.supervisor import Processes
from bot.work.jobs import JOBS
from bot.work.queues import QUEUES

# Queues whose jobs are worked off by one and the same process, the more urgent first. What somebody waits for
# has a process of its own, so that it never waits behind a fan-out, nor a picture behind the books.
GROUPS = (("push",), ("bulk",), ("default",), ("slow",))
# For the demo, where one machine is everything.
SMALL = (("push", "bulk"), ("default", "slow"))
# A job at hand is finished, if it keeps its time; only a slow one is cut off.
GRACE = 10.0 + max(job.seconds for job in JOBS.values() if job.queue != "slow")


def commands(
    queues: Collection[str] = QUEUES, processes: int = 1, groups: Sequence[Sequence[str]] = GROUPS
) -> dict[str, list[str]]:
    """Name -> command line: for each group of these queues so many processes, and the clock."""
    alone = [sys.executable, "-m", "bot.work"]
    found = {"clock": [*alone, "clock"]}
    for group in groups:
        if ours := [queue for queue in group if queue in queues]:
            found |= {f"worker {'+'.join(ours)} {number + 1}": [*alone, *ours] for number in range(processes)}
    return found


def run(queues: Collection[str], processes: int) -> int:
    """Until told to stop. Returns the exit code."""
    with Processes(grace=GRACE, together=True) as fleet:
        for name, command in commands(queues, processes).items():
            fleet.start(name, command)
        return fleet.wait()
