"""The simulator of WeChat in the tests' own process: its plain calls, its clock, its fault desk, and an address.

def test_…(run_simulator):
    wechat = run_simulator(app)                     # the server under test, without sockets
    wechat.simulator.send_text("oAunt", "你好")
    wechat.simulator.timeline.move(48 * 3600)
    wechat.simulator.faults.add(Fault(Kind.DROP, share=0.2))
    requests.get(f"{wechat.url}/cgi-bin/…")    # the platform's own paths, over a real socket
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import urlsplit

import pytest
from flask import Flask

from bot.simulator.app import create_simulator
from bot.simulator.options import Options
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.simulator.wire import Post
from config.settings import SAMPLE_AES_KEY, SAMPLE_APP_ID, SAMPLE_APP_SECRET, SAMPLE_TOKEN
from tests.harness.platform.wechat import ACCOUNT

OPTIONS = Options(
    bot_url="http://127.0.0.1:9/wechat",
    app_id=SAMPLE_APP_ID,
    app_secret=SAMPLE_APP_SECRET,
    token=SAMPLE_TOKEN,
    aes_key=SAMPLE_AES_KEY,
    account=ACCOUNT,
)


def posting_to(app: Flask) -> Post:
    """Deliveries straight into an application of this process."""

    def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
        query = urlsplit(url).query
        answer = app.test_client().post("/wechat", query_string=query, data=body, headers=dict(headers))
        return answer.status_code, answer.data

    return post


@dataclass
class RunningSimulator:
    simulator: Simulator
    stack: ExitStack

    @cached_property
    def url(self) -> str:
        """Served from the first time that it is asked for."""
        return self.stack.enter_context(serving(create_simulator(self.simulator.options, self.simulator)))


@pytest.fixture
def run_simulator() -> Iterator[Callable[..., RunningSimulator]]:
    """``run_simulator(app, **options)``: one that delivers to this Flask application, or without one to ``bot_url``."""
    with ExitStack() as stack:

        def start(app: Flask | None = None, **options: object) -> RunningSimulator:
            post = posting_to(app) if app else None
            simulator = Simulator(replace(OPTIONS, **options), post)  # type: ignore[arg-type]
            stack.callback(simulator.close)
            return RunningSimulator(simulator, stack)

        yield start
