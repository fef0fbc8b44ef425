"""Open what the jobs and scheduled runs of one process need."""

from functools import cached_property, lru_cache

from redis import Redis

from bot.pay.clients import PayClients
from bot.pay.factory import make_partner_clients, make_pay_clients
from bot.pay.partner import PartnerClients
from bot.photos.public_copies import PublicCopies
from bot.photos.store import Photos
from bot.push.deliver import Deliverer, make_deliverer
from bot.registry import make_registry
from bot.speech.hear import Hearing
from bot.speech.recogniser import make_recogniser
from bot.storage.choice import open_media
from bot.wechat.client import WeChatApi, open_session
from bot.wechat.token import TokenManager
from bot.words.lexicon import load_lexicon
from bot.work.clock import Clock, clock_of
from bot.work.jobs import JOBS
from bot.work.queues import JobQueues
from bot.work.redis_client import open_redis
from config.settings import Settings
from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.wiring import wire


class WorkerContext:
    """What jobs and scheduled runs need: database, Redis, WeChat's API, the clock, and where photos go.

    ``clock`` and ``jobs``: others than the settings' (the demo's year has its own, bot.demo.year.house).
    """

    def __init__(self, settings: Settings, clock: Clock | None = None, jobs: JobQueues | None = None) -> None:
        use_keyring(Keyring.parse(settings.data_keys.get_secret_value()))
        wire()
        self.database = connect(
            settings.database_url,
            pool_size=2,
            collects=settings.collects,
            frozen_for=settings.frozen_for,
            account=settings.wechat_account,
        )
        self._redis = open_redis(settings.redis_url)
        self.api = make_api(settings, self._redis)
        self.jobs = jobs or JobQueues(settings.redis_url)
        self.registry = make_registry(settings, self.database, self._redis)
        self.clock = clock or clock_of(settings, self.database)
        self.photos = Photos(self.database, self.api, open_media(settings), self.clock)
        self.public_copies = PublicCopies(self.database, self.photos.files, self.clock)
        self.settings = settings

    @cached_property
    def hearing(self) -> Hearing:
        """What hears voices, made on first use: it loads the words of danger."""
        recogniser, danger = make_recogniser(self.settings), load_lexicon().danger
        return Hearing(self.database, self.api, recogniser, danger, self._redis, self.jobs.deliver)

    @cached_property
    def deliverer(self) -> Deliverer:
        """The deliverer, made on first use: loading its templates takes longer than most jobs."""
        return make_deliverer(self.settings, self.database, self.api, self._redis, self.clock)

    @cached_property
    def pay(self) -> PayClients | None:
        """The pay clients, or None where PAY_MODE is off: then nothing is paid and nothing refunded."""
        return make_pay_clients(self.settings, self._redis, self.clock) if self.settings.collects else None

    @cached_property
    def partner(self) -> PartnerClients | None:
        """The clients for sellers' sub-merchants, or None where no partner's account is set."""
        return make_partner_clients(self.settings, self._redis, self.clock)

    def close(self) -> None:
        if "partner" in self.__dict__ and self.partner:
            self.partner.close()
        if "pay" in self.__dict__ and self.pay:
            self.pay.close()
        if "deliverer" in self.__dict__:
            self.deliverer.close()
        self.database.dispose()
        self._redis.close()
        self.jobs.redis.close()

    def run_job(self, name: str, argument: int | list[int]) -> None:
        """Run a job in this process."""
        JOBS[name].run(self, argument)


def make_api(settings: Settings, redis: Redis | None = None) -> WeChatApi:
    """Make the client of WeChat's API. ``redis``: a connection that the caller closes."""
    http = open_session()
    redis = redis or open_redis(settings.redis_url)
    tokens = TokenManager(settings.wechat_api_url, settings.wechat_app_id, settings.wechat_app_secret, redis, http)
    return WeChatApi(settings.wechat_api_url, tokens, http)


@lru_cache(maxsize=1)
def worker_context() -> WorkerContext:
    """Return this worker process's own WorkerContext, made once."""
    return WorkerContext(Settings())
