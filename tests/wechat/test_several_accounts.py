"""Two official accounts on one database: each program answers, sends and fetches for its own people alone."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session as Database

from bot.menus.render import NoMenus, menus_of
from bot.photos.store import owed_photos
from bot.proxy import card_codes
from bot.words.lexicon import load_lexicon
from bot.work.context import WorkerContext
from bot.work.schedule import SCHEDULE
from bot.work.scheduler import Scheduler
from config.settings import ROOT
from models.appeals.appeal import Appeal
from models.appeals.review import approve
from models.core.database import connect
from models.notifications.notify import notify
from models.notifications.outbox import claim_due, due_ids
from models.organisations.charity import NoCharity, find_charity
from models.people.conversation import Conversation
from models.people.photo import Photo, add_draft_photo
from models.people.user import User
from models.proxy.card import issue_card
from models.public.appeal_code import is_owed, owed_codes
from models.public.follow_up import FollowUp, address_follow_up, ask_for_poster, owed_posters
from models.speech.hearing import claim_voice, owed_voices
from models.speech.voice import keep_voice
from models.staff.member import Staff
from models.staff.task import Task, find_task
from tests.harness.command_line import run
from tests.harness.platform import wechat
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.money.charities import LONGHUI, NATIONAL
from tests.scenes.pages import agreed
from tests.scenes.seat import SEAT

OTHER = "gh_other0000001"
OTHER_SECRETS = {"app_id": "wx00000000000other", "token": "0f7e2d5c9b8a4163", "aes_key": "k3Jx" * 10 + "a2A"}
ROLES = {"endorse": "village", "sample": "township", "county": "county", "file": "fund_holder"}
AUNT, UNCLE = "oAunt", "oUncle"


class OtherStage(Stage):
    """The programs of the second account."""

    shares_bots = False

    def _open(self) -> None:
        secrets = {f"wechat_{name}": SecretStr(value) for name, value in OTHER_SECRETS.items() if name != "app_id"}
        changes = {"wechat_account": OTHER, "wechat_app_id": OTHER_SECRETS["app_id"], **secrets}
        self.settings = self.settings.model_copy(update=changes)
        self.wechat = wechat.WeChat(**OTHER_SECRETS)  # type: ignore[arg-type]
        super()._open()

    def say(self, openid: str, words: str) -> str:
        status, reply = self.deliver(wechat.text(words, openid, ToUserName=OTHER))
        assert status == 200
        return reply


@dataclass
class Two:
    """The bots of both accounts, and a connection as the worker of each has it."""

    here: Stage
    there: OtherStage
    ours: Engine
    theirs: Engine

    def each(self, ask: Callable[[Database], list[int]]) -> tuple[list[int], list[int]]:
        """What the worker of each account finds."""
        with Database(self.ours) as db:
            found = ask(db)
        with Database(self.theirs) as db:
            return found, ask(db)


@pytest.fixture
def two(database_url: str) -> Iterator[Two]:
    here, there = Stage(database_url, fresh=False), OtherStage(database_url)
    here.reopen(wechat_account=wechat.ACCOUNT)
    engines = connect(database_url, account=wechat.ACCOUNT), connect(database_url, account=OTHER)
    yield Two(here, there, *engines)
    for engine in engines:
        engine.dispose()
    there.close()
    here.close()


def people(two: Two) -> tuple[int, int]:
    """The conversations of somebody at each account."""
    two.here.say(AUNT, "你好")
    two.there.say(UNCLE, "你好")
    return two.here.person(AUNT), two.there.person(UNCLE)


def task_of(stage: Stage, number: int) -> Task:
    with Database(stage.database) as db:
        found = find_task(db, "appeal", number)
        assert found is not None
        return found


def passed(stage: Stage, officer: int, number: int) -> str:
    """Where the appeal stands after this officer has passed it."""
    with Database(stage.database) as db, db.begin():
        return approve(db, db.get_one(Staff, officer), number, stage.clock()).state


def moved(two: Two, openid: str) -> None:
    """This person of the stage writes to the other account."""
    with Database(two.here.database) as db, db.begin():
        db.execute(update(Conversation).where(Conversation.openid == openid).values(account=OTHER))


def test_each_takes_only_what_is_to_itself(two: Two) -> None:
    assert two.here.deliver(wechat.text("你好", AUNT))[0] == 200
    assert two.here.deliver(wechat.text("你好", AUNT, ToUserName=OTHER))[0] == 403
    assert two.there.deliver(wechat.text("你好", UNCLE))[0] == 403
    assert two.there.deliver(wechat.text("你好", UNCLE, ToUserName=OTHER))[0] == 200
    two.there.wechat = two.here.wechat  # the secrets of the one open nothing of the other
    assert two.there.deliver(wechat.text("你好", UNCLE, ToUserName=OTHER))[0] == 403


def test_who_writes_to_both_is_two_people(two: Two) -> None:
    for words in ("注册", "同意", "2", "李老师", "确认"):
        two.here.say(AUNT, words)
    two.there.say(AUNT, "注册")
    with Database(two.here.database) as db:
        found = db.execute(select(Conversation.account, Conversation.user_id).order_by(Conversation.id)).all()
        assert [account for account, _ in found] == [wechat.ACCOUNT, OTHER]
        assert [user is not None for _, user in found] == [True, False]
        assert db.scalar(select(func.count()).select_from(User)) == 1


def test_each_sends_to_its_own_people(two: Two) -> None:
    both, now = people(two), two.here.clock()
    with Database(two.here.database) as db, db.begin():
        for number, person in enumerate(both):
            facts = {"number": number, "title": "买羊", "state": "village_review"}
            notify(db, person, "appeal_moved", facts, f"test:{number}", now)
    owed = two.each(lambda db: due_ids(db, "push", now, 10))
    assert [len(ids) for ids in owed] == [1, 1]
    claimed = two.each(lambda db: [one.conversation_id for one in claim_due(db, [*owed[0], *owed[1]], now)])
    assert claimed == ([both[0]], [both[1]])


def test_the_scheduler_of_each_looks_after_its_own_people_however_often_the_other_is_first(
    two: Two, redis_flushed: str
) -> None:
    """Each account has a Redis of its own: what the other's scheduler puts into it, our workers never see."""
    both, now = people(two), two.here.clock()
    with Database(two.here.database) as db, db.begin():
        for number, person in enumerate(both):
            facts = {"number": number, "title": "买羊", "state": "village_review"}
            notify(db, person, "appeal_moved", facts, f"test:{number}", now)
    waiting = []
    for base, stage in enumerate((two.here, two.there), 3):
        redis = f"{redis_flushed.partition('?')[0]}?db={base}"
        context = WorkerContext(stage.settings.model_copy(update={"redis_url": redis}), stage.clock)
        context.jobs.redis.flushdb()
        scheduler = Scheduler(context, redis, {name: SCHEDULE[name] for name in ("outbox", "deadlines")})
        done = scheduler.tick(now)
        assert scheduler.tick(now) == []
        waiting.append((done, context.jobs.queues["push"].count))
        context.jobs.redis.flushdb()
        scheduler.close()
        context.close()
    assert waiting == [(["outbox", "deadlines"], 1), (["outbox"], 1)]


