"""Choose the registry: the authorities' own over HTTP if one is configured, else the imported table."""

from redis import Redis
from sqlalchemy import Engine

from bot.registry.base import Registry
from bot.registry.breaker import Breaker
from bot.registry.query import HttpRegistry
from bot.registry.table import TableRegistry
from config.settings import Settings

__all__ = ["Registry", "make_registry"]


def make_registry(settings: Settings, database: Engine, redis: Redis) -> Registry:
    if not settings.registry_url:
        return TableRegistry(database)
    return HttpRegistry(settings.registry_url, settings.registry_token, Breaker(redis, "registry"))
