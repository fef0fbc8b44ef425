"""The bot of a stage in a web server's process of its own, started as in production."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from bot.pay.demo_keys import settings_in
from bot.processes import web
from bot.processes.supervisor import free_port
from tests.harness.money.merchant import key_folder
from tests.harness.money.paid_stage import Collecting
from tests.harness.processes.workers import process, until


@contextmanager
def served(stage: Collecting, **more: str) -> Iterator[str]:
    """Serve the stage's bot until the block is left; yields its address. ``more`` of its settings."""
    port = free_port()
    ours = settings_in(key_folder()) | {
        "BANGFU_ENV": "demo",
        "DATABASE_URL": stage.settings.database_url,
        "REDIS_URL": stage.settings.redis_url,
        "PUBLIC_URL": stage.bot_url,
        "WECHAT_API_URL": stage.wechat_url,
        "PAY_API_URL": stage.wechat_url,
    }
    with process(*web.command_line(port)[2:], settings={**os.environ, **ours, **more}):
        url = f"http://127.0.0.1:{port}"
        until(lambda: is_up(f"{url}/healthz"))
        yield url


def is_up(url: str) -> bool:
    try:
        requests.get(url, timeout=60)
    except (requests.ConnectionError, requests.Timeout):
        return False
    return True