def test_each_fetches_what_was_sent_to_it(two: Two) -> None:
    both, now = people(two), two.here.clock()
    later = now + timedelta(minutes=10)
    voices = []
    for engine, person in zip((two.ours, two.theirs), both, strict=True):
        with Database(engine) as db, db.begin():
            add_draft_photo(db, person, {"media_id": f"m{person}", "pic_url": ""}, now)
            voice = keep_voice(db, person, f"v{person}", "{}", now, consented=True)
            assert voice
            db.flush()
            voices.append(voice.id)
    with Database(two.here.database) as db:
        photos = db.scalars(select(Photo.id).order_by(Photo.id)).all()
        assert db.scalars(select(Photo.account).order_by(Photo.id)).all() == [wechat.ACCOUNT, OTHER]
        assert owed_photos(db.connection(), later, 10) == photos  # a program that serves every account
    assert two.each(lambda db: owed_photos(db.connection(), later, 10)) == ([photos[0]], [photos[1]])
    assert two.each(lambda db: owed_voices(db.connection(), later, 10)) == ([voices[0]], [voices[1]])
    assert two.each(lambda db: [each for each in voices if claim_voice(db, each, now)]) == ([voices[0]], [voices[1]])


def test_a_code_leads_to_the_account_of_whose_it_is(two: Two) -> None:
    stage, now = two.here, two.here.clock()
    appeals = [agreed(stage, stage.open_appeal()) for _ in range(2)]
    officers = [stage.appoint(f"o-zhou-{serial}", "village") for serial in range(2)]
    cards = []
    with Database(stage.database) as db, db.begin():
        for officer in officers:
            user = db.get_one(User, db.get_one(Appeal, appeals[0]).owner_id)
            cards.append(issue_card(db, user, db.get_one(Staff, officer), now).id)
        db.get_one(Staff, officers[1]).account = OTHER
    moved(two, "o-owner-1")
    later = now + timedelta(hours=1)
    assert two.each(lambda db: [*owed_codes(db, now, 10)]) == ([appeals[0]], [appeals[1]])
    assert two.each(lambda db: [each for each in appeals if is_owed(db, each, now)]) == ([appeals[0]], [appeals[1]])
    assert two.each(lambda db: [*card_codes.owed_codes(db, later, 10)]) == ([], [cards[1]])


