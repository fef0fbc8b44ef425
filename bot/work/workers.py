"""RQ's workers as we run them: what a killed one had begun is taken up again within a minute and a half.

RQ's own ways that do not do here (3.0, read in its source):

- A job of a SimpleWorker counts as running for its whole time limit and a minute more. Here a thread beats for it.
- Of several workers the one that tidies the registries locks them for a quarter of an hour, and a killed one
  leaves the lock. Here the clock tidies them (``bot.work.tidying``), since there is always just one.
- A second SIGTERM ends the job at hand. Whoever ends a group of processes may send two; SIGKILL remains.
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

from bot.work.errands import errands

log = structlog.get_logger()

ROOT = Path(__file__).parent.parent.parent
# Seconds between two signs of life for a job, and until a job without one is taken for abandoned.
BEAT = 10
LEASE = 40
# A worker waits this long for a job before it looks around (RQ: its time to live less 15), and is forgotten a
# minute after its time to live.
WORKER_LIVES = 30


def describe(error: BaseException) -> str:
    """An exception's type and the last place of ours that it came by, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename]
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    if not (ours or frames):
        return kind
    at = (ours or list(frames))[-1]
    return f"{kind} at {Path(at.filename).name}:{at.lineno} in {at.name}"


class Called(Job):
    """A job that is called by its name, where RQ keeps the path of a function, which a move would strand."""

    @property
    def func(self) -> Callable[[Any], None]:
        return partial(errands().do, str(self.func_name))


class _Ours(BaseWorker):
    """``asked_to_end``: set by the first signal. What both kinds have in common."""

    job_class = Called
    max_connection_wait_time = 5.0
    asked_to_end: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.asked_to_end.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """The job at hand is finished all the same."""

    def check_for_suspension(self, burst: bool) -> None:
        """Nobody suspends these workers. Asked before each job: the signal may have come before RQ listened."""
        self._stop_requested = self._stop_requested or self.asked_to_end.is_set()

    def subscribe(self) -> None:
        """Nobody sends these workers commands: one thread and one connection less."""

    def run_maintenance_tasks(self) -> None:
        """The clock does that."""
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        return LEASE

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """To the log, in our way."""
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
        """``exc_string``: RQ's own words where a process was lost, or an exception with all it says."""
        error = sys.exception()
        words = describe(error) if error else exc_string
        super().handle_job_failure(job, queue, started_job_registry, words, execution)


class Sender(_Ours, SimpleWorker):
    """Does not fork: what it has open (connections, threads, tokens) serves the next job too."""

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
    """Works in a child for each job: a picture made to break its reader ends that alone."""

    def setup_work_horse_signals(self) -> None:
        """A child hears nothing of the end that is asked of everybody: its job is finished first."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    def handle_warm_shutdown_request(self) -> None:
        """What may take hours can be cut off anywhere: it is begun anew by the next worker."""
        current = next(iter(self.executions.values()), None)
        if self.horse_pid and current is not None and current.job.origin == "slow":
            self.kill_horse()
