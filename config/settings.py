"""Define every setting, its default and its meaning. The table in docs/operating.md is tested against this file.

Values come from the environment, and from a file ``.env`` in the project's folder if there is one.
"""

from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config.bucket import BucketAddress, read_bucket
from config.bucket import faults as bucket_faults
from config.embedded import own_database_url
from config.pay import PayValues, faults, read_merchants
from config.production import weaknesses

ROOT = Path(__file__).parent.parent
KEY_BYTES = 32

# What the demo and the tests use. Production refuses each of them by name.
SAMPLE_SECRET_KEY = "sample-secret-key-for-demo-only"
SAMPLE_DATA_KEYS = "c2FtcGxlLWRhdGEta2V5LWZvci1kZW1vLW9ubHktMDE="
SAMPLE_APP_ID = "wx0000000000sample"
SAMPLE_APP_SECRET = "sample-app-secret"
SAMPLE_TOKEN = "sampletoken"
SAMPLE_AES_KEY = "c2FtcGxlYWVza2V5c2FtcGxlYWVza2V5c2FtcGxlYWU"


class Environment(StrEnum):
    """The environment; ``auto`` is production as soon as a setting names something real: see ``is_production``."""

    AUTO = "auto"
    DEMO = "demo"
    PRODUCTION = "production"


class Mode(StrEnum):
    """How WeChat encrypts what it posts (chosen in the account's console)."""

    PLAIN = "plain"
    COMPATIBLE = "compatible"
    SAFE = "safe"


class PayMode(StrEnum):
    OFF = "off"
    ON = "on"


class GoodsRound(StrEnum):
    OFF = "off"
    ON = "on"


# Settings for which production needs values of its own.
SECRETS = ("secret_key", "data_keys", "wechat_app_id", "wechat_app_secret", "wechat_token", "wechat_aes_key")


def _pairs(value: str | dict[str, str]) -> dict[str, str]:
    """Read ``card=ID,card=ID``. Raises ValueError with words for the operator."""
    if isinstance(value, dict):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    found = {name.strip(): identity.strip() for name, _, identity in pairs}
    if len(found) < len(pairs) or not all(found) or not all(found.values()):
        raise ValueError("each is card=ID, commas between, and each card once")
    return found


def _keys(value: str | dict[str, str]) -> dict[str, str]:
    """Read ``id=PEM,serial=path``. Raises ValueError with words of its own: those of ``_pairs`` are about cards."""
    try:
        return _pairs(value)
    except ValueError:
        raise ValueError("each is ID=PEM or SERIAL=PEM, commas between, and each key once") from None


def _names(value: str | frozenset[str]) -> frozenset[str]:
    """Read ``card,card``."""
    return frozenset(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


Ids = Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)]
Keys = Annotated[dict[str, str], NoDecode, BeforeValidator(_keys)]
Names = Annotated[frozenset[str], NoDecode, BeforeValidator(_names)]


