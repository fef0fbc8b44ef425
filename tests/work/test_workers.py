"""Queues by urgency, one scheduler, and what is owed found again, with a real Valkey that is emptied and ended."""

import inspect
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rq.serializers import JSONSerializer
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.processes.valkey import EmbeddedValkey
from bot.work.context import WorkerContext
from bot.work.jobs import JOBS
from bot.work.queue_cleanup import LOST_AFTER, recover_jobs
from bot.work.queues import BATCH, DELIVERING, MOST_WAITING, QUEUES, SENDING, JobQueues
from bot.work.schedule import SCHEDULE, Scheduled
from bot.work.scheduler import Scheduler
from bot.work.start_workers import DEMO_QUEUES_BY_PROCESS, QUEUES_BY_PROCESS, command_lines
from bot.work.sweeps import sweep_outbox
from models.notifications.notification import Notification
from models.notifications.outbox import CLAIM_LASTS, claim_due
from tests.harness.processes.workers import owe
from tests.harness.stage import Stage, settings_for


@pytest.fixture
def stage(database_url: str, redis_flushed: str) -> Iterator[Stage]:
    stage = Stage(database_url, redis_url=redis_flushed)
    stage.say("o-li", "你好")
    yield stage
    stage.close()


@pytest.fixture
def jobs(redis_flushed: str) -> Iterator[JobQueues]:
    jobs = JobQueues(redis_flushed)
    yield jobs
    jobs.redis.close()


def held(jobs: JobQueues, queue: str) -> list[list[int]]:
    """The notices that each job of a queue takes along."""
    return [job.args[0] for job in jobs.queues[queue].jobs]


# --- The table


def test_a_recogniser_that_hangs_delays_voices_alone() -> None:
    queue = JOBS["hear_voice"].queue
    assert [name for name, job in JOBS.items() if job.queue == queue] == ["hear_voice"]
    assert (queue,) in QUEUES_BY_PROCESS


def test_every_queue_is_served_and_every_job_is_there_and_takes_json() -> None:
    for groups in (QUEUES_BY_PROCESS, DEMO_QUEUES_BY_PROCESS):
        assert sorted(queue for group in groups for queue in group) == sorted(QUEUES)
        served = [part for command in command_lines(groups=groups).values() for part in command]
        assert set(QUEUES) <= set(served)
    assert {job.queue for job in JOBS.values()} == set(QUEUES)
    assert set(DELIVERING) == set(SENDING)
    assert all(JOBS[name].queue == urgency for urgency, name in DELIVERING.items())
    for job in JOBS.values():
        _, parameter = inspect.signature(job.run).parameters.values()
        assert parameter.annotation in (int, list[int])
    asked = {one.enqueues(datetime(2026, 11, 24, tzinfo=UTC))[0] for one in SCHEDULE.values() if one.enqueues}
    assert asked <= set(JOBS)


def test_only_the_wanted_queues_get_processes_and_the_scheduler_always_does() -> None:
    assert sorted(command_lines(("push",), 2)) == ["scheduler", "worker push 1", "worker push 2"]


def test_a_job_keeps_its_queue_its_time_and_its_tries(jobs: JobQueues) -> None:
    many = {*DELIVERING.values(), "ask_refunds", "send_transfers"}
    jobs.put([(name, [1] if name in many else 1) for name in JOBS])
    for name, wanted in JOBS.items():
        [job] = [job for job in jobs.queues[wanted.queue].jobs if job.func_name == name]
        assert job.serializer is JSONSerializer
        assert json.loads(json.dumps(job.args)) == job.args
        assert (job.timeout, job.retries_left, job.retry_intervals) == (
            wanted.seconds,
            len(wanted.backoff),
            list(wanted.backoff),
        )


def test_what_a_turn_told_goes_to_push_a_hundred_at_a_time_and_a_fan_out_to_bulk(jobs: JobQueues) -> None:
    jobs.enqueue([("fetch_photo", 5)], range(1, 2 * BATCH + 2))
    jobs.deliver(range(900, 900 + BATCH), "bulk")
    assert [len(one) for one in held(jobs, "push")] == [BATCH, BATCH, 1]
    assert held(jobs, "bulk") == [list(range(900, 900 + BATCH))]
    assert jobs.queues["default"].count == 1


# --- What is owed


def test_an_emptied_redis_loses_no_notice_and_none_is_heaped_up(stage: Stage, jobs: JobQueues) -> None:
    ids = owe(stage, 2 * BATCH + 50)
    jobs.enqueue([], ids)
    jobs.redis.flushdb()
    for _ in range(5):
        sweep_outbox(stage.database, jobs, stage.clock())
    assert sorted(number for one in held(jobs, "push") for number in one) == ids
    jobs.redis.flushdb()
    sweep_outbox(stage.database, jobs, stage.clock())
    assert sorted(number for one in held(jobs, "push") for number in one) == ids


def test_a_hundred_thousand_owed_notices_fill_the_queue_only_so_far(jobs: JobQueues) -> None:
    ids = range(1, 100_000)
    assert jobs.enqueue_due("bulk", ids, jobs.room("bulk")) == MOST_WAITING
    assert jobs.room("bulk") == 0
    assert jobs.enqueue_due("bulk", ids, 1) == 1  # another hundred than those that lie there
    assert len({tuple(one) for one in held(jobs, "bulk")}) == MOST_WAITING + 1


