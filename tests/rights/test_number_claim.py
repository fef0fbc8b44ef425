"""A claimed ID number is released by two of the county on a picture, and a claim is neither an oracle nor a weapon."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.photos.store import gone_photos
from models.books import violations
from models.core.database import snapshot
from models.core.encryption import keyring
from models.oversight.pictures import NotForYou, open_gallery
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import IdNumberTaken, Registration, User, find_by_id_number, register
from models.proxy.act import NotForProxy, check_newcomer
from models.rights import export
from models.rights.export import find_person
from models.rights.number_claim import KEPT, STEP, NumberClaim
from models.staff.member import Staff
from models.staff.task import Task
from tests.harness.erasing import EVENTS, of, tell_gone
from tests.harness.platform import wechat
from tests.harness.stage import DAOXIAN_MEIHUA, Stage, id_number
from tests.harness.transcript import Actor
from tests.scenes.money.disbursements import pictures_arrive

COUNTY = "431124000000"
TAKEN, FREE = id_number(3), id_number(77)


class County:
    """王秀兰 holds the number; 甲 and 乙 serve in the county."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.actor = Actor(stage)
        self.holder = stage.register("o-wang", "resident")
        self.seats = {name: stage.appoint(f"o-{name}", "county", COUNTY) for name in ("jia", "yi")}

    def say(self, name: str, *words: str) -> str:
        self.actor.openid = f"o-{name}"
        for each in words:
            self.actor._send(each)
        return self.actor.reply

    def claims(self, name: str, number: str = TAKEN) -> str:
        said = self.say(name, "号码被占", "1", number, "永州市道县", "[photo]", "完成", "确认")
        pictures_arrive(self.stage)
        return said

    def passes(self, name: str, number: int = 1) -> str:
        self.say(name, f"看 号码{number}")
        self.actor._open_pictures()
        return self.say(name, f"通过 号码{number}")

    def registers(self, name: str, number: str = TAKEN) -> str:
        """Register as far as the answer to the ID number; whose number is not refused goes on to the end."""
        said = self.say(name, "注册", "1", "1", "1", "王秀兰", number)
        return self.say(name, "13800000001", "梅花镇", "1", "确认") if "手机号" in said else said

    def holder_now(self, number: str = TAKEN) -> int | None:
        with Database(self.stage.database) as db:
            user = find_by_id_number(db, number)
            return user.id if user else None

    def set(self, table: type, number: int, **values: object) -> None:
        with Database(self.stage.database) as db, db.begin():
            db.execute(update(table).where(table.id == number).values(**values))  # type: ignore[attr-defined]


@pytest.fixture
def county(database_url: str) -> Iterator[County]:
    stage = Stage(database_url)
    yield County(stage)
    stage.close()


def test_a_claim_says_the_same_of_a_free_number_and_changes_nothing(county: County) -> None:
    taken, free = county.claims("real"), county.claims("probe", FREE)
    assert taken.replace("号码 1 号", "号码 2 号") == free
    assert of(county.stage, NumberClaim, "region_code") == [COUNTY, COUNTY]
    assert county.holder_now() == county.holder
    # Of a free number nothing is released, and its claimant hears that they can register.
    assert "没有别人登记着" in county.passes("jia", 2)
    assert "退回了" in county.say("jia", "退回 号码2 没有人用")
    assert "直接注册就行" in county.say("probe", "菜单")
    with Database(county.stage.database) as db:
        probe = db.scalars(select(Conversation.id).where(Conversation.openid == "o-real")).one()
        rows = dict(export.export_person(db, find_person(db, probe)))
    # Where it is registered stands in no copy of the claimant's.
    assert rows["number_claims"]["state"] == "submitted"
    assert not {"region_code", "household_id"} & set(rows["number_claims"])


def test_claims_are_limited_with_the_numbers_that_a_person_tries(county: County) -> None:
    assert "记下了" in county.claims("real")
    assert "还在看" in county.say("real", "号码被占")
    county.say("jia", "看 号码1", "退回 号码1 3")
    assert "记下了" in county.claims("real")
    county.say("jia", "看 号码2", "退回 号码2 1")
    assert "30 天里最多交 2 次" in county.say("real", "号码被占")
    # Numbers are counted together with those of the registration: five a day.
    county.say("probe", "号码被占", "1", *(id_number(serial) for serial in (11,)))
    for serial in range(12, 17):
        said = county.say("probe", "重来", "1", "1", id_number(serial))
    assert "为了大家的安全" in said
    assert "还是登记" not in county.say("wang", "我的资料")
    assert "您登记的就有身份证号" in county.say("wang", "号码被占")


