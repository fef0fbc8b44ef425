"""A whole bot behind its real door, and the people who write to it: what transcripts and turn tests stand on."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.orm import Session as Database
from sqlalchemy.pool import QueuePool
from stdnum.cn import ric
from werkzeug.test import TestResponse

from bot.app import create_app, links_of
from bot.books.sealing import seal_all
from bot.log import configure_logging
from bot.pay.demo_keys import settings_in
from bot.places.load import DEMO_VILLAGES, DIVISIONS, load_regions, read_regions
from bot.turn import Turns
from config.settings import Environment, Mode, Settings
from flows.engine.flow import Say
from models.appeals.appeal import MACHINE, Appeal
from models.appeals.case_outcome import open_endorsements
from models.appeals.publication import publish
from models.appeals.submission import NewAppeal, submit
from models.core.database import connect
from models.core.encryption import Keyring, keyring, use_keyring
from models.core.state_machine import SYSTEM, Actor, By
from models.goods.household import open_reviews
from models.people.conversation import Conversation
from models.people.photo import attach_photos
from models.people.user import Registration, User, register
from models.places.region import LEVELS
from models.staff.member import Staff
from models.staff.task import close_task
from models.verification.case import MACHINE as CASES
from models.verification.case import VALIDITY, Verification, begin_case
from models.verification.lifecycle import cases_for_registry, registry_answered
from models.verification.registry import Finding
from tests.harness.platform import wechat
from tests.scenes.money.charities import charity_of_seat

DAOXIAN_MEIHUA = "431124101000"


def id_number(serial: int) -> str:
    """Valid by checksum, born in 1901, of nobody; serials 3 to 999 (transcripts type the first two)."""
    digits = f"43112419010101{serial:03}"
    return digits + str(ric.calc_check_digit(digits + "0"))


def numbered(conversation: int) -> str:
    """The number of whoever writes from this conversation; nobody's on the stage else."""
    return id_number(900 + conversation % 100)


def officers_number(openid: str) -> str:
    """The number of the officer who writes from this WeChat, born from 1905 on; nobody's else."""
    days, serial = divmod(crc32(openid.encode()) % 10_000_000, 1_000)
    digits = f"431124{date(1905, 1, 1) + timedelta(days):%Y%m%d}{serial:03}"
    return digits + str(ric.calc_check_digit(digits + "0"))


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 24, 2, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


def settings_for(database_url: str, redis_url: str = "redis://127.0.0.1:1/0", mode: Mode = Mode.SAFE) -> Settings:
    return Settings(
        bangfu_env=Environment.DEMO, database_url=database_url, redis_url=redis_url, wechat_mode=mode, _env_file=None
    )


class Compiled(BytecodeCache):
    """Templates as Python, for every application of this process: compiling them takes seconds."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._code.get(f"{bucket.key} {bucket.checksum}"):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[f"{bucket.key} {bucket.checksum}"] = bucket.bytecode_to_string()


_compiled = Compiled()


class Bot:
    """An application that stages use one after another: to make one takes ten times as long as to give it a turn.

    What it knows of its stage goes through here: the clock and who listens to its words.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stage: Stage | None = None
        self.app = create_app(settings, clock=self._now)
        renderer = self.turns.renderer
        renderer.env.bytecode_cache = _compiled
        self._render = renderer.render
        renderer.render = self._listen  # type: ignore[method-assign, assignment]

    @property
    def turns(self) -> Turns:
        turns: Turns = self.app.extensions["bangfu"]["turns"]
        return turns

    def enter(self, stage: "Stage") -> None:
        """As if it had been made for this stage: what making one sets for the whole process is set again."""
        self.stage = stage
        configure_logging(json=self.settings.is_production)
        use_keyring(Keyring.parse(self.settings.data_keys.get_secret_value()))
        self.app.extensions["bangfu"]["kept_pages"].clear()

    def leave(self) -> None:
        self.stage = None

    def close(self) -> None:
        """A request whose caller has hung up may still be at work: the connection that it holds would stay open."""
        pool, end = self.turns.database.pool, time.monotonic() + 30
        assert isinstance(pool, QueuePool)
        while pool.checkedout() and time.monotonic() < end:
            time.sleep(0.01)
        self.turns.database.dispose()

    def _now(self) -> datetime:
        assert self.stage is not None, "a bot is asked for the time when its stage is closed"
        return self.stage.clock()

    def _listen(self, says: Sequence[Say]) -> str:
        words = self._render(says)
        if self.stage:
            self.stage.keep_words(says)
        return words


