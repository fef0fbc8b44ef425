"""The post office: a bot behind its door, a Deliverer, and a simulator of WeChat between them and the people.

office = Office(database_url, redis_url, run_simulator)
aunt = office.person("oAunt")               # follows, then the minute of that window passes
office.wechat.send_text("oAunt", "你好")
notice = office.notify(aunt, "milestone")
office.deliver()
office.row(notice).state
"""

import time as clock
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.push.cards import as_in_console, load_cards
from bot.push.deliver import Deliverer, Tools
from bot.push.pace import Pace, SendCounts
from bot.push.sender import Sender
from bot.push.wording import Wording
from bot.simulator.fields import Template
from bot.wechat.client import WeChatApi, open_session
from bot.wechat.token import TokenManager
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from bot.work.redis_client import open_redis
from models.core.calendar import CHINA
from models.core.database import connect
from models.notifications.notification import TO_DELIVER, Notification
from models.notifications.notify import notify
from models.notifications.outbox import due_ids
from models.notifications.service_window import RULES, ServiceWindow
from models.notifications.subscription import Subscription
from models.people.conversation import Conversation
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import settings_for

ORDER = {
    "number": 3,
    "name": "竹编提篮",
    "quantity": 2,
    "unit": "piece",
    "amount_fen": 7_000,
    "code": "K7M2",
    "due": "2026-11-30",
}
FACTS: dict[str, dict[str, Any]] = {
    "milestone": {
        "number": 12,
        "title": "苗寨修路",
        "percent": 50,
        "gifts": 3,
        "raised_fen": 15_000_000,
        "paid_fen": 0,
        "target_fen": 30_000_000,
    },
    "appeal_update": {"number": 12, "title": "苗寨修路", "words": "路基修好了。"},
    "card_bound": {"work_no": "A017", "on": "2026-11-24"},
    "digest": {"month": "2026-10", "gifts": 2, "gave_fen": 5000, "appeals": 1, "funding": 1, "reached": 0, "ended": 0},
    "ordered": ORDER,
    "goods_received": {"number": 7, "item": "棉被", "title": "棉被"},
    "staff_confirmed": {},
}
CARDS = load_cards()


def paper(prefix: str, long_term: bool = False) -> tuple[Template, ...]:
    """The account's templates, one for each card."""
    return tuple(Template(**one, long_term=long_term) for one in as_in_console(prefix))


