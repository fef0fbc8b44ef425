"""A report reaches the officer above whoever is concerned, and the county at once where much depends on it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.wechat.codec import REPLY_BYTES
from models.appeals.appeal import MACHINE, Appeal
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.staff.decision import decide
from models.staff.member import Staff
from models.support.inquiry import Inquiry, Report
from models.support.reporting import MOST_A_DAY
from models.support.ticket import ANSWERED_WITHIN, Ticket
from tests.harness.erasing import erase_person
from tests.harness.platform import wechat
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.reports import decided, holder, newest, reports

COUNTY = "431124000000"
OTHER_COUNTY = "430524000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.open_appeal("one_to_one", 500_000)
    stage.clock.move(timedelta(hours=1))
    stage.register("o-wang", "resident", DAOXIAN_MEIHUA)
    yield stage
    stage.close()


def ticket(stage: Stage) -> Ticket:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.scalars(select(Ticket).order_by(Ticket.id.desc())).first() or Ticket()


def test_nobody_learns_from_the_answer_whether_others_reported_it(stage: Stage) -> None:
    """On one day, and where the county has it by now; a day later the first to report anything hears the same."""
    stage.appoint("o-town", "township")
    stage.appoint("o-county", "county", COUNTY)
    first = reports(stage, "o-wang")
    stage.clock.move(timedelta(hours=1))
    stage.open_appeal()
    for serial in range(3):
        stage.clock.move(timedelta(minutes=11))
        assert reports(stage, f"o-{serial}") == first
    assert newest(stage).state == "before_county"
    assert reports(stage, "o-late") == first
    assert reports(stage, "o-wang", "2") == first.replace("1 号", "2 号")
    assert "举报 1 号" not in stage.say("o-wang", "举报 1")


def test_everything_that_was_said_is_shown_page_by_page(stage: Stage) -> None:
    stage.appoint("o-town", "township")
    words = ["".join(chr(0x4E00 + 300 * serial + at) for at in range(300)) for serial in range(5)]
    for serial, said in enumerate(words):
        openid = f"o-{serial}"  # of one moment, so they are one circle and it stays with the township
        stage.say(openid, "举报 1")
        for answer in ("1", said, "跳过", "确认"):
            stage.say(openid, answer)
    shown = stage.say("o-town", "看 举报1")
    pages = 1
    while line := next((each for each in shown.splitlines()[-9:] if each.endswith("接着看下面的举报")), None):
        page = stage.say("o-town", line.split()[0])
        assert len(page.encode()) <= REPLY_BYTES
        shown, pages = shown.replace(line, "") + page, pages + 1
    assert pages >= 5
    for said in words:
        assert all(each in shown for each in said)


@pytest.mark.parametrize("subject", ["appeal", "case"])
def test_whoever_decided_on_it_or_on_its_household_neither_sees_nor_decides(stage: Stage, subject: str) -> None:
    for openid in ("o-concerned", "o-other"):
        stage.appoint(openid, "county", COUNTY)
    decided(stage, "o-concerned", subject)
    reports(stage, "o-wang")
    assert newest(stage).state == "before_county"
    assert holder(stage) == "o-other"
    assert "举报" not in stage.say("o-concerned", "待办")
    for words in ("看 举报1", "举报不实 1", "举报属实 1"):
        stage.said = []
        assert "没有举报 1 号" in stage.say("o-concerned", words)
    assert "核查举报" in stage.say("o-other", "待办")


def test_where_nobody_else_is_at_the_county_another_county_decides(stage: Stage) -> None:
    stage.appoint("o-concerned", "county", COUNTY)
    stage.appoint("o-there", "county", OTHER_COUNTY)
    decided(stage, "o-concerned")
    reports(stage, "o-wang")
    assert holder(stage) == "o-there"
    assert "举报" not in stage.say("o-concerned", "待办")
    stage.say("o-there", "看 举报1")
    assert "暂停这个求助" in stage.say("o-there", "看 举报1")
    stage.say("o-there", "1")
    stage.say("o-there", "1")
    assert (newest(stage).state, newest(stage).outcome) == ("upheld", "frozen")


def test_where_nobody_at_all_may_decide_it_waits_unseen(stage: Stage) -> None:
    stage.appoint("o-concerned", "county", COUNTY)
    decided(stage, "o-concerned")
    reports(stage, "o-wang")
    assert holder(stage) is None
    assert "举报" not in stage.say("o-concerned", "待办")


@pytest.mark.parametrize(("kind", "state"), [("1", "before_officer"), ("4", "before_county"), ("5", "before_county")])
def test_one_report_of_a_child_or_an_illness_goes_to_the_county(stage: Stage, kind: str, state: str) -> None:
    reports(stage, "o-wang", kind=kind)
    assert newest(stage).state == state


def test_so_does_the_third_by_different_people_and_not_by_accounts_of_one_circle(stage: Stage) -> None:
    stage.appoint("o-town", "township")
    stage.appoint("o-county", "county", COUNTY)
    for name in ("o-a", "o-b", "o-c", "o-d"):  # strangers whose accounts began in one moment
        reports(stage, name)
    assert newest(stage).state == "before_officer"
    assert holder(stage) == "o-town"
    for name in ("o-e", "o-f"):
        assert newest(stage).state == "before_officer"
        stage.clock.move(timedelta(hours=1))
        reports(stage, name)
    assert newest(stage).state == "before_county"
    assert holder(stage) == "o-county"
    assert "共 6 份举报" in stage.say("o-county", "看 举报1")
    assert "没有举报 1 号" in stage.say("o-town", "看 举报1")


def test_a_person_has_one_open_report_of_a_thing_from_whatever_wechat(stage: Stage) -> None:
    reports(stage, "o-wang")
    user = stage.person("o-wang")
    stage.person("o-again")
    with Database(stage.database) as db, db.begin():
        registered = db.get_one(Conversation, user).user_id
        db.execute(update(Conversation).where(Conversation.openid == "o-again").values(user_id=registered))
    assert "您举报过这一件了" in stage.say("o-again", "举报 1")


def test_and_a_few_of_all_things_in_a_day(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        for number in range(MOST_A_DAY):
            place = {"region_code": DAOXIAN_MEIHUA, "opened_at": stage.clock()}
            inquiry = Inquiry(about="offer", about_id=number, **place)
            db.add(inquiry)
            db.flush()
            said = {"conversation_id": stage.person("o-wang"), "draft_id": str(number), "kind": "fake", "words": ""}
            db.add(Report(inquiry_id=inquiry.id, at=stage.clock(), **said))
    assert f"已经举报了 {MOST_A_DAY} 件" in stage.say("o-wang", "举报 1")
    stage.clock.move(timedelta(days=1))
    assert "我们记下了" in reports(stage, "o-wang")


def test_an_unknown_number_is_reported_with_its_words(stage: Stage) -> None:
    stage.appoint("o-county", "county", COUNTY)
    stage.say("o-wang", "举报 999 收了钱不办事")
    assert ticket(stage).about == "report"
    stage.say("o-county", "待办")
    assert "举报 999 收了钱不办事" in stage.say("o-county", "1")


def test_in_a_story_an_accusation_is_part_of_the_story(stage: Stage) -> None:
    stage.say("o-wang", "求助")
    stage.said = []
    stage.say("o-wang", "信息员收我钱了")
    assert stage.said == ["start_appeal/category:ask"]
    assert ticket(stage).id is None


def test_what_the_township_found_empty_the_reporter_hears_as_such(stage: Stage) -> None:
    stage.appoint("o-town", "township")
    reports(stage, "o-wang")
    stage.say("o-town", "看 举报1")
    stage.say("o-town", "举报不实 1 没有问题")
    assert newest(stage).state == "not_upheld"
    assert "没有查到您说的问题" in stage.say("o-wang", "消息")
    assert "我们记下了" in reports(stage, "o-wang")  # anew, since the earlier one is decided
    assert newest(stage).id == 2


def test_nobody_decides_on_a_report_that_they_have_not_read(stage: Stage) -> None:
    stage.appoint("o-town", "township")
    reports(stage, "o-wang")
    stage.say("o-town", "看 举报1")
    stage.clock.move(timedelta(hours=1))
    stage.say("o-li", "举报 1 他家早就搬走了")
    for words in ("1", "跳过", "确认"):
        stage.say("o-li", words)
    assert "他家早就搬走了" in stage.say("o-town", "举报不实 1 没有问题")
    assert newest(stage).state == "before_officer"


def test_who_reported_is_nowhere_on_record_but_in_the_report(stage: Stage) -> None:
    stage.appoint("o-wang", "township", work_no="DX0777")
    reports(stage, "o-wang")
    with Database(stage.database) as db:
        assert db.scalars(select(Report.conversation_id)).one() == stage.person("o-wang")
    assert "没有举报 1 号" in stage.say("o-wang", "看 举报1")
    other = stage.appoint("o-town", "township")
    assert "DX0777" not in stage.say("o-town", "看 举报1") + stage.say("o-town", "待办")
    assert other


def test_who_is_erased_leaves_no_words_and_no_pictures_of_a_report(stage: Stage) -> None:
    for words in ("举报 1", "1", "他家早就搬走了"):
        stage.say("o-passer-by", words)
    stage.deliver(wechat.message("image", "o-passer-by", PicUrl="http://127.0.0.1/p.jpg", MediaId="m"))
    stage.say("o-passer-by", "完成")
    stage.say("o-passer-by", "确认")
    with Database(stage.database) as db, db.begin():
        assert db.scalars(select(Report.words)).one() == "他家早就搬走了"
        erase_person(db, stage.person("o-passer-by"), stage.clock())
        assert db.scalars(select(Report.words)).one() == ""
        assert db.scalars(select(Photo.state).where(Photo.subject == "report")).one() == "gone"
    assert newest(stage).state == "before_officer"  # what was reported is looked into all the same


def test_where_the_only_officer_of_the_county_refused_it_another_county_hears_the_complaint(stage: Stage) -> None:
    stage.appoint("o-concerned", "county", COUNTY)
    stage.appoint("o-there", "county", OTHER_COUNTY)
    number = stage.ask("o-wang")
    with Database(stage.database) as db, db.begin():
        staff = db.scalars(select(Staff).where(Staff.openid == "o-concerned")).one()
        appeal = db.get_one(Appeal, number)
        for to in ("village_review", "rejected"):
            MACHINE.move(db, appeal, to, staff.actor, stage.clock())
        decide(db, appeal.matter, 1, staff, "reject", stage.clock(), ("not_real",))
    stage.say("o-wang", "申诉")
    assert ticket(stage).region_code is None
    assert ticket(stage).due_at == stage.clock() + ANSWERED_WITHIN
    assert "答复工单" not in stage.say("o-concerned", "待办")
    assert f"不服求助 {number} 号没通过" in stage.say("o-there", "待办")