# Those that no stage uses, the newest last: tests want the same few settings again and again.
_idle: list[Bot] = []
_MOST_IDLE = 6
# Of databases that tests had before: to a new connection everything is new, every table and every plan.
_engines: dict[tuple[str, bool], Engine] = {}


def bot_for(settings: Settings) -> Bot:
    known = next((bot for bot in reversed(_idle) if bot.settings == settings), None)
    if known:
        _idle.remove(known)
    return known or Bot(settings)


def engine_for(settings: Settings) -> Engine:
    """An engine of one's own to listen to, with connections that others have used."""
    url, collects = settings.database_url, settings.collects
    if (url, collects) not in _engines:
        _engines[url, collects] = connect(url, collects=collects)
    return _engines[url, collects].execution_options()


def forget(url: str) -> None:
    """Close what is connected to a database that is dropped."""
    for bot in [bot for bot in _idle if bot.settings.database_url == url]:
        _idle.remove(bot)
        bot.close()
    for key in [key for key in _engines if key[0] == url]:
        _engines.pop(key).dispose()


class Stage:
    """``said`` is what the last turn rendered, as ``flow/step:macro``; echoes and review lines are left out."""

    shares_bots = True

    def __init__(
        self,
        database_url: str,
        *,
        redis_url: str = "redis://127.0.0.1:1/0",
        mode: Mode = Mode.SAFE,
        fresh: bool = False,
    ) -> None:
        self.settings = settings_for(database_url, redis_url, mode)
        self.wechat = wechat.WeChat(mode=mode)
        self.clock = Clock()
        self.fresh = fresh
        self.said: list[str] = []
        self.turns_taken = 0
        self._open()
        self.database = engine_for(self.settings)

    def _open(self) -> None:
        self._shared = self.shares_bots and not self.fresh
        self._bot = bot_for(self.settings) if self._shared else Bot(self.settings)
        self._bot.enter(self)
        self.app: Flask = self._bot.app
        self.client: FlaskClient = self.app.test_client()

    def _leave(self) -> None:
        if self._bot.stage is not self:
            return
        self._bot.leave()
        if not self._shared:
            self._bot.close()
            return
        _idle.append(self._bot)
        while len(_idle) > _MOST_IDLE:
            _idle.pop(0).close()

    def reopen(self, **changes: Any) -> None:
        """Another program, with these changes of its settings."""
        self._leave()
        self.settings = self.settings.model_copy(update=changes)
        self._open()

    def keep_words(self, says: Sequence[Say]) -> None:
        self.said = [name for say in says if (name := name_of(say))]
        self.turns_taken += 1

    def close(self) -> None:
        self._leave()

    def collect(self) -> None:
        """From now on with PAY_MODE=on."""
        from tests.harness.money.merchant import key_folder

        given: dict[str, Any] = {name.lower(): value for name, value in settings_in(key_folder()).items()}
        for name in ("bangfu_env", "database_url", "redis_url", "wechat_mode"):
            given[name] = getattr(self.settings, name)
        self.close()
        self.settings = Settings(**given, _env_file=None)
        self._open()
        self.database = engine_for(self.settings)

    # WeChat's side

    def deliver(self, xml: str) -> tuple[int, str]:
        """One delivery through the door: the status and what the person sees."""
        if self.fresh:
            self._leave()
            self._open()
        query, body = self.wechat.deliver(xml)
        response = self.client.post("/wechat", query_string=query, data=body)
        reply = self.wechat.read_text(response.data) if response.status_code == 200 else ""
        return response.status_code, reply

    def say(self, openid: str, words: str) -> str:
        status, reply = self.deliver(wechat.text(words, openid))
        assert status == 200
        return reply

    def browse(self, openid: str, address: str) -> TestResponse:
        """Open one of the bot's pages in the browser of this person, whom WeChat has identified."""
        self.client.set_cookie("bangfu_visitor", self.visitor_cookie(openid))
        return self.client.get(urlsplit(address).path)

    def visitor_cookie(self, openid: str) -> str:
        """What the cookie ``bangfu_visitor`` holds once WeChat has identified this person."""
        return links_of(self.settings, self.clock).sign("visitor", self.person(openid))

    def seal(self) -> int:
        """What the sealer beside the scheduler does within two seconds. Returns how many rows waited."""
        return seal_all(self.database)

    # Setting the scene, past the door

    def person(self, openid: str) -> int:
        """The conversation's row number, made when there is none."""
        with Database(self.database) as db, db.begin():
            found = db.scalar(select(Conversation.id).where(Conversation.openid == openid))
            if found:
                return found
            now = self.clock()
            values = {"account": wechat.ACCOUNT, "openid": openid, "session": "", "created_at": now}
            return db.execute(
                insert(Conversation).values(**values, touched_at=now).returning(Conversation.id)
            ).scalar_one()

    def register(self, openid: str, role: str, region: str = DAOXIAN_MEIHUA, *, verified: bool = True) -> int:
        """Residents are verified, unless a test is about how they come to be."""
        conversation = self.person(openid)
        with Database(self.database) as db, db.begin():
            identity: dict[str, Any] = {"display_name": "李老师"}
            if role == "resident":
                taken = len(db.scalars(select(User.id)).all())
                identity = {
                    "name": "王秀兰",
                    "id_number": id_number(taken + 3),
                    "phone": "13800000000",
                    "region_code": region,
                }
            wanted = Registration(draft_id=f"stage-{openid}", role=role, consents=("account",), **identity)
            user = register(db, wanted, self.clock())
            db.execute(update(Conversation).where(Conversation.id == conversation).values(user_id=user.id))
            if role == "resident":
                case = begin_case(db, user, Actor(By.OWNER, f"user:{user.id}"), self.clock())
                if verified:
                    self._verify(db, case)
            return user.id

    def registry_answers(self, result: str, status: str | None = None) -> None:
        """What the registry says to every case that waits for it."""
        now = self.clock()
        with Database(self.database) as db, db.begin():
            known = result in ("match", "name_mismatch")
            finding = Finding(result, status, "county" if known else None, now.date() if known else None)
            for number in cases_for_registry(db, now):
                registry_answered(db, number, finding, now)

    def verify_all(self) -> None:
        """Everybody whose case waits for the registry is verified in a moment, and what they asked for goes on."""
        with Database(self.database) as db, db.begin():
            for case in db.scalars(select(Verification).where(Verification.state == "submitted")).all():
                self._verify(db, case)
                open_endorsements(db, case.household_id, self.clock())
                open_reviews(db, case.household_id, self.clock())

    def _verify(self, db: Database, case: Verification) -> None:
        """The whole way in a moment, by nobody who would stand in a queue."""
        now = self.clock()
        for by, state in (
            (SYSTEM, "registry_checked"),
            (Actor(By.VILLAGE, "staff:0"), "visited"),
            (SYSTEM, "public_notice"),
            (SYSTEM, "township_review"),
            (SYSTEM, "county_review"),
        ):
            CASES.move(db, case, state, by, now)
        case.registry_result, case.registry_next_at = "match", None
        case.decided_at, case.expires_at = now, now + VALIDITY
        CASES.move(db, case, "verified", Actor(By.COUNTY, "staff:0"), now)
        db.flush()

    def appoint(
        self,
        openid: str,
        role: str,
        region: str = DAOXIAN_MEIHUA,
        work_no: str | None = None,
        *,
        identified: bool = True,
    ) -> int:
        """``identified``: with an ID number, without which the command line made seats until 0.3."""
        self.person(openid)
        number = officers_number(openid) if identified else None
        with Database(self.database) as db, db.begin():
            staff = Staff(
                work_no=work_no or f"N{openid[-6:]}{role[:2]}",
                account=wechat.ACCOUNT,
                openid=openid,
                role=role,
                region_code=region,
                charity_id=charity_of_seat(role, region),
                name="周建国",
                id_number=number,
                id_hash=keyring().lookup_hashes(number, "id_number")[0] if number else None,
                active_from=self.clock(),
            )
            db.add(staff)
            db.flush()
            return staff.id

    def ask(self, openid: str, kind: str = "one_to_one", category: str = "industry") -> int:
        """What a registered resident has handed in a moment ago, with a picture."""
        conversation, now = self.person(openid), self.clock()
        with Database(self.database) as db, db.begin():
            owner = db.get_one(User, db.get_one(Conversation, conversation).user_id)
            fen = 30_000_000 if kind == "crowdfund" else 300_000
            wanted = NewAppeal(
                draft_id=f"stage-{openid}-{category}-{len(db.scalars(select(Appeal.id)).all())}",
                kind=kind,
                category=category,
                title="买台缝纫机做衣服",
                story="我们家三口人，老伴身体不好，儿子在外打工。我会做衣服，想买一台缝纫机在家里接活，补贴家用，供孙子上学。",
                region_code=owner.region_code or "",
                target_fen=fen,
                deadline=datetime(2027, 1, 24, 15, 59, 59, tzinfo=UTC),
                budget=(("缝纫机", fen),),
            )
            appeal = submit(db, wanted, owner, now)
            picture = {"media_id": f"stage-{appeal.id}", "pic_url": f"http://127.0.0.1/s{appeal.id}.jpg"}
            attach_photos(db, "appeal", appeal.id, conversation, [picture], now)
            return appeal.id

    def open_appeal(
        self,
        kind: str = "one_to_one",
        target_fen: int = 500_000,
        days: float = 60,
        minimum_fen: int | None = None,
        region: str = DAOXIAN_MEIHUA,
    ) -> int:
        """A published appeal by a household of its own, endorsed by an officer of its own."""
        serial = self._count(Appeal)
        owner_id = self.register(f"o-owner-{serial}", "resident", region)
        officer_id = self.appoint(f"o-officer-{serial}", "village", region)
        now = self.clock()
        with Database(self.database) as db, db.begin():
            owner = db.get_one(User, owner_id)
            wanted = NewAppeal(
                draft_id=f"stage-appeal-{serial}",
                kind=kind,
                category="industry",
                title="苗寨修路",
                story="从寨子到镇上只有一条土路，下雨天孩子上学、橘子下山都难。我们想修一条水泥路。" * 2,
                region_code=region,
                target_fen=target_fen,
                deadline=now + timedelta(days=days),
                budget=(("水泥", target_fen),),
                minimum_fen=minimum_fen,
            )
            appeal = submit(db, wanted, owner, now)
            officer = Actor(By.VILLAGE, f"staff:{officer_id}")
            close_task(db, "appeal", appeal.id, now)
            MACHINE.move(db, appeal, "village_review", officer, now)
            MACHINE.move(db, appeal, "endorsed", officer, now)
            appeal.endorsed_by, appeal.endorsed_at = officer_id, now
            if kind == "crowdfund":
                MACHINE.move(db, appeal, "county_review", Actor(By.COUNTY, "staff:0"), now)
                MACHINE.move(db, appeal, "fund_holder_filed", Actor(By.FUND_HOLDER, "staff:0"), now)
            publish(db, appeal, now)
            return appeal.id

    def _count(self, table: Any) -> int:
        with Database(self.database) as db:
            return len(db.scalars(select(table.id)).all())


def name_of(say: Say) -> str | None:
    """``start_appeal/title:ask`` (a flow's room is left out), ``replies/routing/menu``.

    A review is one name, and echoes have none.
    """
    template = re.sub(r"^flows/\w+/", "", say.template)
    if say.macro in {"echo", "keep_hint"} or (template.endswith("/review") and say.macro == "foot"):
        return None
    if template.endswith("/review"):
        return template
    return f"{template}:{say.macro}" if say.macro else template


def seed_regions(database_url: str) -> None:
    """Load provinces, cities and counties of the country, and townships and villages of two counties of Hunan."""
    database = connect(database_url)
    rows = [*read_regions(DIVISIONS), *read_regions(DEMO_VILLAGES)]
    load_regions(database, [row for row in rows if row[2] in LEVELS[:3] or row[0].startswith(("431124", "430524"))])
    database.dispose()