def test_nobody_releases_it_alone_unseen_or_with_a_tie(county: County) -> None:
    county.claims("real")
    county.say("jia", "看 号码1")
    assert "还没打开看" in county.say("jia", "通过 号码1")
    assert "号码现在还没动" in county.passes("jia")
    assert "这一步要换一个人看" in county.say("jia", "通过 号码1")
    # The same person in another seat is no second one.
    other = county.stage.appoint("o-jia-2", "county", COUNTY)
    with Database(county.stage.database) as db, db.begin():
        first, again = db.get_one(Staff, county.seats["jia"]), db.get_one(Staff, other)
        again.id_number, again.id_hash = first.id_number, first.id_hash
    county.say("jia-2", "看 号码1", "通过 号码1")
    with Database(county.stage.database) as db:
        household = db.get_one(User, county.holder).household_id
    county.set(Staff, county.seats["yi"], household_id=household)
    assert "或者不归您看" in county.say("yi", "看 号码1")
    assert county.holder_now() == county.holder


def test_who_claims_decides_nothing_on_it_and_reads_nothing_of_the_holder(county: County) -> None:
    assert "记下了" in county.claims("jia")
    assert "或者不归您看" in county.say("jia", "看 号码1")
    assert "号码 1 号您不能办" in county.say("jia", "通过 号码1")
    assert "号码现在还没动" in county.passes("yi")
    # Only they are left: it waits for somebody else.
    assert of(county.stage, Task, "assignee")[-1] is None
    assert "号码 1 号您不能办" in county.say("jia", "通过 号码1")
    # Nor does the officer whose own number it is, from whatever WeChat it is claimed.
    with Database(county.stage.database) as db:
        own = db.get_one(Staff, county.seats["jia"]).id_number
    county.claims("cousin", str(own))
    assert "或者不归您看" in county.say("jia", "看 号码2")


def test_the_picture_is_for_the_county_alone(county: County) -> None:
    county.claims("real")
    now = county.stage.clock()
    seats = [county.stage.appoint(f"o-{role}", role) for role in ("village", "township")]
    seats += [county.stage.appoint("o-holder", "fund_holder", COUNTY)]
    for name in ("village", "township", "holder", "wang", "real"):
        assert "或者不归您看" in county.say(name, "看 号码1")
    with Database(county.stage.database) as db:
        for seat in seats:
            with pytest.raises(NotForYou):
                open_gallery(db, seat, "number_claim", 1, now)
        assert open_gallery(db, county.seats["yi"], "number_claim", 1, now).about is None
    assert "看身份证" not in county.say("wang", "谁看过我")


def test_who_lost_a_number_does_not_claim_it_back(county: County) -> None:
    county.claims("real")
    county.passes("jia")
    assert "两边都告诉了" in county.passes("yi")
    assert county.holder_now() is None
    assert "号码还给了他" in county.say("wang", "菜单")
    assert "县里已经定过的" in county.say("wang", "号码被占")
    # From a WeChat that nobody knows, the county reads that it was given back before.
    county.claims("again")
    county.claims("probe", FREE)
    assert "以前有人要过 1 次，还过 1 次" in county.say("jia", "看 号码2")
    # Of that number alone.
    assert "以前有人要过" not in county.say("jia", "看 号码3")
    county.stage.clock.move(timedelta(days=366))
    assert "18 位" in county.say("wang", "号码被占", "1")
    with snapshot(county.stage.settings.database_url) as connection:
        assert [each.code for each in violations(connection, county.stage.clock())] == []


def test_an_erased_claimant_leaves_no_number_and_no_picture(county: County) -> None:
    county.claims("real")
    tell_gone(county.stage, EVENTS[0], "o-real")
    assert of(county.stage, NumberClaim, "state") == ["withdrawn"]
    assert of(county.stage, NumberClaim, "id_number") == of(county.stage, NumberClaim, "id_hash") == [None]
    assert of(county.stage, Photo, "state") == ["gone"]
    with Database(county.stage.database) as db:
        assert db.scalars(select(Task.id).where(Task.closed_at.is_(None), Task.subject == "number_claim")).all() == []


@pytest.mark.parametrize("seen", [False, True])
def test_who_takes_a_claim_back_leaves_no_number_and_no_picture(county: County, seen: bool) -> None:
    county.claims("real")
    county.set(Photo, 1, path="1.sealed")
    if seen:
        county.passes("jia")
    assert "真的不要了吗" in county.say("real", "号码被占", "1")
    assert "还在看" in county.say("real", "2")
    assert "照片删掉了" in county.say("real", "1", "1")
    assert of(county.stage, NumberClaim, "state") == ["withdrawn"]
    assert of(county.stage, NumberClaim, "id_number") == of(county.stage, NumberClaim, "id_hash") == [None]
    assert of(county.stage, Photo, "state") == ["gone"]
    with Database(county.stage.database) as db:
        assert db.scalars(select(Task.id).where(Task.closed_at.is_(None), Task.subject == "number_claim")).all() == []
    with county.stage.database.connect() as connection:
        assert gone_photos(connection, 10) == [1]
    for name in ("jia", "yi"):
        assert "通过" not in county.say(name, "看 号码1")
    assert county.holder_now() == county.holder


