"""The ticket that pages sign with: one for all processes, fetched by one of them, and the official signature."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis

from bot.simulator.tickets import LIFE
from bot.wechat.client import WeChatApi, open_session
from bot.wechat.policy import WeChatError
from bot.wechat.ticket import RENEW_EARLY, TicketManager, signature
from bot.wechat.token import TokenManager
from tests.harness.platform.account_server import Account, account
from tests.harness.platform.ticket_samples import OFFICIAL
from tests.harness.platform.token_platform import impatient_redis

GET = "/cgi-bin/ticket/getticket"
PAGE = "http://127.0.0.1:8000/subscribe/a.b.c"


@pytest.fixture
def server() -> Iterator[Account]:
    with account(app_id=f"wx{uuid4().hex[:16]}") as server:  # its own keys in Redis
        yield server


def managers(server: Account, redis: Redis, how_many: int) -> list[TicketManager]:
    """As so many processes would have them."""
    options = server.simulator.options
    found = []
    for _ in range(how_many):
        http = open_session()
        tokens = TokenManager(server.url, options.app_id, SecretStr(options.app_secret), redis, http)
        found.append(TicketManager(WeChatApi(server.url, tokens, http), options.app_id, redis))
    return found


def asked(server: Account) -> int:
    return server.simulator.quotas.used("ticket_get")[0]


def test_the_official_signature() -> None:
    ticket, nonce, timestamp, url = OFFICIAL
    expected = "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
    assert signature(ticket, nonce, int(timestamp), url) == expected
    assert signature(ticket, nonce, int(timestamp), f"{url}#part") == expected
    assert signature(ticket, nonce, int(timestamp) + 1, url) != expected


def test_many_processes_and_threads_fetch_it_once(server: Account, redis_url: str) -> None:
    with impatient_redis(redis_url) as redis, ThreadPoolExecutor(12) as pool:
        three = managers(server, redis, 3)
        tickets = set(pool.map(lambda number: three[number % 3].current(), range(24)))
    assert len(tickets) == 1
    assert asked(server) == 1


def test_a_page_is_signed_as_the_platform_checks_it(server: Account, redis_url: str) -> None:
    with impatient_redis(redis_url) as redis:
        [manager] = managers(server, redis, 1)
        signed = manager.sign(PAGE)
    verify = server.simulator.tickets.verify
    assert verify(signed.signature, signed.nonce, str(signed.timestamp), PAGE)
    assert not verify(signed.signature, signed.nonce, str(signed.timestamp), f"{PAGE}?from=timeline")


def test_near_its_end_it_is_asked_for_anew(server: Account, redis_url: str) -> None:
    server.simulator.tickets.get("jsapi")
    server.simulator.timeline.move(LIFE - RENEW_EARLY + 1)
    with impatient_redis(redis_url) as redis:
        [manager] = managers(server, redis, 1)
        first = manager.current()
        server.simulator.timeline.move(RENEW_EARLY)
        assert manager.current() == first  # by our clock it still lives; the platform's has been moved past its end
        manager.invalidate(first)
        assert manager.current() != first


def test_without_redis_each_process_fetches_it_for_itself(server: Account) -> None:
    with impatient_redis("redis://127.0.0.1:1/0") as redis:
        one, two = managers(server, redis, 2)
        assert {one.current(), one.current(), two.current()} == {server.simulator.tickets.get("jsapi")[0]}
    assert asked(server) == 2


def test_a_refusal_comes_through_and_names_no_ticket(server: Account, redis_url: str) -> None:
    server.simulator.quotas.limits["ticket_get"] = 0
    with impatient_redis(redis_url) as redis, pytest.raises(WeChatError) as refused:
        managers(server, redis, 1)[0].current()
    assert refused.value.code == 45009
