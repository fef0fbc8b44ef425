"""The workers' own processes: they end together and gracefully, and outlive the loss of their Redis."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.processes.valkey import EmbeddedValkey
from bot.web.metrics import SENT_KEY
from bot.work.queues import JobQueues
from models.notifications.notification import Notification
from models.people.photo import Photo
from models.upkeep.dead_job import DeadJob
from tests.harness.figures import figures
from tests.harness.processes.databases import PostgresDatabases
from tests.harness.processes.workers import environment, gone_photo, owe, process, until
from tests.harness.stage import Stage

pytestmark = pytest.mark.slow


@dataclass
class House:
    """``settings``: what the processes are set to."""

    stage: Stage
    jobs: JobQueues
    folder: Path
    settings: dict[str, str]

    def lose_pictures(self, count: int) -> list[Path]:
        """Pictures to be deleted, asked of the workers; their files."""
        gone = [gone_photo(self.stage.database, self.folder) for _ in range(count)]
        self.jobs.put([("forget_photo", number) for number, _ in gone])
        return [file for _, file in gone]


@pytest.fixture
def house(database_url: str, redis_flushed: str, tmp_path: Path) -> Iterator[House]:
    with_house = make_house(database_url, redis_flushed, tmp_path / "media")
    yield with_house
    with_house.jobs.redis.close()
    with_house.stage.close()


def make_house(database_url: str, redis_url: str, folder: Path) -> House:
    settings = environment(database_url, redis_url, folder)
    return House(Stage(database_url, redis_url=redis_url), JobQueues(redis_url), folder, settings)


def test_the_workers_live_and_end_together(house: House) -> None:
    files = house.lose_pictures(3)
    with process("flask", "--app", "wsgi", "worker", settings=house.settings) as parent:
        until(lambda: not any(file.exists() for file in files))
        children = psutil.Process(parent.pid).children()
        ends = ("scheduler", "push", "bulk", "voice", "default", "slow")
        assert sorted(child.cmdline()[-1] for child in children) == sorted(ends)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(300) == 0
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_queue_that_there_is_not_is_told(house: House) -> None:
    command = ["flask", "--app", "wsgi", "worker", "--queues", "push,bluk"]
    answer = house.stage.app.test_cli_runner().invoke(args=command[3:])
    assert answer.exit_code == 2
    assert "no queue is called bluk" in answer.output


def test_a_worker_outlives_a_redis_that_ends_and_begins_and_one_that_is_emptied(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    with EmbeddedValkey(tmp_path / "valkey", keep=False) as valkey:
        house = make_house(new_database(), valkey.url, tmp_path / "media")
        with process("bot.work", "default", settings=house.settings):
            for trouble in (valkey.stop, None):
                [file] = house.lose_pictures(1)
                until(lambda: not file.exists())  # noqa: B023 - called before the next turn
                if trouble:
                    trouble()
                    valkey.start()
                else:
                    house.jobs.redis.flushdb()
            [file] = house.lose_pictures(1)
            until(lambda: not file.exists())
        house.jobs.redis.close()
        house.stage.close()


def test_a_picture_that_redis_forgot_is_deleted_all_the_same(house: House) -> None:
    """By the scheduler's first run, in a process of its own."""
    _, file = gone_photo(house.stage.database, house.folder)

    def forgotten() -> bool:  # the file is deleted first, and its path committed after
        with Database(house.stage.database) as db:
            return db.scalars(select(Photo.path)).all() == [None]

    with (
        process("bot.work", "scheduler", settings=house.settings),
        process("bot.work", "default", settings=house.settings),
    ):
        until(forgotten)
    assert not file.exists()


def test_the_figures_tell_of_queues_sends_and_dead_jobs_and_of_nothing_when_nothing_is_known(
    new_database: Callable[[], str], redis_flushed: str
) -> None:
    stage = Stage(new_database(), redis_url=redis_flushed)
    stage.say("o-li", "你好")
    [number] = owe(stage, 1)
    jobs = JobQueues(redis_flushed)
    jobs.redis.flushdb()
    jobs.put([("check_books", 20261124), ("fetch_photo", 1), ("fetch_photo", 2)], [number])
    jobs.redis.hset(SENT_KEY, mapping={"service:0": 7, "template:43004": 2})
    with Database(stage.database) as db, db.begin():
        db.execute(update(Notification).values(due_at=stage.clock()))
        db.add(DeadJob(name="fetch_photo", argument="7", error="x", tries=4, died_at=stage.clock()))
    stage.clock.now = stage.clock().replace(minute=stage.clock().minute + 1)
    told = figures(stage)
    assert {queue: told[f"bangfu_queue_jobs{queue}"] for queue in ("push", "bulk", "voice", "default", "slow")} == {
        "push": 1,
        "bulk": 0,
        "voice": 0,
        "default": 2,
        "slow": 1,
    }
    assert (told["bangfu_sentservice0"], told["bangfu_senttemplate43004"]) == (7, 2)
    assert (told["bangfu_oldest_owed_seconds"], told["bangfu_dead_jobs"]) == (60, 1)
    jobs.redis.close()
    stage.close()


def test_the_figures_answer_without_redis_and_without_a_database(databases: PostgresDatabases) -> None:
    url = databases.create()
    stage = Stage(url)  # whose Redis is nowhere
    databases.drop(url)
    told = figures(stage)
    for name in ("bangfu_queue_jobspush", "bangfu_oldest_owed_seconds", "bangfu_dead_jobs"):
        assert str(told[name]) == "nan"
    assert not [name for name in told if name.startswith("bangfu_sent")]
    stage.close()
