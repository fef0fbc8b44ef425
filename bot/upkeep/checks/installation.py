"""Hold what the checks look at: the settings, and connections that are opened when the first check needs them."""

from contextlib import suppress
from functools import cached_property

import requests
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from bot.wechat.client import open_session
from bot.work.clock import Clock
from bot.work.redis_client import open_redis
from config.settings import Settings
from models.core.database import connect


class Installation:
    """``server``: the address of a web process on this machine. ``clock``: the time by which the bot acts."""

    def __init__(self, settings: Settings, server: str, clock: Clock) -> None:
        self.settings, self.server, self.clock = settings, server.rstrip("/"), clock

    @cached_property
    def database(self) -> Engine:
        return connect(self.settings.database_url, pool_size=1, collects=self.settings.collects)

    @cached_property
    def redis(self) -> Redis:
        return open_redis(self.settings.redis_url)

    @cached_property
    def http(self) -> requests.Session:
        return open_session()

    def close(self) -> None:
        self.database.dispose()
        self.http.close()
        with suppress(RedisError):
            self.redis.close()
