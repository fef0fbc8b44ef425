"""Whoever can write to Redis makes no worker run, import or unpickle anything, and keeps no honest job back."""

import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from rq import SimpleWorker
from rq.job import JobStatus

from bot.work.queue_cleanup import LOST_AFTER, recover_jobs
from bot.work.queues import QUEUES
from bot.work.stored_job import fits
from bot.work.workers import Forker, Sender
from tests.harness.processes.forged_jobs import WORDS as THEIRS
from tests.harness.processes.forged_jobs import Fields, Trap, forgeries, set_trap, write_job
from tests.harness.processes.shop import Shop
from tests.harness.processes.workers import gone_photo


@pytest.fixture
def shop(database_url: str, redis_flushed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    shop = Shop(database_url, redis_flushed, tmp_path, monkeypatch)
    yield shop
    shop.close()


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trap:
    monkeypatch.syspath_prepend(str(tmp_path))
    return set_trap(tmp_path)


def honest(shop: Shop) -> Fields:
    """The fields of a job of ours; it is in no queue any more."""
    shop.jobs.put([("forget_photo", shop.photo)])
    queue = shop.jobs.queues["default"]
    job_id = queue.pop_job_id()
    found: Any = shop.jobs.redis.hgetall(f"rq:job:{job_id}")
    fields: Fields = found
    shop.jobs.redis.delete(f"rq:job:{job_id}")
    return fields


def forged(shop: Shop, trap: Trap) -> list[str]:
    """Write one job of each kind; their ids."""
    sound = honest(shop)
    ids = []
    for number, forge in enumerate(forgeries(trap).values()):
        write_job(shop.jobs.redis, f"forged-{number}", forge(sound))
        ids.append(f"forged-{number}")
    shop.jobs.redis.set("rq:job:no-hash", THEIRS)
    return [*ids, "no-hash"]


def lose_pictures(shop: Shop, count: int) -> list[Path]:
    """Honest jobs in the queue; the files that they delete."""
    gone = [gone_photo(shop.stage.database, shop.folder) for _ in range(count)]
    shop.jobs.put([("forget_photo", number) for number, _ in gone])
    return [file for _, file in gone]


@pytest.mark.parametrize("queues", [QUEUES, ("default",)], ids=["many queues", "one queue"])
@pytest.mark.parametrize("kind", [Sender, Forker])
def test_forged_jobs_do_nothing_and_honest_ones_beside_them_are_done(
    shop: Shop, trap: Trap, kind: type[Sender | Forker], queues: tuple[str, ...]
) -> None:
    ids = forged(shop, trap)
    files = lose_pictures(shop, 1)
    shop.jobs.redis.rpush("rq:queue:default", *ids, "../../odd id", "missing")
    files += lose_pictures(shop, 2)
    with structlog.testing.capture_logs() as logs:
        shop.work(kind, queues)
        assert not trap.is_sprung
        assert not any(file.exists() for file in files)
        assert shop.jobs.queues["default"].count == 0
        shop.scheduler.tick(datetime.now(UTC))
    # One row for all of them, which tells what was wrong with the last and nothing of what they held.
    [row] = shop.rows()
    assert (row.name, row.argument) == ("malformed", "null")
    assert row.error.startswith("malformed: ")
    assert THEIRS not in str(logs)
    assert trap.name not in str(logs)
    assert not [job_id for job_id in ids if shop.jobs.redis.exists(f"rq:job:{job_id}")]
    assert shop.jobs.queues["default"].failed_job_registry.count == 0
    assert not trap.is_sprung


def test_a_worker_that_names_no_serializer_reads_json_all_the_same(shop: Shop, trap: Trap) -> None:
    write_job(shop.jobs.redis, "forged", forgeries(trap)["a pickle"](honest(shop)))
    shop.jobs.redis.rpush("rq:queue:default", "forged")
    worker = Sender(["default"], connection=shop.jobs.redis)
    worker.asked_to_end = threading.Event()
    assert isinstance(worker, SimpleWorker)
    worker.work(burst=True, logging_level="WARNING")
    assert not trap.is_sprung


def test_a_forged_job_among_the_abandoned_ones_calls_nothing_and_keeps_none_back(shop: Shop, trap: Trap) -> None:
    started = honest(shop) | {b"status": b"started"}
    registry = shop.jobs.queues["default"].started_job_registry.key
    for number, forge in enumerate(forgeries(trap).values()):
        write_job(shop.jobs.redis, f"forged-{number}", forge(started) | {b"status": b"started"})
        shop.jobs.redis.zadd(registry, {f"forged-{number}:{'a' * 32}": 1})
    shop.jobs.redis.zadd(registry, {b"\xff\xfe": 1, b"odd": 1, b"a:b:c": 1})
    write_job(shop.jobs.redis, "honest", started)
    shop.jobs.redis.zadd(registry, {f"honest:{'b' * 32}": 2})
    recover_jobs(shop.jobs, datetime.now(UTC))
    assert not trap.is_sprung
    assert shop.jobs.redis.hget("rq:job:honest", "status") == b"scheduled"
    assert shop.jobs.redis.zcard(registry) == 0


def test_forged_jobs_between_queue_and_worker_keep_none_back(shop: Shop, trap: Trap) -> None:
    queue = shop.jobs.queues["default"]
    write_job(shop.jobs.redis, "honest", honest(shop))
    ids = forged(shop, trap)
    shop.jobs.redis.rpush(queue.intermediate_queue.key, *ids, b"\xff\xfe", "odd id", "honest")
    now = datetime.now(UTC)
    recover_jobs(shop.jobs, now)
    recover_jobs(shop.jobs, now + LOST_AFTER + timedelta(minutes=10))
    assert queue.get_job_ids() == ["honest"]
    assert shop.jobs.redis.lrange(queue.intermediate_queue.key, 0, -1) == []
    assert not trap.is_sprung


def test_forged_jobs_whose_retry_is_due_keep_none_back(shop: Shop, trap: Trap) -> None:
    queue = shop.jobs.queues["default"]
    scheduled = queue.scheduled_job_registry.key
    write_job(shop.jobs.redis, "honest", honest(shop) | {b"status": b"scheduled"})
    shop.jobs.redis.zadd(scheduled, {**dict.fromkeys(forged(shop, trap), 1), "honest": 2})
    shop.jobs.redis.zadd(scheduled, {b"\xff\xfe": 1})
    shop.scheduler.retry()
    assert queue.get_job_ids() == ["honest"]
    assert shop.jobs.redis.zcard(scheduled) == 0
    assert not trap.is_sprung


def test_the_table_says_how_long_a_job_may_take_and_how_often_whatever_redis_says(shop: Shop) -> None:
    endless = {b"timeout": b"999999", b"retries_left": b"99", b"retry_intervals": b"[0, 0]", b"failure_ttl": b"999999"}
    write_job(shop.jobs.redis, "honest", honest(shop) | endless)
    queue = shop.jobs.queues["default"]
    queue.push_job_id("honest")
    [job] = queue.jobs
    assert (job.timeout, job.retries_left, job.retry_intervals) == (60, 3, [5, 30, 120])


def test_a_job_whose_id_was_pushed_into_another_queue_waits_in_its_own(shop: Shop) -> None:
    [file] = lose_pictures(shop, 1)
    [job_id] = shop.jobs.queues["default"].get_job_ids()
    shop.jobs.redis.rpush("rq:queue:push", job_id)
    shop.work(Sender, ("push",))
    assert file.exists()
    shop.work(Sender, ("default",))
    assert not file.exists()


# --- Those that failed


def test_malformed_jobs_among_the_failed_ones_keep_none_from_being_buried(shop: Shop, trap: Trap) -> None:
    sound = honest(shop) | {b"status": b"failed", b"retries_left": b"0"}
    failed = shop.jobs.queues["default"].failed_job_registry.key
    later = datetime.now(UTC).timestamp() + 3600
    ids = forged(shop, trap)
    for number, forge_id in enumerate(ids):
        if number % 10 == 0:
            data = zlib.compress(b'["forget_photo", null, [%d], {}]' % (1000 + number))
            write_job(shop.jobs.redis, f"honest-{number}", sound | {b"data": data})
            shop.jobs.redis.zadd(failed, {f"honest-{number}": later})
        shop.jobs.redis.zadd(failed, {forge_id: later})
    shop.jobs.redis.zadd(failed, {b"\xff\xfe": later, b"odd id": later, b"missing": later})
    # What an honest one died of can be forged, too.
    shop.jobs.redis.xadd("rq:results:honest-0", {"type": "2", "exc_string": "no base64"})
    shop.jobs.redis.set("rq:results:honest-10", THEIRS)
    shop.scheduler.tick(datetime.now(UTC))
    rows = {(row.name, row.argument): row.error for row in shop.rows()}
    good = {("forget_photo", str(1000 + number)) for number in range(0, len(ids), 10)}
    assert rows.keys() == {*good, ("malformed", "null")}
    assert {rows[one] for one in good} == {"unknown"}
    assert shop.jobs.redis.zcard(failed) == 0
    assert not list(shop.jobs.redis.scan_iter("rq:job:*"))
    assert not trap.is_sprung


def test_a_malformed_job_cannot_be_run_again_and_can_be_dropped(shop: Shop, trap: Trap) -> None:
    [job_id, *_] = forged(shop, trap)
    shop.jobs.redis.zadd(shop.jobs.queues["default"].failed_job_registry.key, {job_id: 2**40})
    shop.break_folder()
    shop.fail_for_good()
    malformed, dead = sorted(shop.rows(), key=lambda row: row.name != "malformed")
    answer = shop.command("--replay", str(malformed.id))
    assert answer.exit_code == 1
    assert f"{malformed.id}: no job of this release" in answer.output
    answer = shop.command("--replay", "all")
    assert "1 handed to the workers again." in answer.output
    assert "1 cannot be run again" in answer.output
    assert [row.settled_at is None for row in shop.rows() if row.id == dead.id] == [False]
    assert "1 dropped." in shop.command("--drop", "all").output


def test_a_job_that_waits_is_not_buried_because_it_is_said_to_have_failed(shop: Shop) -> None:
    [file] = lose_pictures(shop, 1)
    queue = shop.jobs.queues["default"]
    [job_id] = queue.get_job_ids()
    shop.jobs.redis.zadd(queue.failed_job_registry.key, {job_id: 2**40})
    shop.scheduler.tick(datetime.now(UTC))
    assert shop.rows() == []
    [job] = queue.jobs
    assert job.get_status() == JobStatus.QUEUED
    shop.work()
    assert not file.exists()


def test_only_what_a_job_takes_fits_it() -> None:
    assert fits("forget_photo", 7)
    assert fits("deliver", [7, 8])
    for name, argument in (
        ("forget_photo", [7]),
        ("deliver", 7),
        ("deliver", []),
        ("deliver", [True]),
        ("os.system", 7),
    ):
        assert not fits(name, argument)
