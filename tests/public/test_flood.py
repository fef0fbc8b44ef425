"""A flood of messages that nobody can answer closes neither money's door nor the operator's.

Slow: it needs the server's own process, and more deliveries than wait in a lane.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as Database

from bot.web.lanes import MESSAGES
from models.giving.pledge import Pledge
from models.people.conversation import Turn
from tests.bench import flood
from tests.harness.money.held_callback import held_callback
from tests.harness.money.paid_stage import Collecting, collecting
from tests.harness.processes.web import served
from tests.harness.processes.workers import until

pytestmark = pytest.mark.slow

CONNECTIONS = MESSAGES.most + MESSAGES.threads + 200
SECONDS = 60.0


@pytest.fixture
def stage(database_url: str, redis_url: str) -> Iterator[Collecting]:
    with collecting(database_url, redis_url) as stage:
        yield stage


def refused(url: str, reason: str) -> float:
    shown = requests.get(f"{url}/metrics", timeout=SECONDS).text
    found = re.search(rf'bangfu_refused_requests_total{{lane="messages",reason="{reason}"}} (\S+)', shown)
    assert found, shown
    return float(found[1])


def test_a_flood_of_messages_leaves_money_and_health_alone(stage: Collecting) -> None:
    pledge, headers, body = held_callback(stage)
    with served(stage, WECHAT_MODE="plain") as url, ThreadPoolExecutor(1) as pool, Database(stage.database) as db:
        before = db.scalar(select(func.count(Turn.id))) or 0
        db.commit()
        db.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        db.execute(text("LOCK TABLE turns IN EXCLUSIVE MODE"))  # so that no message is answered
        port = urlsplit(url).port or 0
        storm = pool.submit(flood.run, port, 10_000, 300.0, 3 * CONNECTIONS, CONNECTIONS, 50, 7 * 10**15)
        until(lambda: refused(url, "full") > 0)
        assert requests.post(f"{url}/pay/notify", data=body, headers=headers, timeout=SECONDS).status_code == 204
        assert requests.get(f"{url}/readyz", timeout=SECONDS).status_code == 200
        assert requests.get(f"{url}/", timeout=SECONDS).status_code == 200
        db.commit()
        heard = storm.result()
        assert (heard.odd, heard.unanswered) == (0, 0)
        assert len(heard.taken) + len(heard.refused) == 3 * CONNECTIONS
        kept = db.scalar(select(func.count(Turn.id)).where(Turn.reply.is_not(None))) or 0
    assert kept - before == len(heard.taken)
    assert stage.state(Pledge, pledge) == "committed"
