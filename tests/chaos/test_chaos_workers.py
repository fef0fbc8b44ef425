"""A job whose worker was killed with all its children is taken up again: about a minute later, by its timers."""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rq import Queue, Retry
from sqlalchemy.orm import Session as Database
from werkzeug.serving import ThreadedWSGIServer

from bot.simulator.app import create_simulator
from bot.simulator.simulator import Simulator
from bot.work.queues import JobQueues
from models.core.database import connect
from models.people.photo import Photo
from tests.harness.processes.worker_desk import jpeg
from tests.harness.processes.workers import LONGEST, environment, kill, process, until
from tests.harness.simulator.in_process import OPTIONS


class Gate:
    """WeChat, behind a door at which whoever asks for a picture waits until it is opened."""

    def __init__(self, simulator: Simulator) -> None:
        self._inside = create_simulator(simulator.options, simulator).wsgi_app
        self.asked, self.opened = threading.Event(), threading.Event()
        self._server = ThreadedWSGIServer("127.0.0.1", 0, self)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if "/media/get" in environ["PATH_INFO"]:
            self.asked.set()
            self.opened.wait(LONGEST)
        return self._inside(environ, start)

    def close(self) -> None:
        self.opened.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.mark.chaos
@pytest.mark.parametrize("queue", ["push", "default"], ids=["a worker that does not fork", "a worker that forks"])
def test_a_job_whose_worker_was_killed_is_taken_up_again(
    new_database: Callable[[], str], redis_flushed: str, tmp_path: Path, queue: str
) -> None:
    url = new_database()
    simulator = Simulator(OPTIONS)
    media = simulator.media.put("image", jpeg())
    database, jobs, gate = connect(url), JobQueues(redis_flushed), Gate(simulator)
    settings = environment(url, redis_flushed, tmp_path, WECHAT_API_URL=gate.url)
    with Database(database) as db, db.begin():
        photo = Photo(subject="appeal", subject_id=1, media_id=media.media_id, pic_url="", created_at=datetime.now(UTC))
        db.add(photo)
        db.flush()
        number = photo.id

    def kept() -> bool:
        with Database(database) as db:
            return db.get_one(Photo, number).state == "kept"

    with ExitStack() as stack:
        stack.callback(simulator.close)
        stack.callback(gate.close)
        stack.callback(database.dispose)
        stack.callback(jobs.redis.close)
        before = [stack.enter_context(process("bot.work", name, settings=settings)) for name in (queue, "scheduler")]
        jobs.queues[queue].enqueue_many(
            [Queue.prepare_data("fetch_photo", (number,), retry=Retry(3), result_ttl=0, description="fetch_photo")]
        )
        assert gate.asked.wait(LONGEST)
        for one in before:
            kill(one)
        gate.opened.set()
        assert not kept()
        for name in (queue, "scheduler"):
            stack.enter_context(process("bot.work", name, settings=settings))
        until(kept, 180)  # 65 seconds of timers, and what a slow machine adds
        with Database(database) as db:
            assert db.get_one(Photo, number).tries == 2