def test_what_is_due_later_waits_and_what_a_dead_worker_had_begun_is_found(stage: Stage, jobs: JobQueues) -> None:
    later, begun = owe(stage, 2)
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        db.execute(update(Notification).where(Notification.id == later).values(due_at=now + timedelta(minutes=5)))
        db.execute(update(Notification).where(Notification.id == begun).values(channel="template"))
        assert [one.id for one in claim_due(db, [begun], now)] == [begun]
    assert sweep_outbox(stage.database, jobs, now) == 0
    assert sweep_outbox(stage.database, jobs, now + CLAIM_LASTS + timedelta(seconds=1)) == 1
    assert held(jobs, "push") == [[begun]]


def test_a_redis_that_is_away_loses_nothing(database_url: str, tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey", keep=False) as valkey:
        stage = Stage(database_url, redis_url=valkey.url)
        context = WorkerContext(settings_for(database_url, valkey.url))
        night = datetime(2026, 11, 24, 19, 20, tzinfo=UTC)
        scheduler = Scheduler(context, valkey.url, {name: SCHEDULE[name] for name in ("outbox", "books", "broadcasts")})
        stage.say("o-li", "你好")
        valkey.stop()
        ids = owe(stage, 3)
        context.jobs.enqueue([], ids)
        scheduler.retry()
        assert scheduler.tick(night) == ["outbox", "broadcasts"]
        valkey.start()
        scheduler.retry()
        assert scheduler.tick(night + timedelta(seconds=20)) == ["outbox", "books", "broadcasts"]
        assert held(context.jobs, "push") == [ids]
        assert context.jobs.queues["slow"].count == 1
        scheduler.close()
        context.close()
        stage.close()


# --- The scheduler


def test_of_many_schedulers_one_makes_each_run(stage: Stage) -> None:
    ran: list[datetime] = []
    schedule = {"often": Scheduled(timedelta(seconds=15), lambda _, now: ran.append(now))}
    context = WorkerContext(settings_for(stage.settings.database_url, stage.settings.redis_url))
    schedulers = [Scheduler(context, stage.settings.redis_url, schedule) for _ in range(6)]
    start = stage.clock()
    with ThreadPoolExecutor(len(schedulers)) as pool:
        for second in range(0, 61, 5):
            now = start + timedelta(seconds=second)
            list(pool.map(lambda scheduler, now=now: scheduler.tick(now), schedulers))
    assert ran == [start + timedelta(seconds=second) for second in (0, 15, 30, 45, 60)]
    for scheduler in schedulers:
        scheduler.close()
    context.close()


def test_a_run_that_fails_keeps_none_of_the_others_back(stage: Stage) -> None:
    def broken(context: WorkerContext, now: datetime) -> None:
        raise ValueError("a mistake of ours")

    ran: list[datetime] = []
    every = timedelta(seconds=15)
    context = WorkerContext(settings_for(stage.settings.database_url, stage.settings.redis_url))
    schedule = {"broken": Scheduled(every, broken), "good": Scheduled(every, lambda _, now: ran.append(now))}
    scheduler = Scheduler(context, stage.settings.redis_url, schedule)
    assert scheduler.tick(stage.clock()) == ["good"]
    assert len(ran) == 1
    scheduler.close()
    context.close()


def test_every_entry_of_the_schedule_can_be_run(stage: Stage) -> None:
    context = WorkerContext(settings_for(stage.settings.database_url, stage.settings.redis_url))
    scheduler = Scheduler(context, stage.settings.redis_url)
    night, first_day = datetime(2026, 11, 24, 19, 20, tzinfo=UTC), datetime(2026, 12, 1, 2, tzinfo=UTC)
    assert scheduler.tick(night) == [name for name in SCHEDULE if name != "digest"]
    nightly = ("books", "photo_files", "old_menu_notes")
    assert scheduler.tick(first_day) == [name for name in SCHEDULE if name not in nightly]
    assert [job.args for job in context.jobs.queues["slow"].jobs] == [
        [20261124],
        [20261124_19],
        [20261124],
        [0],
        [2026120102],
        [202611],
    ]
    scheduler.close()
    context.close()


# --- Redis, looked after


def test_a_job_that_was_lost_between_queue_and_worker_is_put_back(jobs: JobQueues) -> None:
    jobs.enqueue([("fetch_photo", 1)])
    queue = jobs.queues["default"]
    assert jobs.redis.lmove(queue.key, queue.intermediate_queue.key)
    now = datetime.now(UTC)
    # A worker that has taken it may be about to begin.
    for since in (timedelta(0), LOST_AFTER - timedelta(seconds=5)):
        recover_jobs(jobs, now + since)
        assert queue.count == 0
    for _ in range(2):
        recover_jobs(jobs, now + LOST_AFTER + timedelta(minutes=10))
        assert [job.args for job in queue.jobs] == [[1]]
        assert queue.intermediate_queue.get_job_ids() == []


def test_a_notice_that_is_late_is_told_and_its_age_and_the_queues_are_counted(
    new_database: Callable[[], str], redis_flushed: str
) -> None:
    stage = Stage(new_database(), redis_url=redis_flushed)
    stage.say("o-li", "你好")
    [number] = owe(stage, 1)
    with Database(stage.database) as db:
        due = db.scalars(select(Notification.due_at).where(Notification.id == number)).one()
    stage.clock.now = due + timedelta(minutes=9)
    assert stage.client.get("/readyz").json == {
        "database": "ok",
        "migrations": "ok",
        "redis": "ok",
        "notices": "ok",
        "chains": "ok",
    }
    stage.clock.move(timedelta(minutes=2))
    answer = stage.client.get("/readyz")
    assert answer.json is not None
    assert (answer.status_code, answer.json["notices"]) == (200, "late")
    stage.close()