def _bare(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    bangfu_env: Environment = Field(
        Environment.AUTO,
        description="`production` refuses what is a sample or weak; `auto` is production once DATABASE_URL names a "
        "database, the AppID is not the sample, or PUBLIC_URL is not this machine",
    )
    database_url: str = Field(
        "",
        validate_default=True,
        description="`postgresql://user:password@host/name`; empty: the demo's own, which `demo` and `chat` start",
    )
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0", description="any Redis >= 6.2 or Valkey; holds nothing that cannot be rebuilt"
    )
    public_url: str = Field("http://127.0.0.1:8000", description="where people's browsers reach this server")
    secret_key: SecretStr = Field(SecretStr(SAMPLE_SECRET_KEY), description="signs what the pages hand out")
    data_keys: SecretStr = Field(
        SecretStr(SAMPLE_DATA_KEYS),
        description="comma-separated 32-byte keys in base64; the first seals, all of them open",
    )
    wechat_account: str = Field(
        "",
        pattern=r"^(gh_[0-9A-Za-z]{1,60})?$",
        description="the account's original ID, `gh_…`, where several accounts share a database: this program serves "
        "that one alone; empty: there is one account",
    )
    wechat_app_id: str = Field(SAMPLE_APP_ID, description="the account's AppID")
    wechat_app_secret: SecretStr = Field(SecretStr(SAMPLE_APP_SECRET), description="the account's AppSecret")
    wechat_token: SecretStr = Field(SecretStr(SAMPLE_TOKEN), description="signs every delivery; the console's Token")
    wechat_aes_key: SecretStr = Field(
        SecretStr(SAMPLE_AES_KEY), description="the console's 43-character EncodingAESKey"
    )
    wechat_aes_key_previous: SecretStr = Field(
        SecretStr(""), description="the key before, accepted while a change spreads"
    )
    wechat_mode: Mode = Field(Mode.SAFE, description="`plain`, `compatible` or `safe`; must equal the console's choice")
    wechat_menus: str = Field(
        "", description="the folder of the account's own menus, written as those of templates/menu; empty: those"
    )
    wechat_api_url: str = Field("https://api.weixin.qq.com", description="the platform's API, or a simulator of it")
    wechat_templates: Ids = Field(
        {}, description="which of the account's templates is which card of config/push.toml: card=ID,card=ID"
    )
    wechat_subscriptions: Ids = Field({}, description="the same for its subscription notices")
    wechat_long_term: Names = Field(
        frozenset(), description="of those the long-term ones, where one yes is for any number: card,card"
    )
    push_per_minute: int = Field(
        6_000, ge=1, description="pushes a minute at most, all workers together; the account's own limits are WeChat's"
    )
    pay_mode: PayMode = Field(PayMode.OFF, description="`off`: a pledge is a recorded promise; no money moves")
    pay_api_url: str = Field("https://api.mch.weixin.qq.com", description="WeChat Pay's API, or a simulator of it")
    pay_mch_id: str = Field("", description="the merchant's number (mchid); these are needed with `PAY_MODE=on`")
    pay_serial: str = Field("", description="the serial of the merchant's certificate, 40 hexadecimal digits")
    pay_private_key: SecretStr = Field(
        SecretStr(""), description="the merchant's private key (apiclient_key.pem): PEM, or the path of its file"
    )
    pay_api_v3_key: SecretStr = Field(SecretStr(""), description="the APIv3 key, 32 characters; opens callbacks")
    pay_public_keys: Keys = Field(
        {},
        description="what the platform signs with, several at once while it changes: PUB_KEY_ID_…=PEM,SERIAL=PEM, each "
        "PEM a public key or certificate, or the path of its file",
    )
    pay_merchants: str = Field(
        "", description="the path of a TOML file with the merchants of further charities, for `charity merchant`"
    )
    pay_partner_mch_id: str = Field(
        "",
        description="which of these merchants is the partner (服务商) that signs for sellers' sub-merchants (`seller "
        "merchant`); empty: orders are reservations",
    )
    pay_freeze_days: int = Field(
        30,
        ge=1,
        le=180,
        description="for how many days WeChat Pay keeps the money of an order frozen, by the partner's agreement; what "
        "may end later, as a harvest that is far off, is a reservation",
    )
    goods_round: GoodsRound = Field(
        GoodsRound.ON,
        description="`on`: goods are shared by the published rule of docs/rounds.md; `off`: first come, first served",
    )
    registry_url: str = Field(
        "", description="where the authorities' registry is asked; empty: what `import-registry` loaded is looked up"
    )
    registry_token: SecretStr = Field(SecretStr(""), description="the bearer token of that registry")
    speech_url: str = Field(
        "",
        description="the server that turns voices into words, up to its `/v1/audio/transcriptions`; empty: voices are "
        "not listened to",
    )
    speech_key: SecretStr = Field(SecretStr(""), description="the bearer key of that server")
    speech_model: str = Field("sensevoice", description="what that server calls the model that is to hear")
    speech_name: str = Field(
        "",
        max_length=60,
        description="what people are told the recogniser is called when asked for consent; empty: its host",
    )
    media_dir: str = Field("var/demo/media", description="where photos are kept, unless S3_URL names a bucket")
    export_dir: str = Field(
        "",
        description="where `export-ledger` puts the public ledger, unless S3_URL names a bucket; /ledger hands it out "
        "then",
    )
    s3_url: str = Field(
        "",
        description="the S3-compatible bucket for photos and the public ledger, `https://server/bucket?region=NAME`; "
        "empty: they lie in folders",
    )
    s3_access_key_id: SecretStr = Field(SecretStr(""), description="who the bot is at that server")
    s3_secret_access_key: SecretStr = Field(SecretStr(""), description="the secret that belongs to it")

    @property
    def is_production(self) -> bool:
        if self.bangfu_env is not Environment.AUTO:
            return self.bangfu_env is Environment.PRODUCTION
        here = urlsplit(self.public_url).hostname in {"127.0.0.1", "localhost", "::1"}
        return not (here and self.has_own_database and self.wechat_app_id == SAMPLE_APP_ID)

    @property
    def collects(self) -> bool:
        """Tell whether money is collected: only what was paid counts then."""
        return self.pay_mode is PayMode.ON

    @property
    def sells(self) -> bool:
        """Tell whether orders can be paid to sellers that have a sub-merchant of their own."""
        return self.collects and bool(self.pay_partner_mch_id)

    @property
    def frozen_for(self) -> timedelta:
        """Return how long the money of an order stays frozen; nothing where no order is paid online."""
        return timedelta(days=self.pay_freeze_days) if self.sells else timedelta(0)

    @property
    def shares_fairly(self) -> bool:
        """Tell whether goods are shared by the rule of fair rounds; else who asked first gets them first."""
        return self.goods_round is GoodsRound.ON

    @property
    def has_own_database(self) -> bool:
        """Whether the database is the demo's own: a socket in DEMO_DIR, where no other server listens."""
        return self.database_url == own_database_url()

    @property
    def recogniser(self) -> str:
        """The name by which people consent to the recogniser; empty where voices are not listened to."""
        return (self.speech_name.strip() or urlsplit(self.speech_url).hostname or "") if self.speech_url else ""

    @property
    def bucket(self) -> BucketAddress | None:
        """The bucket that holds photos and the public ledger; None: they lie in folders."""
        return read_bucket(self)

    @model_validator(mode="after")
    def fit_together(self) -> "Settings":
        """Check the settings against each other. Raises ValueError with a line for each fault."""
        wrong = [*self._samples(), *self._registry(), *self._speech(), *self._payments(), *self._long_term()]
        if wrong := [*wrong, *bucket_faults(self)]:
            raise ValueError("\n".join(wrong))
        return self

    def _samples(self) -> Iterator[str]:
        wrong = []
        for name in SECRETS:
            value, sample = _bare(getattr(self, name)), _bare(type(self).model_fields[name].default)
            if not value.strip() or sample in value:
                wrong.append(name.upper())
        if self.wechat_aes_key_previous.get_secret_value() == SAMPLE_AES_KEY:
            wrong.append("WECHAT_AES_KEY_PREVIOUS")
        if self.is_production and wrong:
            yield f"production needs secrets of its own; missing or still the sample: {', '.join(wrong)}"
        elif self.is_production:
            yield from weaknesses(self)

    def _registry(self) -> Iterator[str]:
        """Demand https and a token in production: names and ID numbers are sent to the registry."""
        if self.is_production and self.registry_url:
            if not self.registry_url.startswith("https://"):
                yield "production needs a REGISTRY_URL that begins with https://"
            if not self.registry_token.get_secret_value().strip():
                yield "production needs the REGISTRY_TOKEN that belongs to REGISTRY_URL"

    def _speech(self) -> Iterator[str]:
        """Demand https and a key in production: people's voices are sent to the recogniser."""
        if self.speech_url and not (urlsplit(self.speech_url).scheme in {"http", "https"} and self.recogniser):
            yield "SPEECH_URL is the address of a server, as in https://speech.example.cn"
        if self.is_production and self.speech_url:
            if not self.speech_url.startswith("https://"):
                yield "production needs a SPEECH_URL that begins with https://"
            if not self.speech_key.get_secret_value().strip():
                yield "production needs the SPEECH_KEY that belongs to SPEECH_URL"

    @property
    def merchants(self) -> tuple[PayValues, ...]:
        """The merchants of WeChat Pay: that of the PAY_ settings, and those of the file. Raises ValueError."""
        first = PayValues(
            mch_id=self.pay_mch_id,
            serial=self.pay_serial,
            private_key=self.pay_private_key.get_secret_value(),
            api_v3_key=self.pay_api_v3_key.get_secret_value(),
            public_keys=self.pay_public_keys,
            api_url=self.pay_api_url,
            public_url=self.public_url,
        )
        others = read_merchants(self.pay_merchants, self.pay_api_url, self.public_url) if self.pay_merchants else ()
        return (first, *others)

    @property
    def partner(self) -> PayValues | None:
        """The merchant that signs for sellers' sub-merchants; None: none of them does. Raises ValueError."""
        return next((each for each in self.merchants if each.mch_id == self.pay_partner_mch_id), None)

    def _payments(self) -> Iterator[str]:
        if not self.collects:
            return
        try:
            first, *others = self.merchants
        except ValueError as error:
            yield f"PAY_MERCHANTS: {error}"
            return
        for fault in faults(first, self.is_production):
            yield f"PAY_MODE=on cannot take money: {fault}"
        for number, other in enumerate(others, 1):
            for fault in faults(other, self.is_production):
                yield f"PAY_MERCHANTS, merchant {number}, as {fault}"
        if len({each.mch_id for each in (first, *others)}) <= len(others):
            yield "PAY_MERCHANTS: each merchant's number stands once, and not that of PAY_MCH_ID"
        if self.sells and self.partner is None:
            yield "PAY_PARTNER_MCH_ID: it is the number of one of the merchants whose keys are given"

    def _long_term(self) -> Iterator[str]:
        if strange := self.wechat_long_term - {*self.wechat_subscriptions}:
            yield f"WECHAT_LONG_TERM names what WECHAT_SUBSCRIPTIONS does not: {', '.join(sorted(strange))}"

    @field_validator("database_url")
    @classmethod
    def name_a_postgresql(cls, value: str) -> str:
        """Demand a PostgreSQL URL. Raises ValueError in our own words: others could quote a password."""
        try:
            address = urlsplit(value)
            fits = not value or (address.scheme in {"postgresql", "postgresql+psycopg"} and (address.port or 1) > 0)
        except ValueError:
            fits = False
        if not fits:
            raise ValueError("a PostgreSQL is needed, as in postgresql://user:password@host:5432/name")
        return value or own_database_url()

    @field_validator("data_keys")
    @classmethod
    def know_the_data_keys(cls, value: SecretStr) -> SecretStr:
        """Check each data key. Raises ValueError with words that name the setting, as b64decode's do not."""
        for key in value.get_secret_value().split(","):
            try:
                fits = not key.strip() or len(b64decode(key.strip(), validate=True)) == KEY_BYTES
            except ValueError:
                fits = False
            if not fits:
                raise ValueError("each of DATA_KEYS is 32 bytes in base64, as from: openssl rand -base64 32")
        return value


def read_settings() -> Settings:
    """Read the settings at a program's start; faults end it, with a line on standard error for each."""
    try:
        return Settings()
    except ValidationError as error:
        raise SystemExit("\n".join(_lines(error))) from None


def _lines(error: ValidationError) -> Iterator[str]:
    """Yield a line for each fault, with the setting's name and never its value."""
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        words = fault["msg"].removeprefix("Value error, ")
        name = "".join(str(part).upper() for part in fault["loc"][:1])
        yield from (f"{name}: {line}" if name else line for line in words.splitlines())
