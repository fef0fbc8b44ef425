"""One message exactly once: claim its key, lock the person, act, keep, commit.

Everything a message leads to happens in one database transaction. A second
delivery gets the first one's reply; a failure rolls everything back and says
sorry; nothing outside the database is touched until the commit.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.places.lookup import find_places, get_place
from bot.web.links import FOR_AN_HOUR, OPEN_PATHS, OWN, PROVED_THERE
from bot.web.metrics import FAILURES, REPEATS
from bot.wechat.codec import REPLY_BYTES
from bot.words.render import Renderer
from flows.engine.flow import Answer, Say
from flows.engine.session import Session, SessionBroken, dumps, loads
from flows.engine.turn import Person, TurnContext
from flows.engine.world import Region, World
from flows.language.lexicon import Lexicon
from handlers.routing.events import ORDERS
from models.core.encryption import CannotOpen
from models.notifications import turn_store
from models.notifications.kinds import template_of
from models.notifications.notification import Unread, count_unread, find_unread, mark_failed, mark_read
from models.notifications.service_window import window_opened_by
from models.notifications.subscription import NO_TEMPLATES, SubscriptionTemplates
from models.people.message import Message
from models.staff.member import find_staff

log = structlog.get_logger()

# WeChat hangs up after five seconds; past this budget its next delivery is answered from the store.
BUDGET_MS = 3_000
FAILURES_BEFORE_FRESH_START = 2

SORRY = Say("replies/routing/sorry")


class TryAgain(Exception):
    """Nothing was done, and nothing is known to be wrong with the message: WeChat should deliver it again."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Take messages and return replies. ``route`` decides what a message leads to; ``begin_afresh`` answers where the
    session was set aside.

    ``enqueue`` gets (job, id) pairs and the ids of notifications to push, after the commit.
    ``link``: kind of page, what it shows and the id of the officer it is for (or 0) -> its address.
    """

    database: Engine
    renderer: Renderer
    lexicon: Lexicon
    route: Callable[[TurnContext, Session, Message], Answer]
    begin_afresh: Callable[[TurnContext], Answer]
    enqueue: Callable[[Sequence[tuple[str, int]], Sequence[int]], None]
    clock: Callable[[], datetime]
    link: Callable[[str, str, int], str]
    subscriptions: SubscriptionTemplates = NO_TEMPLATES
    collects: bool = False
    recogniser: str = ""

    def take(self, message: Message) -> str:
        """Take a message and return the reply's text, empty for none. Raises TryAgain while the database is away."""
        started = time.perf_counter()
        jobs: list[tuple[str, int]] = []
        notified: list[int] = []
        try:
            with self.database.begin() as connection:
                reply = self._turn(connection, message, jobs, notified, started)
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise _try_again(message, error) from None
        except DBAPIError as error:
            if error.connection_invalidated:
                raise _try_again(message, error) from None
            return self._say_sorry(message, started)
        except Exception:  # of any kind: the person gets an apology and nothing stays half done; logged there
            return self._say_sorry(message, started)
        if jobs or notified:
            self.enqueue(jobs, notified)
        self._report(message, started)
        return reply

    def _turn(
        self, connection: Connection, message: Message, jobs: list[tuple[str, int]], notified: list[int], started: float
    ) -> str:
        now = self.clock()
        claimed = turn_store.claim(connection, message, now)
        if claimed is None:
            REPEATS.inc()
            return self._stored(connection, message)
        turn_id, locked = claimed
        turn = self._context(connection, message, locked, now, jobs)
        session = self._load(connection, locked, now)
        if session is None and message.event in ORDERS:
            session = Session(stoppable=0)  # what waits, it cannot know: the person's next message stops all
        answer = self.route(turn, session, message) if session else self.begin_afresh(turn)
        news = self._news(turn, locked, now) if locked.news and answer.says else []
        says, heard = self._with_news(turn, locked, news, answer.says) if news else (answer.says, [])
        reply = self.renderer.render(says)
        if session and session.screen and answer.says:
            session.screen.remember(reply)
        if heard:
            mark_read(turn.db, heard, now)
        notified += turn.notified
        turn.flush()
        locked.failures = 0
        record = turn_store.TurnRecord(
            answer.outcome, answer.flow, answer.step, answer.tries, _ms(started), window_opened_by(message)
        )
        session = session or Session()
        in_flow = session.draft is not None
        turn_store.keep(connection, turn_id, locked, dumps(session), reply, record, now, in_flow=in_flow)
        return reply

    def _news(self, turn: TurnContext, locked: turn_store.LockedPerson, now: datetime) -> list[tuple[Unread, Say]]:
        """Render the unread notifications. One that cannot be rendered is marked as failed for good, and logged."""
        news = []
        for notice in find_unread(turn.db, locked.id):
            try:
                say = Say(template_of(notice.template), "unread", {"v": notice.facts()})
                self.renderer.say(say)
            except Exception:  # of any kind: one bad notification must not lock its owner out for ever
                log.exception("notice.cannot_be_said", notice=notice.id)
                mark_failed(turn.db, notice.id)
            else:
                news.append((notice, say))
        return news

    def _with_news(
        self, turn: TurnContext, locked: turn_store.LockedPerson, news: list[tuple[Unread, Say]], answer: list[Say]
    ) -> tuple[list[Say], list[Unread]]:
        """Put as many notifications before the answer as fit into one reply with it; return all of it, and them.

        The others stay unread until a shorter answer, or until the person asks for them.
        """
        unread = count_unread(turn.db, locked.id)
        for count in range(len(news), -1, -1):
            more = [Say("replies/notifications/more_unread", None, {"count": unread - count})] if unread > count else []
            says = [*(say for _, say in news[:count]), *more, *answer]
            if len(self.renderer.render(says).encode()) <= REPLY_BYTES:
                return says, [notice for notice, _ in news[:count]]
        return answer, []

    def _stored(self, connection: Connection, message: Message) -> str:
        """Return the stored reply to the first delivery."""
        try:
            return turn_store.stored_reply(connection, message.key) or ""
        except CannotOpen:
            log.error("reply.cannot_open", key=message.key)
            return self.renderer.say(SORRY)

    def _context(
        self,
        connection: Connection,
        message: Message,
        locked: turn_store.LockedPerson,
        now: datetime,
        jobs: list[tuple[str, int]],
    ) -> TurnContext:
        def find(text: str) -> list[Region]:
            # A township that staff name is theirs before it is one of the same name far away.
            staff = find_staff(turn.db, message.account, message.openid, now)
            return find_places(turn.db, text, near=staff.region_code if staff else "")

        def region(code: str) -> Region | None:
            return get_place(turn.db, code)

        def link(kind: str, what: str) -> str:
            if kind in OPEN_PATHS or kind in PROVED_THERE or kind in FOR_AN_HOUR:
                return self.link(kind, what, 0)
            if kind in OWN:
                return self.link(kind, f"conversation:{locked.id}", 0)
            staff = find_staff(turn.db, message.account, message.openid, now)
            return self.link(kind, what, staff.id) if staff else ""

        person = Person(locked.id, message.account, message.openid, locked.user_id)
        world = World(now, self.lexicon, find, link, region, self.subscriptions, self.collects, self.recogniser)
        turn = TurnContext(connection, person, world, jobs, locked.offered_at)
        return turn

    def _load(self, connection: Connection, locked: turn_store.LockedPerson, now: datetime) -> Session | None:
        """Load the person's session; None when it was set aside and they start afresh."""
        try:
            if locked.failures >= FAILURES_BEFORE_FRESH_START:
                raise SessionBroken("failed_again")
            return loads(locked.open_session())
        except (SessionBroken, CannotOpen) as error:
            log.error("session.set_aside", conversation=locked.id, reason=str(error))
            turn_store.set_aside(connection, locked, str(error), now)
            return None

    def _say_sorry(self, message: Message, started: float) -> str:
        """Store an apology as the reply of a message whose turn failed and was rolled back, and count the failure."""
        log.exception("turn.failed", key=message.key)
        FAILURES.inc()
        reply = self.renderer.say(SORRY)
        try:
            with self.database.begin() as connection:
                now = self.clock()
                claimed = turn_store.claim(connection, message, now)
                if claimed is None:
                    return self._stored(connection, message) or reply
                turn_store.keep_failure(connection, *claimed, reply, _ms(started))
        except DBAPIError as error:
            raise _try_again(message, error) from None
        return reply

    def _report(self, message: Message, started: float) -> None:
        ms = _ms(started)
        if ms > BUDGET_MS:
            log.warning("turn.over_budget", key=message.key, ms=ms)


def _try_again(message: Message, error: Exception) -> TryAgain:
    log.warning("turn.try_again", key=message.key, error=type(error).__name__)
    return TryAgain()


def _ms(started: float) -> int:
    return int((time.perf_counter() - started) * 1000)
