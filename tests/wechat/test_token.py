"""One token for everybody, fetched once, whatever dies on the way; and never seen by anybody."""

import json
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
import structlog
from pydantic import SecretStr
from redis import Redis
from werkzeug.wrappers import Response

from bot.processes.valkey import EmbeddedValkey
from bot.wechat.client import open_session
from bot.wechat.policy import POLICY, Action, Unreachable, WeChatError
from bot.wechat.token import REDIS_PAUSE, TokenManager
from bot.wechat.token_store import FORCED_PER_DAY, HeldToken, LocalTokenStore
from config.settings import SAMPLE_DATA_KEYS
from models.core.encryption import Keyring, use_keyring
from tests.harness.platform.token_platform import (
    SECRET,
    Answer,
    Handler,
    everything_said,
    hang_up,
    impatient_redis,
    nowhere,
)
from tests.harness.platform.token_platform import api_url as api_url
from tests.harness.platform.token_platform import platform as platform
from tests.harness.platform.token_platform import redis as redis

THREADS = 8


@pytest.fixture
def app_id() -> str:
    return f"wx{uuid4().hex[:16]}"


MakeManager = Callable[..., TokenManager]


@pytest.fixture
def make(api_url: str, redis: Redis, app_id: str) -> Iterator[MakeManager]:
    """Another manager for the same account, as another process would have it."""
    with open_session() as http:

        def manager(url: str = api_url, redis: Redis = redis, **options: Any) -> TokenManager:
            return TokenManager(url, app_id, SecretStr(SECRET), redis, http, **options)

        yield manager


def at_once(work: Callable[[], Any], times: int = THREADS) -> list[Any]:
    """What ``work`` gave, or raised, in as many threads at the same time."""

    def outcome(_: int) -> Any:
        try:
            return work()
        except (WeChatError, Unreachable) as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(outcome, range(times)))


def fetch_in_process(api_url: str, redis_url: str, app_id: str, gate: Any, results: Any, threads: int) -> None:
    """What one of several processes does in the tests below."""
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
    with open_session() as http, impatient_redis(redis_url) as redis:
        manager = TokenManager(api_url, app_id, SecretStr(SECRET), redis, http, timeout=(2, 30))
        gate.wait(60)
        results.put(at_once(manager.current, threads))


# One fetch for everybody


@pytest.mark.slow  # it starts processes
def test_three_cold_processes_of_eight_threads_fetch_once(api_url, platform, redis_url, app_id):
    spawn = multiprocessing.get_context("spawn")
    gate, results = spawn.Barrier(3), spawn.Queue()
    processes = [
        spawn.Process(target=fetch_in_process, args=(api_url, redis_url, app_id, gate, results, THREADS))
        for _ in range(3)
    ]
    for process in processes:
        process.start()
    tokens = [token for _ in processes for token in results.get(timeout=300)]
    for process in processes:
        process.join(300)
    assert tokens == [platform.token] * 3 * THREADS
    assert platform.fetches() == 1


def test_the_secret_travels_in_the_body_only(make, platform):
    make().current()
    (request,) = platform.calls("stable_token")
    assert request.method == "POST"
    assert json.loads(request.get_data())["secret"] == SECRET
    assert SECRET not in request.url


def test_the_token_lives_in_redis_exactly_as_long_as_the_platform_said(make, platform, redis, app_id):
    platform.life = 5000
    make().current()
    left = redis.pttl(f"wechat:{{{app_id}}}:token")
    assert 4_900_000 < left <= 5_000_000


@pytest.mark.parametrize("decoded", [True, False])
def test_it_does_not_matter_how_the_connection_decodes(make, platform, redis_url, decoded):
    with Redis.from_url(redis_url, decode_responses=decoded) as other:
        assert make(redis=other).current() == platform.token
        assert make(redis=other).current() == platform.token
    assert platform.fetches() == 1


def test_a_short_life_does_not_make_every_call_a_fetch(make, platform):
    platform.life = 30
    manager = make()
    assert {manager.current() for _ in range(20)} == {platform.token}
    assert platform.fetches() == 1


# Renewing before the end


def nearly_over(redis: Redis, app_id: str) -> None:
    redis.pexpire(f"wechat:{{{app_id}}}:token", 200_000)