def test_a_donor_reads_what_they_agreed_to_for_the_claim(county: County) -> None:
    county.stage.register("o-real", "donor")
    county.claims("real")
    assert "核对被占的身份证号：" in county.say("real", "我的资料")
    county.say("real", "号码被占", "1", "1")
    assert "收回了" in county.say("real", "我的资料").split("核对被占的身份证号：")[1].split("\n")[0]


def test_a_decided_claim_is_not_taken_back(county: County) -> None:
    county.claims("real")
    county.say("real", "号码被占", "1")
    county.passes("jia")
    county.passes("yi")
    assert "没有在看的号码" in county.say("real", "1")
    assert of(county.stage, NumberClaim, "state") == ["released"]


def test_nothing_is_asked_of_who_does_not_agree(county: County) -> None:
    assert "什么也没有问、没有记" in county.say("real", "号码被占", "2")
    assert "18 位" not in county.say("real", TAKEN)
    assert of(county.stage, NumberClaim, "id") == []


def test_who_has_wechat_erase_them_does_not_begin_anew(county: County) -> None:
    county.claims("real")
    for number in (1, 2):
        fields = {"OpenID": "o-real", "AppID": "wx0000000000sample", "RevokeInfo": str(number)}
        county.stage.deliver(wechat.event(EVENTS[0], "gh_platform", **fields))
        said = county.claims("real") if number == 1 else county.say("real", "号码被占")
    assert "30 天里最多交 2 次" in said
    # Nor does who lost a number.
    county.claims("again")
    county.passes("jia", 3)
    county.passes("yi", 3)
    tell_gone(county.stage, EVENTS[0], "o-wang")
    assert "县里已经定过的" in county.say("wang", "号码被占")


def test_a_claim_that_is_decided_last_shows_what_a_later_one_released(county: County) -> None:
    county.claims("accomplice")
    county.claims("real")
    county.passes("jia", 2)
    assert "两边都告诉了" in county.passes("yi", 2)
    county.stage.register("o-real", "resident")
    county.set(User, 2, id_number=TAKEN, id_hash=keyring().lookup_hashes(TAKEN, "id_number")[0])
    assert "以前有人要过 1 次，还过 1 次" in county.say("jia", "看 号码1")


def test_a_released_number_is_kept_for_who_claimed_it(county: County) -> None:
    county.claims("real")
    county.passes("jia")
    county.passes("yi")
    # Whoever had it hears first: from another WeChat it is refused as a number that is taken.
    assert "已经注册过了" in county.registers("squatter")
    # Nor does an officer register somebody else with it.
    officer, now = county.stage.appoint("o-zhou", "village"), county.stage.clock()
    wanted = Registration("by-proxy", "resident", (), id_number=TAKEN, region_code=DAOXIAN_MEIHUA)
    with Database(county.stage.database) as db, pytest.raises(NotForProxy):
        check_newcomer(db, db.get_one(Staff, officer), TAKEN, now)
    with Database(county.stage.database) as db, pytest.raises(IdNumberTaken):
        register(db, wanted, now)
    told = county.say("real", "消息")
    assert "前别人都用不了它，只给您留着" in told
    assert "注册" in county.registers("real")
    assert county.holder_now() not in (None, county.holder)


def test_a_released_number_that_nobody_comes_for_is_free_after_a_week(county: County) -> None:
    county.claims("real")
    county.passes("jia")
    county.passes("yi")
    county.stage.clock.move(KEPT - timedelta(hours=1))
    assert "已经注册过了" in county.registers("other")
    county.stage.clock.move(timedelta(hours=1))
    assert "手机号" in county.say("other", TAKEN)


def test_a_new_holder_is_judged_by_two_anew(county: County) -> None:
    county.claims("accomplice")
    county.passes("jia")
    tell_gone(county.stage, EVENTS[0], "o-wang")
    county.registers("victim")
    holder = county.holder_now()
    assert "前面看过的不算了" in county.passes("yi")
    assert county.holder_now() == holder
    assert of(county.stage, NumberClaim, "state") == ["submitted"]
    assert of(county.stage, NumberClaim, "holder_id") == [holder]
    with Database(county.stage.database) as db:
        households = [db.get_one(User, holder).household_id]
        assert (
            db.scalars(select(Task.household_id).where(Task.closed_at.is_(None), Task.step == STEP)).all() == households
        )
    # Each may look again, and neither is enough alone.
    assert "号码现在还没动" in county.passes("jia")
    assert "这一步要换一个人看" in county.say("jia", "通过 号码1")
    assert "两边都告诉了" in county.passes("yi")
    with snapshot(county.stage.settings.database_url) as connection:
        assert [each.code for each in violations(connection, county.stage.clock())] == []


def test_a_holder_who_moves_away_stops_no_claim(county: County) -> None:
    county.claims("real")
    county.passes("jia")
    county.set(User, county.holder, region_code="430524101000")
    assert "两边都告诉了" in county.passes("yi")
    assert county.holder_now() is None
