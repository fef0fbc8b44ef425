"""The user that docs/operating.md makes for Redis: it can do all that we do there, and little else."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from bot.work.jobs import JOBS
from bot.work.queues import DELIVERING, JobQueues
from bot.work.schedule import SCHEDULE
from bot.work.scheduler import Scheduler
from bot.work.workers import Forker, Sender
from config.settings import ROOT
from tests.harness.processes.shop import Shop
from tests.harness.processes.workers import gone_photo

PASSWORD = "a-password-of-the-tests"


def rule() -> list[str]:
    """The rule as the page has it, with a password."""
    [line] = re.findall(r"^ACL SETUSER bangfu (.+)$", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    return [part for part in line.split() if not part.startswith(">")]


@pytest.fixture
def limited(redis_flushed: str) -> Iterator[str]:
    """The URL of Redis for this user."""
    address = urlsplit(redis_flushed)
    if address.scheme != "unix":
        pytest.skip("makes users in a server of its own alone")
    with Redis.from_url(redis_flushed) as redis:
        redis.execute_command("ACL", "SETUSER", "bangfu", *rule(), f">{PASSWORD}")
        yield address._replace(netloc=f"bangfu:{PASSWORD}@").geturl()
        redis.execute_command("ACL", "DELUSER", "bangfu")


@pytest.fixture
def shop(database_url: str, limited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    shop = Shop(database_url, limited, tmp_path, monkeypatch)
    yield shop
    shop.close()


@pytest.mark.parametrize("kind", [Sender, Forker])
def test_turns_workers_and_the_whole_schedule_go_on_as_this_user(
    shop: Shop, limited: str, kind: type[Sender | Forker]
) -> None:
    number, file = gone_photo(shop.stage.database, shop.folder)
    shop.jobs.put([("forget_photo", number)])
    shop.work(kind, ("default",))
    shop.work(kind)
    assert not file.exists()
    shop.break_folder()
    shop.fail_for_good(kind)
    assert len(shop.rows()) == 1
    assert shop.stage.client.get("/trace/ABCD-EFGH-JKMN-PQRS").status_code == 404
    assert shop.stage.client.get("/metrics").status_code == 200
    scheduler = Scheduler(shop.context, limited)
    assert scheduler.tick(datetime(2026, 11, 24, 19, 20, tzinfo=UTC)) == [name for name in SCHEDULE if name != "digest"]
    scheduler.close()


@pytest.mark.parametrize(
    "command",
    [("FLUSHALL",), ("CONFIG", "GET", "*"), ("KEYS", "*"), ("GET", "another"), ("ACL", "LIST"), ("SUBSCRIBE", "a")],
    ids=" ".join,
)
def test_it_may_not_do_what_we_never_do(limited: str, command: tuple[str, ...]) -> None:
    with Redis.from_url(limited) as redis, pytest.raises(NoPermissionError):
        redis.execute_command(*command)


def test_what_stands_in_a_queue_names_nobody(redis_flushed: str) -> None:
    """A job's id is random, or names the job and a number; its description is its name."""
    jobs = JobQueues(redis_flushed)
    many = {*DELIVERING.values(), "ask_refunds", "send_transfers"}
    jobs.put([(name, [1] if name in many else 1) for name in JOBS])
    jobs.enqueue_due("push", [101])
    jobs.enqueue_once("fan_out", 5)
    found = [job for queue in jobs.queues.values() for job in queue.jobs]
    assert len(found) == len(JOBS) + 2
    for job in found:
        assert job.description == job.func_name
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|deliver-push-1|fan_out", job.id)
    jobs.redis.close()
