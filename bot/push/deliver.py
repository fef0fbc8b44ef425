"""Deliver notifications: claim a batch, send it from many threads, and keep the outcomes.

While one batch is being sent, the next is claimed and the one before is settled, so that the API and the
database do not wait for each other. No transaction is open during a send.
"""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from queue import Empty, SimpleQueue

import structlog
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.push.cards import Card, load_cards
from bot.push.channels import SERVICE
from bot.push.pace import Pace, SendCounts
from bot.push.prepare_batch import RuledOut, prepare_batch
from bot.push.record_results import failure_code, log_failure, record_results
from bot.push.send_result import SendResult, result_of
from bot.push.sender import Attempt, Sender
from bot.push.wording import Wording
from bot.web.links import Links
from bot.wechat.client import WeChatApi
from bot.wechat.policy import Action, WeChatError
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from bot.work.clock import Clock
from config.settings import Settings
from models.notifications import outbox

log = structlog.get_logger()

# Notifications claimed at once. More would save statements, but what a killed worker had claimed may or may not have
# arrived.
BATCH = 150
# Due notifications looked up at once.
PAGE = 8 * BATCH
# Sending threads of a process; the client's pool holds as many connections.
THREADS = 64
# Batches that are being sent while the next one is claimed.
AHEAD = 1
# A send may begin up to so many seconds after its claim. Then it ends, with all its time-outs, before
# outbox.CLAIM_LASTS, and no sweep declares it lost while it may still arrive.
BEGUN_WITHIN = 30.0
# Seconds that a batch waits for the pace; after that its notifications are owed again.
PATIENCE = 20.0
_SETTLE_TRIES, _SETTLE_PAUSE = 4, 0.5


@dataclass(slots=True)
class Batch:
    """A claimed batch. ``begun``: when it was claimed, by the monotonic clock."""

    attempts: list[Attempt]
    begun: float
    sends: list[Future[None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tools:
    database: Engine
    sender: Sender
    cards: Mapping[str, Card]
    pace: Pace
    counts: SendCounts
    clock: Clock
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "push"))


