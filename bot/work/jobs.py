"""What the workers do: one function for each job of ``bot.work.queues``, found by its name.

Every job takes one id, or the ids of notices, and may run twice: it looks at the row first.
"""

from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path

from redis import Redis
from sqlalchemy.orm import Session

from bot.books import check as books
from bot.books.export import export_ledger
from bot.pay.client import PayClient
from bot.pay.making import make_pay_client
from bot.payments import refunds
from bot.payments.orders import Cashier, Till
from bot.photos.store import Photos
from bot.proxy import card_codes
from bot.push import digests
from bot.push.deliver import Deliverer, make_deliverer
from bot.push.fanout import go_on
from bot.registry import make_registry
from bot.treasury.reconciliation import Reconciler
from bot.verification.check_registry import check_registry as ask_registry
from bot.wechat.client import WeChatApi, open_session
from bot.wechat.token import TokenManager
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from bot.work.due_steps import tend
from bot.work.queues import Jobs, open_redis
from bot.work.sweeps import let_replies_go, sweep
from config.settings import PayMode, Settings
from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.disbursements.payout import follow_on
from models.wiring import wire

# Seconds for which a job of pushes goes on with what is due, so that sends and the database do not wait for each other.
SERVES_ON = 5.0


class Errands:
    """The jobs with what they need: database, WeChat's API, and where photos go."""

    def __init__(self, settings: Settings) -> None:
        use_keyring(Keyring.parse(settings.data_keys.get_secret_value()))
        wire()
        self.database = connect(settings.database_url, pool_size=2)
        self._redis = open_redis(settings.redis_url)
        self.api = make_api(settings, self._redis)
        self.folder = Path(settings.media_dir)
        self.jobs = Jobs(settings.redis_url)
        self.registry = make_registry(settings, self.database, self._redis)
        self.photos = Photos(self.database, self.api, self.folder)
        self._settings = settings

    @cached_property
    def deliverer(self) -> Deliverer:
        """Made where something is pushed: with all its words it takes longer than most jobs."""
        return make_deliverer(self._settings, self.database, self.api, self._redis)

    @cached_property
    def pay(self) -> PayClient | None:
        """None where PAY_MODE is off: then nothing is paid, and nothing paid back."""
        return make_pay_client(self._settings, self._redis) if self._settings.pay_mode is PayMode.ON else None

    def close(self) -> None:
        if "pay" in self.__dict__ and self.pay:
            self.pay.close()
        if "deliverer" in self.__dict__:
            self.deliverer.close()
        self.database.dispose()
        self._redis.close()
        self.jobs.redis.close()

    def fetch_photo(self, photo_id: int) -> None:
        self.photos.fetch(photo_id)

    def forget_photo(self, photo_id: int) -> None:
        self.photos.forget(photo_id)

    def check_registry(self, verification_id: int) -> None:
        """Ask the registry about the resident of a case."""
        ask_registry(self.database, self.registry, verification_id)

    def query_order(self, order_id: int) -> None:
        """What became of an order at WeChat Pay."""
        if self.pay:
            Cashier(Till(self.database, self.jobs), self.pay, lambda: datetime.now(UTC)).settle(order_id)

    def fetch_bill(self, day: int) -> None:
        if self.pay:
            mch_id = self._settings.pay_mch_id
            Reconciler(self.database, self.jobs, self.pay, mch_id, lambda: datetime.now(UTC)).fetch_bill(day)

    def deliver(self, notice_ids: list[int], urgency: str) -> None:
        """Push these notices, and for a while whatever else of their urgency is due."""
        self.deliverer.serve(notice_ids, urgency, SERVES_ON)

    def publish_ledger(self, now: datetime) -> None:
        """Where there is a folder for it. Raises NotTheLedger, so that the job is tried again, and dies."""
        if self._settings.export_dir:
            env = Renderer(load_lexicon().words).env
            export_ledger(self.database.url, Path(self._settings.export_dir), env, now)

    def sweep(self, now: datetime | None = None) -> int:
        """All that the clock looks after each minute and each hour, at once. Returns how many jobs that made."""
        now = now or datetime.now(UTC)
        count = sweep(self.database, self.jobs, now)
        let_replies_go(self.database, now)
        tend(self.database, now)
        return count


def make_api(settings: Settings, redis: Redis | None = None) -> WeChatApi:
    """``redis``: a connection that the caller closes."""
    http = open_session()
    redis = redis or open_redis(settings.redis_url)
    tokens = TokenManager(settings.wechat_api_url, settings.wechat_app_id, settings.wechat_app_secret, redis, http)
    return WeChatApi(settings.wechat_api_url, tokens, http)


@lru_cache(maxsize=1)
def errands() -> Errands:
    """This worker process's own."""
    return Errands(Settings())


def fetch_photo(photo_id: int) -> None:
    errands().fetch_photo(photo_id)


def forget_photo(photo_id: int) -> None:
    errands().forget_photo(photo_id)


def check_registry(verification_id: int) -> None:
    errands().check_registry(verification_id)


def make_card_code(card_id: int) -> None:
    card_codes.make_code(errands().database, errands().api, card_id)


def query_order(order_id: int) -> None:
    errands().query_order(order_id)


def ask_refund(refund_id: int) -> None:
    ask_refunds([refund_id])


def ask_refunds(refund_ids: list[int]) -> None:
    if client := errands().pay:
        refunds.ask_refunds(errands().database, client, refund_ids)


def return_gifts(run_id: int) -> None:
    refunds.return_gifts(errands().database, errands().jobs, run_id, datetime.now(UTC))


def deliver(notice_ids: list[int]) -> None:
    """Push these notices."""
    errands().deliver(notice_ids, "push")


def deliver_bulk(notice_ids: list[int]) -> None:
    """Push these notices of a fan-out."""
    errands().deliver(notice_ids, "bulk")


def fan_out(_broadcast_id: int) -> None:
    """Take every fan-out as far as it goes; a killed one is gone on with by the clock."""
    while go_on(errands().database, errands().jobs, datetime.now(UTC)):
        pass


def follow_gifts(disbursement_id: int) -> None:
    """Let all gifts give their shares to a payment, a page a transaction; a killed one is gone on with by the clock."""
    while True:
        with Session(errands().database) as db, db.begin():
            if not follow_on(db, disbursement_id, datetime.now(UTC)):
                return


def write_digests(month: int) -> None:
    """Of this month (202610): who has it already gets no other."""
    digests.write_digests(errands().database, month, datetime.now(UTC))


def fetch_bill(day: int) -> None:
    """The pay channel's bill of this day (20261125), held against our books."""
    errands().fetch_bill(day)


def check_books(_day: int) -> None:
    """And publish the ledger, which is proved on its own as it is written."""
    books.check_and_tell(errands().database.url, errands().jobs.redis, datetime.now(UTC))
    errands().publish_ledger(datetime.now(UTC))
