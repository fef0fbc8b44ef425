"""Run one worker process: ``python -m bot.work scheduler``, or with the names of its queues by urgency."""

import signal
import sys
import threading

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq.serializers import JSONSerializer

from bot.books.sealing import sealing
from bot.log import configure_logging
from bot.storage.choice import prepare_media
from bot.work.context import WorkerContext, worker_context
from bot.work.queues import SENDING
from bot.work.scheduler import Scheduler
from bot.work.workers import BEAT, WORKER_LIVES, Forker, Sender
from config.settings import Settings, read_settings

log = structlog.get_logger()

# Seconds before a worker that lost its Redis looks for it again.
PAUSE = 1.0


def schedule(settings: Settings, ending: threading.Event) -> None:
    """Run the schedule, and seal the chains beside it, so that no job of any length keeps them waiting."""
    context = WorkerContext(settings)
    try:
        with sealing(context.database):
            Scheduler(context, settings.redis_url).run(ending)
    finally:
        context.close()


def work(queues: list[str], settings: Settings, ending: threading.Event) -> None:
    """Work until ``ending`` is set. RQ's worker ends when Redis fails amid its bookkeeping; a new one starts."""
    kind = Sender if set(queues) <= set(SENDING) else Forker
    if kind is Sender:
        # Made now, so that the first push does not wait for it and a wrong setting fails at the start.
        _ = worker_context().deliverer
    else:
        prepare_media(settings)
    while not ending.is_set():
        try:
            with Redis.from_url(settings.redis_url) as connection:
                worker = kind(
                    queues,
                    connection=connection,
                    serializer=JSONSerializer,
                    worker_ttl=WORKER_LIVES,
                    job_monitoring_interval=BEAT,
                )
                worker.asked_to_end = ending
                worker.work(logging_level="WARNING")
        except RedisError as error:
            log.warning("worker.redis_away", error=type(error).__name__)
        listen(ending)
        ending.wait(PAUSE)
    if kind is Sender:
        worker_context().close()


def listen(ending: threading.Event) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())


def main(arguments: list[str]) -> None:
    settings = read_settings()
    configure_logging(json=settings.is_production)
    ending = threading.Event()
    listen(ending)
    if arguments == ["scheduler"]:
        schedule(settings, ending)
    else:
        work(arguments, settings, ending)


if __name__ == "__main__":
    main(sys.argv[1:])