class Deliverer:
    """Deliver notifications; one object per process, safe to be called from several threads."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def deliver(self, ids: Sequence[int]) -> int:
        """Send those of these that are owed and due, and record each result. Returns how many."""
        return _Run(self._tools).through([ids])

    def serve(self, ids: Sequence[int], urgency: str, seconds: float) -> int:
        """Send these, and then for ``seconds`` what else of this urgency is due, the longest first."""
        return _Run(self._tools).through(self._supply(ids, urgency, time.monotonic() + seconds))

    def close(self) -> None:
        self._tools.pool.shutdown()

    def _supply(self, ids: Sequence[int], urgency: str, until: float) -> Iterator[Sequence[int]]:
        """Yield ids to send, each once; those that other workers have claimed meanwhile are not claimed again."""
        yield ids
        seen = set(ids)
        while time.monotonic() < until:
            with Session(self._tools.database) as db, db.begin():
                due = outbox.due_ids(db, urgency, self._tools.clock(), PAGE)
            fresh = [notification for notification in due if notification not in seen]
            if not fresh:
                return
            seen.update(fresh)
            for chunk in _chunks([fresh], BATCH):
                if time.monotonic() < until:
                    yield chunk


class _Run:
    """One call's work. ``_going_on``: ids to be sent at once by their next channel."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._under_way: deque[Batch] = deque()
        self._ruled_out: RuledOut = {}
        self._going_on: list[int] = []
        self._count = 0

    def through(self, supply: Iterable[Sequence[int]]) -> int:
        chunks = _chunks(supply, min(BATCH, self._tools.pace.most))
        try:
            while True:
                chunk, self._going_on = self._going_on or next(chunks, []), []
                if chunk:
                    self._begin(chunk)
                elif not self._under_way:
                    return self._count
                if not chunk or len(self._under_way) > AHEAD:
                    self._end()
        finally:
            while self._under_way:
                self._end()

    def _begin(self, ids: Sequence[int]) -> None:
        begun, tools = time.monotonic(), self._tools
        with Session(tools.database) as db, db.begin():
            attempts = prepare_batch(db, ids, tools.cards, self._ruled_out, tools.clock())
        if not attempts:
            return
        self._count += len(attempts)
        batch = Batch(attempts, begun)
        self._under_way.append(batch)
        if not self._may_go(batch):
            return
        tools.sender.write(attempts, tools.clock())
        people: SimpleQueue[list[Attempt]] = SimpleQueue()
        for _, theirs in groupby(attempts, lambda attempt: attempt.notification.conversation_id):
            people.put(list(theirs))
        for _ in range(min(THREADS, people.qsize())):
            batch.sends.append(tools.pool.submit(self._send_all, people, begun))

    def _may_go(self, batch: Batch) -> bool:
        """Wait until the pace allows the batch; False where it does not in time. Earlier batches are settled first."""
        count, urgency = len(batch.attempts), batch.attempts[0].notification.urgency
        if self._tools.pace.wait(count, urgency, 0):
            return True
        while len(self._under_way) > 1:
            self._end()
        return self._tools.pace.wait(count, urgency, PATIENCE)

    def _send_all(self, people: SimpleQueue[list[Attempt]], begun: float) -> None:
        """Work as one thread of a batch: send one person's attempts after another's, until none is left."""
        while True:
            try:
                attempts = people.get_nowait()
            except Empty:
                return
            self._send(attempts, begun)

    def _send(self, attempts: list[Attempt], begun: float) -> None:
        """Send one person's attempts in order; when WeChat reports a closed window, the rest need not try it."""
        shut: WeChatError | None = None
        for attempt in attempts:
            if shut and attempt.channel == SERVICE:
                attempt.failure = shut
            elif time.monotonic() - begun < BEGUN_WITHIN:
                self._tools.sender.send(attempt)
                # Not when the batch ends: what the person is shown until then is newer than these choices.
                attempt.sent_at = self._tools.clock()
            if isinstance(attempt.failure, WeChatError) and attempt.failure.action is Action.NEXT_CHANNEL:
                shut = attempt.failure

    def _end(self) -> None:
        """Settle the oldest batch under way; it stays in the queue until it is settled, whatever interrupts this."""
        batch, tools = self._under_way[0], self._tools
        wait(batch.sends)
        now = tools.clock()
        judged = [(attempt, result_of(attempt, now)) for attempt in batch.attempts]
        self._keep(judged, now)
        self._under_way.popleft()
        tools.counts.add(Counter(f"{attempt.channel}:{failure_code(attempt.failure)}" for attempt in batch.attempts))
        for attempt, result in judged:
            log_failure(attempt, result)
            if result.goes_on:
                self._ruled_out.setdefault(attempt.notification.id, {}).update(result.rules_out(attempt.channel))
                self._going_on.append(attempt.notification.id)
            else:
                self._ruled_out.pop(attempt.notification.id, None)

    def _keep(self, judged: Sequence[tuple[Attempt, SendResult]], now: datetime) -> None:
        """Keep the outcomes; retry where the database fails, since what has arrived must not count as unknown."""
        for left in range(_SETTLE_TRIES, 0, -1):
            try:
                with Session(self._tools.database) as db, db.begin():
                    record_results(db, judged, now)
            except DBAPIError as error:
                log.warning("push.not_settled", error=type(error).__name__, count=len(judged))
                if left == 1:
                    raise
                time.sleep(_SETTLE_PAUSE)
            else:
                return


def make_deliverer(settings: Settings, database: Engine, api: WeChatApi, redis: Redis, clock: Clock) -> Deliverer:
    """Create a process's deliverer. Raises UnknownCard where a setting names an unknown card."""
    lexicon = load_lexicon()
    page = Links(settings.public_url, settings.secret_key.get_secret_value(), clock).open
    wording = Wording(Renderer(lexicon.words, lexicon.choices, page=page), lexicon.choices["push_offer"])
    cards = load_cards(settings.wechat_templates, settings.wechat_subscriptions)
    pace, counts = Pace(redis, settings.push_per_minute), SendCounts(redis)
    return Deliverer(Tools(database, Sender(api, wording), cards, pace, counts, clock))


def _chunks(supply: Iterable[Sequence[int]], size: int) -> Iterator[list[int]]:
    for ids in supply:
        for start in range(0, len(ids), size):
            yield list(ids[start : start + size])
