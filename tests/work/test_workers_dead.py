"""Jobs that fail: tried again after a while, then kept for somebody to look at, run again or dropped."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from rq.job import JobStatus
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.work.jobs import JOBS
from bot.work.workers import Forker, Sender
from models.people.photo import Photo
from models.upkeep.dead_job import DeadJob
from tests.harness.processes.shop import WORDS, Shop
from tests.harness.stage import Stage


@pytest.fixture
def shop(database_url: str, redis_flushed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    shop = Shop(database_url, redis_flushed, tmp_path, monkeypatch)
    shop.break_folder()
    yield shop
    shop.close()


def test_a_job_that_fails_is_tried_again_and_done(shop: Shop) -> None:
    shop.jobs.enqueue([("forget_photo", shop.photo)])
    shop.work()
    [job_id] = shop.jobs.queues["default"].scheduled_job_registry.get_job_ids()
    job = shop.jobs.queues["default"].fetch_job(job_id)
    assert job is not None
    assert (job.get_status(), job.retries_left) == (JobStatus.SCHEDULED, JOBS["forget_photo"].tries - 2)
    shop.mend_folder()
    shop.scheduler.retry()
    assert shop.jobs.queues["default"].count == 0  # not before its time
    assert shop.wait_for_the_next_try() == 1
    shop.work()
    assert not shop.file.exists()
    assert shop.jobs.redis.exists(job.key) == 0
    assert shop.rows() == []


@pytest.mark.parametrize("kind", [Sender, Forker])
def test_a_job_that_failed_for_good_is_kept_without_its_words(shop: Shop, kind: type[Sender | Forker]) -> None:
    with structlog.testing.capture_logs() as logs:
        shop.fail_for_good(kind)
    [dead] = shop.rows()
    assert (dead.name, dead.argument, dead.tries) == ("forget_photo", str(shop.photo), JOBS["forget_photo"].tries)
    assert dead.error.startswith("bot.storage.interface.StorageTrouble at folder.py:")
    assert dead.settled_at is None
    told = [line for line in logs if line["event"] == "job.dead"]
    assert [(line["job"], line["dead_job"]) for line in told] == [("forget_photo", dead.id)]
    # Neither the row nor Redis holds a word of the exception: its message named the folder.
    assert WORDS not in dead.error
    for key in shop.jobs.redis.keys("*"):
        assert WORDS.encode() not in (shop.jobs.redis.dump(key) or b"")
    assert shop.jobs.queues["default"].failed_job_registry.count == 0


def test_the_same_work_that_dies_twice_is_one_row(shop: Shop) -> None:
    shop.fail_for_good()
    shop.jobs.enqueue([("forget_photo", shop.photo)])
    for _ in range(JOBS["forget_photo"].tries):
        shop.work()
        shop.wait_for_the_next_try()
    shop.scheduler.tick(datetime.now(UTC) + timedelta(minutes=1))
    assert len(shop.rows()) == 1


def test_a_dead_job_is_listed_replayed_and_done(shop: Shop) -> None:
    shop.fail_for_good()
    [dead] = shop.rows()
    listed = shop.command()
    assert listed.exit_code == 0
    assert f"{dead.id}  " in listed.output
    assert "forget_photo" in listed.output
    assert "1 open." in listed.output
    shop.mend_folder()
    assert "1 handed to the workers again." in shop.command("--replay", str(dead.id)).output
    shop.work()
    assert not shop.file.exists()
    with Database(shop.stage.database) as db:
        assert db.get_one(Photo, shop.photo).path is None
    assert "No job is dead." in shop.command().output


def test_a_dead_job_is_dropped_and_what_is_not_there_is_said_to_be_not_there(shop: Shop) -> None:
    shop.fail_for_good()
    [dead] = shop.rows()
    assert "no open dead job has the number 99" in shop.command("--drop", "99").output
    assert "a number as the list shows it, or all" in shop.command("--replay", "x").output
    assert "not both" in shop.command("--replay", "all", "--drop", "all").output
    assert "1 dropped." in shop.command("--drop", "all").output
    assert "no open dead job" in shop.command("--replay", str(dead.id)).output
    assert shop.jobs.queues["default"].count == 0


def test_a_replay_without_redis_changes_nothing(database_url: str) -> None:
    stage = Stage(database_url)  # whose Redis is nowhere
    with Database(stage.database) as db, db.begin():
        now = datetime.now(UTC)
        db.add(DeadJob(name="fetch_photo", argument="7", error="builtins.ValueError", tries=4, died_at=now))
    answer = stage.app.test_cli_runner().invoke(args=["dead-jobs", "--replay", "all"])
    assert "Redis does not answer" in answer.output
    assert answer.exit_code == 1
    with Database(stage.database) as db:
        assert db.scalars(select(DeadJob.settled_at)).all() == [None]
    stage.close()
