"""Whoever reads Redis reads no token, and whoever writes there puts none into our mouth."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis

from bot.wechat.client import WeChatApi, open_session
from bot.wechat.ticket import TicketManager
from bot.wechat.token import SharedToken, TokenManager
from bot.wechat.token_store import HeldToken, RedisTokenStore
from config.settings import SAMPLE_DATA_KEYS
from models.core.encryption import Keyring, use_keyring
from tests.harness.platform.token_platform import SECRET, Platform
from tests.harness.platform.token_platform import api_url as api_url
from tests.harness.platform.token_platform import platform as platform
from tests.harness.platform.token_platform import redis as redis
from tests.harness.processes.forged_jobs import everything_in

NEW = b64encode(b"n" * 32).decode()

pytestmark = pytest.mark.usefixtures("redis_flushed")


@pytest.fixture
def make(api_url: str, redis: Redis) -> Iterator[Callable[[], TokenManager]]:
    """Another process's manager of the same account."""
    app_id = f"wx{uuid4().hex[:16]}"
    with open_session() as http:
        yield lambda: TokenManager(api_url, app_id, SecretStr(SECRET), redis, http)
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))


def ticket_manager(make: Callable[[], TokenManager], api_url: str, redis: Redis) -> SharedToken:
    return TicketManager(WeChatApi(api_url, make(), open_session()), "wx-of-the-ticket", redis)


def test_neither_token_nor_ticket_nor_a_dead_one_can_be_read(
    make: Callable[[], TokenManager], platform: Platform, redis: Redis, api_url: str
) -> None:
    platform.answer("ticket/getticket", {"errcode": 0, "ticket": "t1cket-of-this-account", "expires_in": 7200})
    manager, tickets = make(), ticket_manager(make, api_url, redis)
    assert tickets.current() == "t1cket-of-this-account"
    first = manager.current()
    manager.invalidate(first)
    assert manager.current() == platform.token != first
    there = everything_in(redis)
    assert "sealed" in there
    assert ":dead" in there
    for secret in (first, platform.token, "t1cket-of-this-account"):
        assert secret not in there


def test_with_another_data_key_first_the_same_token_is_used_and_can_be_called_dead(
    make: Callable[[], TokenManager], platform: Platform
) -> None:
    old = make().current()
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    manager = make()
    assert manager.current() == old
    assert platform.fetches() == 1
    platform.renew()
    manager.invalidate(old)
    assert make().current() == platform.token != old
    assert platform.fetches() == 2


def test_a_token_whose_data_key_is_gone_is_fetched_anew(
    make: Callable[[], TokenManager], platform: Platform, redis: Redis
) -> None:
    make().current()
    use_keyring(Keyring.parse(NEW))
    assert make().current() == platform.token
    assert make().current() == platform.token
    assert platform.fetches() == 2


@pytest.mark.parametrize("value", [b"t0ken-of-theirs", b"\xff\xfe", b"", b"AAAA"])
def test_what_was_never_sealed_is_fetched_anew(
    make: Callable[[], TokenManager], platform: Platform, redis: Redis, value: bytes
) -> None:
    make().current()
    [key] = redis.keys("wechat:*:token")
    redis.hset(key, "sealed", value)
    assert make().current() == platform.token
    assert platform.fetches() == 2


def test_what_was_sealed_for_another_account_or_value_is_fetched_anew(
    make: Callable[[], TokenManager], platform: Platform, redis: Redis
) -> None:
    make().current()
    [key] = redis.keys("wechat:*:token")
    app_id = str(key).split("{")[1].split("}")[0]
    for theirs, name in (("wx-another", "token"), (app_id, "jsapi_ticket")):
        RedisTokenStore(redis, theirs, 12.0, name).keep(HeldToken("of-another", 7200.0, 240.0), "")
        redis.hset(key, "sealed", redis.hget(f"wechat:{{{theirs}}}:{name}", "sealed"))
        assert make().current() == platform.token
    assert platform.fetches() == 3