def test_near_its_end_one_renews_and_the_others_go_on_with_the_old_one(make, platform, redis, app_id):
    old = make().current()
    nearly_over(redis, app_id)
    asked, go_on = Event(), Event()

    def slowly(request):
        asked.set()
        go_on.wait(10)
        return platform.stable_token(request)

    platform.renew()
    platform.answer("stable_token", slowly)
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(make().current)
        assert asked.wait(10)
        assert at_once(make().current) == [old] * THREADS
        go_on.set()
        assert renewing.result() == platform.token != old
    assert make().current() == platform.token
    assert platform.fetches() == 2


def test_a_renewal_that_fails_leaves_the_old_token_in_use(make, platform, redis, app_id):
    old = make().current()
    nearly_over(redis, app_id)
    platform.answer("stable_token", Response("bad gateway", 502))
    assert [make().current() for _ in range(5)] == [old] * 5
    assert platform.fetches() == 2  # not tried again at every call


def test_many_calls_of_a_process_are_one_look(make, platform, redis):
    manager = make()
    token = manager.current()
    before = redis.info("stats")["total_commands_processed"]
    assert [manager.current() for _ in range(100)] == [token] * 100
    assert redis.info("stats")["total_commands_processed"] - before < 50
    platform.renew()
    manager.invalidate(token)
    assert manager.current() == platform.token != token


# Calling a token dead


def test_only_the_token_still_in_use_can_be_called_dead(make, platform):
    manager = make()
    old = manager.current()
    platform.renew()
    manager.invalidate(old)
    new = manager.current()
    assert new == platform.token != old
    for _ in range(5):
        make().invalidate(old)
    assert make().current() == new
    assert platform.fetches() == 2


def test_a_dead_token_handed_out_again_is_forced_out_once(make, platform):
    manager = make()
    old = manager.current()
    manager.invalidate(old)  # the platform calls it dead and still hands it out
    new = manager.current()
    assert new == platform.token != old
    assert (platform.fetches(), platform.fetches(forced=True)) == (2, 1)


def test_within_thirty_seconds_nothing_is_forced_again_and_nothing_asked_in_vain(make, platform):
    manager = make()
    for _ in range(10):
        manager.invalidate(manager.current())
    assert manager.current() == platform.token
    assert platform.fetches(forced=True) == 1
    assert platform.fetches() == 2


def test_the_day_has_twenty_forced_refreshes(make, platform, redis, app_id):
    manager = make()
    for _ in range(FORCED_PER_DAY + 5):
        manager.invalidate(manager.current())
        manager.current()
        redis.delete(f"wechat:{{{app_id}}}:token:pause")  # as if thirty seconds had passed
    assert platform.fetches(forced=True) == FORCED_PER_DAY
    assert manager.current() == platform.token


def test_a_forced_refresh_that_is_refused_is_no_reason_to_stop(make, platform):
    def refuse_force(request):
        if json.loads(request.get_data())["force_refresh"]:
            return {"errcode": 45009, "errmsg": "reach max api daily quota limit"}
        return platform.stable_token(request)

    manager = make()
    manager.invalidate(manager.current())
    platform.answer("stable_token", refuse_force)
    assert manager.current() == platform.token


# The platform is slow, down or refuses


def test_a_hanging_token_server_is_asked_once_for_all_who_wait(make, platform):
    leave = Event()

    def hang(_):
        leave.wait(10)
        return {}

    platform.answer("stable_token", hang)
    manager = make(timeout=(1, 0.3))
    outcomes = at_once(manager.current)
    leave.set()
    assert [(type(error), error.outcome_unknown) for error in outcomes] == [(Unreachable, False)] * THREADS
    assert platform.fetches() == 1


def test_a_dead_token_server_means_nothing_was_sent(make):
    manager = make(url=f"http://127.0.0.1:{nowhere()}")
    with pytest.raises(Unreachable) as raised:
        manager.current()
    assert raised.value.outcome_unknown is False


