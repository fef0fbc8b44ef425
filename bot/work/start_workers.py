"""Start the worker processes of ``flask worker`` and the demo, and end them together."""

import sys
from collections.abc import Collection, Sequence

from bot.processes.supervisor import Processes
from bot.work.jobs import JOBS
from bot.work.queues import QUEUES

# The queues of each process, the more urgent first. Pushes that a person waits for have a process of their own,
# so that they never wait behind a broadcast, nor a photo behind the check of the books. Voices have one as well: a
# recogniser that hangs keeps each for a minute, and payments and refunds must not wait for it.
QUEUES_BY_PROCESS = (("push",), ("bulk",), ("voice",), ("default",), ("slow",))
# For the demo, where everything runs on one machine.
DEMO_QUEUES_BY_PROCESS = (("push", "bulk"), ("voice", "default", "slow"))
# A running job may finish within its time limit; only a slow one is cut off.
GRACE = 10.0 + max(job.seconds for job in JOBS.values() if job.queue != "slow")


def command_lines(
    queues: Collection[str] = QUEUES, processes: int = 1, groups: Sequence[Sequence[str]] = QUEUES_BY_PROCESS
) -> dict[str, list[str]]:
    """Map names to command lines: ``processes`` for each group of these queues, and the scheduler."""
    alone = [sys.executable, "-m", "bot.work"]
    found = {"scheduler": [*alone, "scheduler"]}
    for group in groups:
        if ours := [queue for queue in group if queue in queues]:
            found |= {f"worker {'+'.join(ours)} {number + 1}": [*alone, *ours] for number in range(processes)}
    return found


def run_workers(queues: Collection[str], processes: int) -> int:
    """Run the processes until told to stop. Returns the exit code."""
    with Processes(grace=GRACE, together=True) as children:
        for name, command in command_lines(queues, processes).items():
            children.start(name, command)
        return children.wait()