def test_a_poster_goes_to_who_asked_for_it_by_their_own_account(two: Two) -> None:
    both, now = people(two), two.here.clock()
    appeal = agreed(two.here, two.here.open_appeal())
    with Database(two.here.database) as db, db.begin():
        posters = [ask_for_poster(db, appeal, person, now) for person in both]
    later = now + timedelta(minutes=3)
    assert two.each(lambda db: [*owed_posters(db, later, 10)]) == ([posters[0]], [posters[1]])
    assert two.each(lambda db: [each for each in posters if address_follow_up(db, each, now)]) == (
        [posters[0]],
        [posters[1]],
    )
    with Database(two.here.database) as db:
        assert set(db.scalars(select(FollowUp.state))) == {"owed"}


def test_a_page_opens_for_the_person_of_its_account(two: Two) -> None:
    appeal = two.here.open_appeal()
    link = next(word for word in two.here.say("o-owner-0", f"网页 {appeal}").split() if "/preview/" in word)
    assert two.here.browse("o-owner-0", urlsplit(link).path).status_code == 200
    assert two.there.browse("o-owner-0", urlsplit(link).path).status_code == 302  # to WeChat, which says who comes


def test_a_charity_of_one_account_collects_for_its_people_before_all_others(two: Two) -> None:
    stage = two.here
    assert run(stage.app, "charity", "account", str(NATIONAL), "gh_").exit_code == 1
    assert run(stage.app, "charity", "account", str(NATIONAL), OTHER).exit_code == 0
    with Database(stage.database) as db:
        assert find_charity(db, DAOXIAN_MEIHUA, wechat.ACCOUNT) is None
        found = find_charity(db, DAOXIAN_MEIHUA, OTHER)
        nearer = find_charity(db, "430524103000", OTHER), find_charity(db, "430524103000", wechat.ACCOUNT)
        assert (found and found.id, [each and each.id for each in nearer]) == (NATIONAL, [NATIONAL, LONGHUI])
    assert f"for the people of {OTHER} alone" in run(stage.app, "charity", "list").output
    assert run(stage.app, "charity", "account", str(NATIONAL), "all").exit_code == 0
    with Database(stage.database) as db:
        assert find_charity(db, DAOXIAN_MEIHUA, wechat.ACCOUNT)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_is_begun_at_an_account_is_filed_by_its_own_charity(two: Two, elsewhere: bool) -> None:
    stage = two.here
    run(stage.app, "charity", "account", str(NATIONAL), OTHER)
    officers = {step: stage.appoint(f"o-{step}", role, SEAT[role], f"N-{step}") for step, role in ROLES.items()}
    stage.register("o-wang", "resident")
    number = stage.ask("o-wang", "crowdfund")
    if elsewhere:
        moved(two, "o-wang")
    while (task := task_of(stage, number)).step != "file":
        passed(stage, officers[task.step], number)
    assert task.charity_id == (NATIONAL if elsewhere else None)
    if elsewhere:
        assert passed(stage, officers["file"], number) == "funding"
    else:
        with pytest.raises(NoCharity):
            passed(stage, officers["file"], number)


def test_an_account_has_menus_of_its_own(tmp_path: Path) -> None:
    lexicon = load_lexicon()
    ours = menus_of(lexicon)
    text = (ROOT / "templates" / "menu" / "default.json").read_text(encoding="utf-8")
    name = str(ours["default"]["button"][0]["name"])
    (tmp_path / "default.json").write_text(text.replace(name, "县里的事", 1), encoding="utf-8")
    own = menus_of(lexicon, str(tmp_path))
    assert own["default"]["button"][0]["name"] == "县里的事"
    assert {name: own[name] for name in own if name != "default"} == {
        name: ours[name] for name in ours if name != "default"
    }
    shutil.rmtree(tmp_path)
    with pytest.raises(NoMenus, match="WECHAT_MENUS"):
        menus_of(lexicon, str(tmp_path))