def test_after_the_trouble_has_passed_it_is_asked_again(make, platform, redis, app_id):
    platform.answer("stable_token", hang_up)
    manager = make()
    with pytest.raises(Unreachable):
        manager.current()
    platform.answer("stable_token", platform.stable_token)
    redis.delete(f"wechat:{{{app_id}}}:token:failure")
    assert manager.current() == platform.token


@pytest.mark.parametrize("code", [40013, 40125, 40164, 45009, 45011])
def test_refusals_keep_their_action_for_everybody_who_waits(make, platform, code):
    platform.answer("stable_token", {"errcode": code, "errmsg": f"no {SECRET}"})
    outcomes = at_once(make().current)
    assert {(error.code, error.action) for error in outcomes} == {(code, POLICY[code].action)}
    assert platform.fetches() == 1


def test_a_wrong_secret_is_not_taken_for_a_dead_token(make, platform):
    platform.answer("stable_token", {"errcode": 40001, "errmsg": "invalid credential"})
    with pytest.raises(WeChatError) as raised:
        make().current()
    assert raised.value.action is Action.DISABLE_FEATURE


def test_a_busy_platform_is_asked_again(make, platform):
    busy = iter([{"errcode": -1, "errmsg": "system error"}])
    platform.answer("stable_token", lambda request: next(busy, None) or platform.stable_token(request))
    assert make().current() == platform.token
    assert platform.fetches() == 2


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"access_token": "", "expires_in": 7200},
        {"access_token": "t"},
        {"access_token": "t", "expires_in": 0},
        {"access_token": "t", "expires_in": "soon"},
        Response("<html>welcome to the hotel's network</html>"),
        Response(b"\xff\xfe"),
        Response("[]"),
        Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
        Response("x" * 100, 503),
    ],
)
def test_an_answer_without_a_token_is_no_token(make, platform, answer):
    platform.answer("stable_token", answer)
    with pytest.raises(Unreachable):
        make().current()


# Processes that die, Redis that dies


@pytest.mark.chaos
def test_when_the_one_who_fetches_is_killed_the_others_take_over(make, api_url, platform, redis_url, app_id):
    asked, leave = Event(), Event()

    def hang(_):
        asked.set()
        leave.wait(30)
        return {}

    platform.answer("stable_token", hang)
    spawn = multiprocessing.get_context("spawn")
    gate, results = spawn.Barrier(1), spawn.Queue()
    holder = spawn.Process(target=fetch_in_process, args=(api_url, redis_url, app_id, gate, results, 1))
    holder.start()
    assert asked.wait(60)
    os.kill(holder.pid or 0, signal.SIGKILL)
    holder.join(60)
    with impatient_redis(redis_url) as redis:
        redis.pexpire(f"wechat:{{{app_id}}}:token:lock", 500)  # as if its lock were nearly over
    platform.answer("stable_token", platform.stable_token)
    assert at_once(make().current) == [platform.token] * THREADS
    leave.set()
    assert platform.fetches() == 2


def test_a_turn_that_never_ends_is_outwaited(make, platform, redis, app_id):
    redis.set(f"wechat:{{{app_id}}}:token:lock", "nobody that still lives")
    assert make(lock_seconds=0.2).current() == platform.token
    assert redis.exists(f"wechat:{{{app_id}}}:token:lock")
    redis.delete(f"wechat:{{{app_id}}}:token:lock")
    assert make().current() == platform.token
    assert platform.fetches() == 1


def test_one_who_comes_back_too_late_does_not_undo_a_newer_token(make, platform, redis, app_id):
    def overtaken(request):
        late = platform.stable_token(request)
        platform.renew()
        redis.delete(f"wechat:{{{app_id}}}:token:lock")  # its lock has run out
        platform.answer("stable_token", platform.stable_token)
        assert make().current() == platform.token
        return late

    platform.answer("stable_token", overtaken)
    make().current()
    assert make().current() == platform.token


def test_without_redis_a_process_fetches_once_for_itself(make, platform):
    with impatient_redis(f"redis://127.0.0.1:{nowhere()}") as nobody:
        manager = make(redis=nobody)
        assert at_once(manager.current) == [platform.token] * THREADS
        assert platform.fetches() == 1
        old = manager.current()
        platform.renew()
        manager.invalidate("another token")
        assert manager.current() == old
        manager.invalidate(old)
        assert manager.current() == platform.token != old
    assert (platform.fetches(), platform.fetches(forced=True)) == (2, 0)