class Office:
    """``templates``/``subscriptions``: whether the account has any. It is ten in the morning in China.

    ``recogniser``: what the one is called that voices are sent to; empty where nobody hears them.
    """

    def __init__(
        self,
        database_url: str,
        redis_url: str,
        run_simulator: Callable[..., RunningSimulator],
        *,
        templates: bool = True,
        subscriptions: bool = False,
        long_term: bool = False,
        per_minute: int = 1_000_000,
        recogniser: str = "",
        **options: Any,
    ) -> None:
        own, notes = paper("t-"), paper("s-", long_term)
        ids: dict[str, Any] = {
            "wechat_templates": {name: f"t-{name}" for name in CARDS} if templates else {},
            "wechat_subscriptions": {name: f"s-{name}" for name in CARDS} if subscriptions else {},
        }
        if recogniser:
            ids |= {"speech_url": "http://127.0.0.1:9", "speech_name": recogniser}
        self.settings = settings_for(database_url, redis_url).model_copy(update=ids)
        self.app = create_app(self.settings, clock=self.now)
        self.running = run_simulator(self.app, templates=own, subscriptions=notes, **options)
        self.wechat = self.running.simulator
        self.database = connect(database_url, pool_size=4)
        self.redis: Redis = open_redis(redis_url)
        self.http = open_session()
        self._keys = count()
        self.per_minute = per_minute
        self.cards = load_cards(self.settings.wechat_templates, self.settings.wechat_subscriptions)
        self.deliverer = self.another()
        self.at(time(10, 0))

    def another(
        self,
        threads: int = 8,
        url: str = "",
        sender: Any = None,
        sleep: Callable[[float], None] = clock.sleep,
    ) -> Deliverer:
        """A worker's own. ``url``: where it looks for WeChat, instead of the simulator."""
        return Deliverer(
            Tools(
                self.database,
                sender or self.sender(url),
                self.cards,
                Pace(self.redis, self.per_minute, sleep),
                SendCounts(self.redis),
                self.now,
                ThreadPoolExecutor(threads),
            )
        )

    def sender(self, url: str = "") -> Sender:
        settings, options = self.settings, self.wechat.options
        tokens = TokenManager(self.running.url, options.app_id, settings.wechat_app_secret, self.redis, self.http)
        lexicon = load_lexicon()
        wording = Wording(Renderer(lexicon.words, lexicon.choices), lexicon.choices["push_offer"])
        return Sender(WeChatApi(url or self.running.url, tokens, self.http), wording)

    def close(self) -> None:
        self.deliverer.close()
        self.http.close()
        self.redis.close()
        self.database.dispose()
        self.app.extensions["bangfu"]["turns"].database.dispose()

    # Time

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.wechat.timeline(), UTC)

    def move(self, **by: float) -> None:
        self.wechat.timeline.move(timedelta(**by).total_seconds())

    def at(self, clock: time) -> None:
        """The next time that it is this late in China."""
        here = self.now().astimezone(CHINA)
        then = datetime.combine(here.date(), clock, CHINA)
        then += timedelta(days=1) if then <= here else timedelta(0)
        self.wechat.timeline.move((then - here).total_seconds())

    # People and notices

    def person(self, openid: str) -> int:
        """Follows the account; whatever window that opened is closed again. The conversation's row number."""
        self.wechat.new_person(openid, openid)
        self.wechat.follow(openid)
        self.move(minutes=11)
        with Database(self.database) as db:
            return db.scalars(select(Conversation.id).where(Conversation.openid == openid)).one()

    def told(
        self, person: int, kind: str = "milestone", about: tuple[str, int] | None = None, **facts: Any
    ) -> list[int]:
        with self.session() as db:
            notify(db, person, kind, FACTS[kind] | facts, f"push:{next(self._keys)}", self.now(), about)
            return list(db.info.get(TO_DELIVER, ()))

    def notify(self, person: int, kind: str = "milestone", **facts: Any) -> int:
        """The notice's number."""
        (notice,) = self.told(person, kind, **facts)
        return notice

    def open_window(self, person: int, kind: str) -> None:
        """What no act through the door opens yet."""
        rule = RULES[kind]
        with self.session() as db:
            db.merge(
                ServiceWindow(conversation_id=person, kind=kind, ends_at=self.now() + rule.lasts, left=rule.messages)
            )

    @contextmanager
    def session(self) -> Iterator[Database]:
        with Database(self.database) as db, db.begin():
            yield db

    def deliver(self, *ids: int) -> None:
        """These, or all that is owed and due."""
        self.deliverer.deliver(ids or self.due())

    def due(self) -> list[int]:
        with Database(self.database) as db:
            return due_ids(db, "push", self.now(), 1000)

    def row(self, notice: int) -> Notification:
        with Database(self.database, expire_on_commit=False) as db:
            return db.get_one(Notification, notice)

    def went(self, notice: int) -> tuple[str, str | None, str]:
        row = self.row(notice)
        return row.state, row.channel, row.reason

    def one(self, table: type[Any], key: Any) -> Any:
        with Database(self.database, expire_on_commit=False) as db:
            return db.get(table, key)

    def left(self, person: int, window: str) -> int | None:
        """Of a window's count, by our ledger; None where there is none."""
        row = self.one(ServiceWindow, (person, window))
        return row.left if row else None

    def consents(self, person: int, template_id: str) -> int:
        row = self.one(Subscription, (person, template_id))
        return row.left if row else 0

    def shown(self, openid: str, *kinds: str) -> list[dict[str, Any]]:
        """What stands in their chat of these kinds, the oldest first."""
        entries = self.wechat.chat.newer_than(0)["entries"]
        return [entry for entry in entries if entry["openid"] == openid and entry["kind"] in kinds]


Open = Callable[..., Office]


@pytest.fixture
def open_office(
    database_url: str, redis_flushed: str, run_simulator: Callable[..., RunningSimulator]
) -> Iterator[Open]:
    """``open_office(test_account=True)``: with these options of Office or of the simulator."""
    opened: list[Office] = []

    def start(**options: Any) -> Office:
        opened.append(Office(database_url, redis_flushed, run_simulator, **options))
        return opened[-1]

    yield start
    for office in opened:
        office.close()


@pytest.fixture
def office(open_office: Open) -> Office:
    return open_office()


PUSHES = ("text", "msgmenu", "template", "subscription")
