"""Adapt RQ's workers, so that a killed worker's job is taken up again within a minute and a half.

What RQ (3.0, by its source) does otherwise:

- A job of a SimpleWorker counts as running for its whole time limit and a minute more. Here a thread beats for it.
- Of several workers the one that tidies the registries locks them for a quarter of an hour, and a killed one
  leaves the lock. Here the scheduler tidies them (``bot.work.queue_cleanup``), since there is always just one.
- A second SIGTERM ends the running job. A supervisor that ends a process group may send two; SIGKILL remains.
- The log and Redis get the words of an exception, which can be people's. Here: its type, and where it arose.
"""

import signal
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, Worker
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.utils import now
from rq.worker.base import BaseWorker

from bot.work.context import worker_context
from bot.work.rq_queue import JobQueue, QueuedJob

log = structlog.get_logger()

ROOT = Path(__file__).parent.parent.parent
# Seconds between two signs of life for a job, and until a job without one is taken for abandoned.
BEAT = 10
LEASE = 40
# A worker's time to live (seconds): it waits for a job 15 less before its housekeeping, and RQ forgets it a minute
# after it.
WORKER_LIVES = 30


def describe(error: BaseException) -> str:
    """Return an exception's type and the last line of our code in its traceback, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename]
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    if not (ours or frames):
        return kind
    at = (ours or list(frames))[-1]
    return f"{kind} at {Path(at.filename).name}:{at.lineno} in {at.name}"


class Called(QueuedJob):
    """A job that is called by its name in the table, where RQ imports the function whose path stands in Redis."""

    @property
    def func(self) -> Callable[[Any], None]:
        return partial(worker_context().run_job, str(self.func_name))


class _Ours(BaseWorker):
    """What both kinds of worker share. ``asked_to_end``: set by the first signal."""

    job_class = Called
    queue_class: type[Queue] = JobQueue
    max_connection_wait_time = 5.0
    asked_to_end: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.asked_to_end.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Ignore a second signal: the running job is finished."""

    def check_for_suspension(self, burst: bool) -> None:
        """Check for the signal before each job: it may have come before RQ listened. Workers are never suspended."""
        self._stop_requested = self._stop_requested or self.asked_to_end.is_set()

    def subscribe(self) -> None:
        """Do not listen for commands, which are not used: it saves a thread and a connection."""

    def run_maintenance_tasks(self) -> None:
        """Skip RQ's maintenance: the scheduler does it."""
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        return LEASE

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log the exception through our own logging."""
        tries_left = job.retries_left or 0
        log.warning("job.failed", job=job.description, tries_left=tries_left, exc_info=exc_info)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Keep the error's type and place alone. ``exc_string``: RQ's message for a lost process, or a traceback."""
        error = sys.exception()
        words = describe(error) if error else exc_string
        super().handle_job_failure(job, queue, started_job_registry, words, execution)


class Sender(_Ours, SimpleWorker):
    """A worker that does not fork: its connections, threads and tokens serve the next job too."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        execution = self.prepare_execution(job)
        done = threading.Event()
        beats = threading.Thread(target=self._beat, args=(job, execution, done), daemon=True)
        beats.start()
        try:
            self.perform_job(job, queue, execution)
        finally:
            done.set()
            beats.join()
        self.set_state("idle")

    def _beat(self, job: Job, execution: Execution, done: threading.Event) -> None:
        while not done.wait(BEAT):
            try:
                self.maintain_heartbeats(job, execution)
            except RedisError as error:
                log.warning("worker.no_beat", error=type(error).__name__)


class Forker(_Ours, Worker):
    """A worker that forks for each job: a malicious photo that crashes its reader ends that child alone."""

    def setup_work_horse_signals(self) -> None:
        """Let the child ignore the ending signals: its job is finished first."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    def handle_warm_shutdown_request(self) -> None:
        """Kill the child if its job is slow: it may take hours, and the next worker can start it anew."""
        current = next(iter(self.executions.values()), None)
        if self.horse_pid and current is not None and current.job.origin == "slow":
            self.kill_horse()