def test_without_redis_a_dead_token_handed_out_again_is_not_asked_for_again_and_again(make, platform):
    with impatient_redis(f"redis://127.0.0.1:{nowhere()}") as nobody:
        manager = make(redis=nobody)
        for _ in range(10):
            manager.invalidate(manager.current())
        assert manager.current() == platform.token
    assert (platform.fetches(), platform.fetches(forced=True)) == (2, 0)


def test_without_redis_a_failed_fetch_fails_for_all_who_wait(make, platform):
    platform.answer("stable_token", hang_up)
    with impatient_redis(f"redis://127.0.0.1:{nowhere()}") as nobody:
        outcomes = at_once(make(redis=nobody).current)
    assert [type(error) for error in outcomes] == [Unreachable] * THREADS
    assert platform.fetches() == 1


def test_redis_dying_takes_no_token_away(make, platform, tmp_path):
    with EmbeddedValkey(tmp_path) as server, impatient_redis(server.url) as redis:
        manager = make(redis=redis)
        token = manager.current()
        server.stop()
        assert at_once(manager.current) == [token] * THREADS
        manager.invalidate("another token")
        assert manager.current() == token
    assert platform.fetches() == 1


def test_a_token_fetched_by_another_process_outlives_redis_too(make, platform, tmp_path):
    with EmbeddedValkey(tmp_path) as server, impatient_redis(server.url) as redis:
        make(redis=redis).current()
        manager = make(redis=redis)
        token = manager.current()
        server.stop()
        assert manager.current() == token
    assert platform.fetches() == 1


def test_redis_dying_while_the_token_is_fetched_takes_nothing_away(make, platform, tmp_path):
    with EmbeddedValkey(tmp_path) as server, impatient_redis(server.url) as redis:

        def stop_redis(request):
            server.stop()
            return platform.stable_token(request)

        platform.answer("stable_token", stop_redis)
        manager = make(redis=redis)
        assert at_once(manager.current) == [platform.token] * THREADS
    assert platform.fetches() == 1


def test_redis_is_used_again_when_it_is_back(make, platform, tmp_path, monkeypatch):
    with EmbeddedValkey(tmp_path) as server, impatient_redis(server.url) as redis:
        manager = make(redis=redis)
        server.stop()
        manager.current()
        server.start()
        later = time.monotonic() + REDIS_PAUSE + 1
        monkeypatch.setattr(time, "monotonic", lambda: later)
        manager.current()
        monkeypatch.undo()
        assert make(redis=redis).current() == platform.token
    assert platform.fetches() == 2


def test_the_local_store_forgets_an_expired_token(monkeypatch):
    store = LocalTokenStore()
    store.keep(HeldToken("t", left=0.01, renew_below=0.001))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1)
    assert store.read() is None


# Nobody sees the secret or the token


FAILURES: list[Answer | Handler] = [
    {"errcode": 40125, "errmsg": f"invalid appsecret {SECRET}"},
    {"errcode": f"{SECRET}"},
    {"access_token": "t0ken", "expires_in": -1},
    Response(f"{SECRET}", 500),
    Response(f"{SECRET}"),
    hang_up,
]


@pytest.mark.parametrize("failure", FAILURES)
def test_no_exception_shows_the_secret(make, platform, failure):
    platform.answer("stable_token", failure)
    with pytest.raises((WeChatError, Unreachable)) as raised:
        make().current()
    assert SECRET not in everything_said(raised.value)


def test_no_exception_shows_the_secret_when_nobody_listens(make):
    with pytest.raises(Unreachable) as raised:
        make(url=f"http://127.0.0.1:{nowhere()}").current()
    assert SECRET not in everything_said(raised.value)


def test_no_log_shows_the_secret_or_the_token(make, platform, caplog):
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        manager = make()
        manager.invalidate(manager.current())
        manager.current()
        platform.answer("stable_token", hang_up)
        manager.invalidate(manager.current())
    said = caplog.text + repr(logs) + repr(manager) + repr(vars(manager))
    assert logs
    assert SECRET not in said
    assert "t0ken" not in said
