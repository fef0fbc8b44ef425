"""Notices to their people: claimed a batch at a time, sent from many threads, and what came of each kept.

While one batch is being sent the next is claimed and the one before is settled, so that the API and the
database do not wait for each other. No transaction is open during a send.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

import structlog
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.lexicon import load_lexicon
from bot.push.cards import Card, load_cards
from bot.push.channels import SERVICE
from bot.push.claiming import RuledOut, take
from bot.push.pace import Counts, Pace
from bot.push.sending import NotBegun, Parcel, Sender
from bot.push.settling import code_of, keep, report
from bot.push.verdict import Verdict, judge
from bot.push.wording import Wording
from bot.render import Renderer
from bot.wechat.client import WeChatApi
from bot.wechat.policy import Action, WeChatError
from config.settings import Settings
from models import outbox

log = structlog.get_logger()

BATCH = 100
# Threads that send, in a process; the client's pool holds as many connections.
THREADS = 64
# Batches whose sends are under way while the next one is claimed.
AHEAD = 2
# Seconds after its claim in which a send may begin. What begins then has ended, with all its time-outs, before
# outbox.CLAIM_LASTS: nobody else takes it for lost while it may still arrive.
BEGUN_WITHIN = 30.0
_SETTLE_TRIES, _SETTLE_PAUSE = 4, 0.5


@dataclass(slots=True)
class Batch:
    parcels: list[Parcel]
    sends: list[Future[None]] = field(default_factory=list)


class Deliverer:
    """One for a process. ``deliver`` is to be called from one thread at a time."""

    def __init__(
        self,
        database: Engine,
        sender: Sender,
        cards: dict[str, Card],
        pace: Pace,
        counts: Counts,
        clock: Callable[[], datetime],
        threads: int = THREADS,
    ) -> None:
        self._database, self._sender, self._cards = database, sender, cards
        self._pace, self._counts, self._clock = pace, counts, clock
        self._pool = ThreadPoolExecutor(threads, "push")

    def close(self) -> None:
        self._pool.shutdown()

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None:
        """Push those of these that are owed and due; when it returns, each is settled."""
        self.run([ids], urgency)

    def drain(self, urgency: str, going_on: Callable[[], bool]) -> int:
        """Push whatever is owed and due, the longest first, until there is none or ``going_on`` says no: how many."""
        return self.run(self._due(urgency, going_on), urgency)

    def run(self, supply: Iterable[Sequence[int]], urgency: str) -> int:
        """Claims what ``supply`` yields, in its order; a batch of ids that nobody may have is passed over."""
        chunks = _chunks(supply, min(BATCH, self._pace.most))
        under_way: deque[Batch] = deque()
        ruled_out: RuledOut = {}
        going_on: list[int] = []
        count = 0
        try:
            while True:
                chunk = going_on or next(chunks, [])
                going_on = []
                if chunk:
                    self._pace.wait(len(chunk), urgency)
                    batch = self._begin(chunk, ruled_out)
                    count += len(batch.parcels)
                    under_way.append(batch)
                if not under_way:
                    return count
                if not chunk or len(under_way) > AHEAD:
                    going_on = self._end(under_way.popleft(), ruled_out)
        finally:
            while under_way:
                self._end(under_way.popleft(), ruled_out)

    def _due(self, urgency: str, going_on: Callable[[], bool]) -> Iterator[Sequence[int]]:
        """Notices that are claimed are due no more; those that nobody gets now are not offered twice."""
        seen: set[int] = set()
        while going_on():
            with Session(self._database) as db, db.begin():
                due = outbox.due_ids(db, urgency, self._clock(), BATCH * 10)
            fresh = [notice for notice in due if notice not in seen]
            if not fresh:
                return
            seen = set(due)
            yield from _chunks([fresh], BATCH)

    def _begin(self, ids: Sequence[int], ruled_out: RuledOut) -> Batch:
        begun = time.monotonic()
        with Session(self._database) as db, db.begin():
            parcels = take(db, ids, self._cards, ruled_out, self._clock())
        batch = Batch(parcels)
        for _, theirs in groupby(parcels, lambda parcel: parcel.owed.conversation_id):
            batch.sends.append(self._pool.submit(self._send, list(theirs), begun))
        return batch

    def _send(self, parcels: list[Parcel], begun: float) -> None:
        """One person's, in order. What WeChat has just said of their window holds for the rest of them."""
        shut: WeChatError | None = None
        for parcel in parcels:
            if time.monotonic() - begun > BEGUN_WITHIN:
                parcel.failure = NotBegun()
            elif shut and parcel.channel == SERVICE:
                parcel.failure = shut
            else:
                self._sender.send(parcel, self._clock())
            if isinstance(parcel.failure, WeChatError) and parcel.failure.action is Action.NEXT_CHANNEL:
                shut = parcel.failure

    def _end(self, batch: Batch, ruled_out: RuledOut) -> list[int]:
        """The ids of those that go on at once, by another channel."""
        wait(batch.sends)
        now = self._clock()
        judged = [(parcel, judge(parcel, now)) for parcel in batch.parcels]
        self._keep(judged, now)
        self._counts.add(Counter(f"{parcel.channel}:{code_of(parcel.failure)}" for parcel in batch.parcels))
        going_on = []
        for parcel, verdict in judged:
            report(parcel, verdict)
            if verdict.goes_on:
                ruled_out.setdefault(parcel.owed.id, {}).update(verdict.rules_out(parcel.channel))
                going_on.append(parcel.owed.id)
            else:
                ruled_out.pop(parcel.owed.id, None)
        return going_on

    def _keep(self, judged: Sequence[tuple[Parcel, Verdict]], now: datetime) -> None:
        """Again where the database fails for a moment: what has arrived must not be taken for unknown."""
        for left in range(_SETTLE_TRIES, 0, -1):
            try:
                with Session(self._database) as db, db.begin():
                    keep(db, judged, now)
            except DBAPIError as error:
                log.warning("push.not_settled", error=type(error).__name__, count=len(judged))
                if left == 1:
                    raise
                time.sleep(_SETTLE_PAUSE)
            else:
                return


def make_deliverer(settings: Settings, database: Engine, api: WeChatApi, redis: Redis) -> Deliverer:
    """Raises UnknownCard where a setting names a card that there is none of."""
    lexicon = load_lexicon()
    wording = Wording(Renderer(lexicon.words, lexicon.choices), lexicon.choices["push_offer"])
    cards = load_cards(settings.wechat_templates, settings.wechat_subscriptions)
    pace, counts = Pace(redis, settings.push_per_minute), Counts(redis)
    return Deliverer(database, Sender(api, wording), cards, pace, counts, lambda: datetime.now(UTC))


def _chunks(supply: Iterable[Sequence[int]], size: int) -> Iterator[list[int]]:
    for ids in supply:
        for start in range(0, len(ids), size):
            yield list(ids[start : start + size])
