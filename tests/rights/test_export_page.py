"""The page with a person's data: whom it opens for, for how long, what it says, and that each opening is recorded."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session as Database

from models.core.audit_trail import AuditEvent, record
from models.people.conversation import Conversation
from models.people.user import NUMBER_TRIED, User
from models.rights.request import (
    MOST_A_DAY,
    MOST_OPENINGS,
    READY_LASTS,
    WAITS,
    RightsRequest,
    ask_for_export,
    make_ready,
)
from models.support.ticket import open_ticket
from tests.harness.erasing import erase_person
from tests.harness.money.paid_stage import DONOR, OTHER, collecting
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.stage import Stage
from tests.scenes.own_data import ask, path_of, visit


def states(stage: Stage) -> list[str]:
    with Database(stage.database) as db:
        return list(db.scalars(select(RightsRequest.state).order_by(RightsRequest.id)))


def openings(stage: Stage) -> list[tuple[str, str | None]]:
    with Database(stage.database) as db:
        opened = select(AuditEvent.actor, AuditEvent.detail).where(AuditEvent.action == "opened")
        return [tuple(row) for row in db.execute(opened.order_by(AuditEvent.id))]  # type: ignore[misc]


def id_of(stage: Stage, openid: str) -> str:
    with Database(stage.database) as db:
        found = select(User.id_number).join(Conversation, Conversation.user_id == User.id)
        return db.scalars(found.where(Conversation.openid == openid)).one() or ""


def links(stage: Stage) -> int:
    with Database(stage.database) as db:
        return db.scalar(select(func.count()).select_from(AuditEvent)) or 0


def test_the_page_says_in_plain_words_what_is_known(stage: Stage) -> None:
    appeal = stage.open_appeal()
    stage.register("o-wang", "resident")
    stage.ask("o-wang")
    for said in (f"捐 {appeal} 100", "1", "确认", "人工", "抽水机<b>修不好</b>了"):
        stage.say("o-wang", said)
    path = path_of(stage, ask(stage, "o-wang"))
    page = visit(stage, "o-wang", path)
    assert page.status_code == 200
    for words in ("王秀兰", "13800000000", "431124190101010", "梅花镇", "买台缝纫机做衣服", "¥3,000", "产业发展"):
        assert words in page.text, words
    for words in (
        "等村里看",
        "¥100",
        "苗寨修路",
        "记下您的微信账号",
        "您：抽水机＜b&gt;修不好",
        "还没有工作人员看过",
    ):
        assert words in page.text, words
    for code in ("one_to_one", "industry", "submitted", "intended", "resident", "{{", "None"):
        assert code not in page.text.split("</style>")[1], code
    assert f'href="{path}/json"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    file = visit(stage, "o-wang", f"{path}/json")
    assert "attachment" in file.headers["Content-Disposition"]
    assert {"made_at", "users", "appeals", "pledges", "tickets"} <= set(json.loads(file.data))
    who = f"conversation:{stage.person('o-wang')}"
    assert openings(stage) == [(who, "page"), (who, "file")]


def test_abuse_a_copy_without_proof_does_not_hold_the_proof(stage: Stage) -> None:
    """A thief who waits a silent day does not read in the copy what proves the person everywhere else."""
    stage.register("o-wang", "resident")
    number = id_of(stage, "o-wang")
    with Database(stage.database) as db, db.begin():
        asked = ask_for_export(db, stage.person("o-wang"), stage.clock(), proved=False).id
    stage.clock.move(WAITS)
    with Database(stage.database) as db, db.begin():
        assert make_ready(db, stage.clock()) == 1
    path = path_of(stage, asked)
    page, file = visit(stage, "o-wang", path), visit(stage, "o-wang", f"{path}/json")
    assert (page.status_code, file.status_code) == (200, 200)
    assert "后六位就不写出来" in page.text
    for text in (page.text, file.text):
        assert number[:-6] + "******" in text
        assert number[-6:] not in text
    assert number in visit(stage, "o-wang", path_of(stage, ask(stage, "o-wang"))).text


def test_who_never_registered_reads_what_there_is(stage: Stage) -> None:
    stage.say("o-nobody", "人工")
    stage.say("o-nobody", "我想问一下")
    page = visit(stage, "o-nobody", path_of(stage, ask(stage, "o-nobody")))
    assert page.status_code == 200
    assert "您还没有注册" in page.text
    assert "我想问一下" in page.text


def test_who_tried_the_persons_id_number_is_not_named(stage: Stage) -> None:
    user = stage.register("o-wang", "resident")
    tried: dict[str, Any] = {
        "actor": "conversation:987654",
        "action": NUMBER_TRIED,
        "subject": "id_number",
        "subject_id": 987654,
    }
    with Database(stage.database) as db, db.begin():
        record(db, at=stage.clock(), about=user, **tried)
    path = path_of(stage, ask(stage, "o-wang"))
    assert "有人想用您的身份证号注册" in visit(stage, "o-wang", path).text
    file = visit(stage, "o-wang", f"{path}/json").text
    assert NUMBER_TRIED in file
    assert "987654" not in file


def test_a_forwarded_link_shows_nothing(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    stage.register("o-li", "donor")
    path = path_of(stage, ask(stage, "o-wang"))
    sent = visit(stage, "o-li", path)
    assert sent.status_code == 302  # to WeChat, which says who opens it
    assert "/connect/oauth2/authorize" in sent.headers["Location"]
    refused = visit(stage, "o-li", f"{path}/json")
    assert refused.status_code == 403
    assert stage.client.get(f"{path}/json").status_code == 403
    assert "这不是您的资料" in refused.text
    assert "王秀兰" not in refused.text
    assert openings(stage) == []


def test_wechat_says_who_opens_it(new_database: Callable[[], str], redis_url: str) -> None:
    with collecting(new_database(), redis_url) as stage:
        for openid in (DONOR, OTHER):
            stage.register(openid, "resident")
        link = f"{stage.bot_url}{path_of(stage, ask(stage, DONOR))}"
        theirs = stage.visit(OTHER).get(link, timeout=60)
        assert (theirs.status_code, "这不是您的资料" in theirs.text) == (403, True)
        browser = stage.visit(DONOR)
        own = browser.get(link, timeout=60)
        assert (own.status_code, "王秀兰" in own.text) == (200, True)
        assert own.url.partition("#")[0] == link  # no code stays in the address
        assert browser.get(f"{link}/json", timeout=60).json()["users"][0]["name"] == "王秀兰"


def test_it_is_there_for_an_hour(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    path = path_of(stage, ask(stage, "o-wang"))
    stage.clock.move(READY_LASTS - timedelta(seconds=1))
    assert visit(stage, "o-wang", path).status_code == 200
    stage.clock.move(timedelta(seconds=1))
    for part in (path, f"{path}/json"):
        over = visit(stage, "o-wang", part)
        assert (over.status_code, "过了时间" in over.text) == (403, True)


def test_what_waits_or_was_stopped_opens_nothing(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    path = path_of(stage, ask(stage, "o-wang", proved=False))
    assert visit(stage, "o-wang", path).status_code == 403
    assert states(stage) == ["waiting"]


def test_one_copy_grows_the_trail_by_so_many_links_and_no_more(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    path = path_of(stage, ask(stage, "o-wang"))
    answers = [visit(stage, "o-wang", path).status_code for _ in range(MOST_OPENINGS + 2)]
    assert answers == [200] * MOST_OPENINGS + [403, 403]
    assert len(openings(stage)) == MOST_OPENINGS


def test_what_a_person_asked_for_ends_when_they_are_erased(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    stage.register("o-li", "donor")
    path = path_of(stage, ask(stage, "o-wang"))
    ask(stage, "o-li", proved=False)
    for openid in ("o-wang", "o-li"):
        number = stage.person(openid)
        with Database(stage.database) as db, db.begin():
            erase_person(db, number, stage.clock())
    assert states(stage) == ["gone", "stopped"]
    assert visit(stage, "o-wang", path).status_code == 403


def test_a_stranger_cannot_fill_the_trail_with_requests(stage: Stage) -> None:
    for _ in range(MOST_A_DAY):
        assert "要等 24 小时" in stage.say("o-nobody", "导出")
    before = links(stage)
    for _ in range(20):
        assert "今天不再做" in stage.say("o-nobody", "导出")
    assert links(stage) - before == 1  # the last one that waited was stopped
    assert states(stage) == ["stopped"] * MOST_A_DAY
    stage.clock.move(timedelta(days=1))
    assert "要等 24 小时" in stage.say("o-nobody", "导出")


def test_an_ordinary_turn_asks_for_no_request(stage: Stage) -> None:
    stage.say("o-nobody", "菜单")
    asked: list[str] = []

    def listen(_: object, __: object, statement: str, *___: object) -> None:
        asked.extend([statement] if "rights_requests" in statement else [])

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        stage.say("o-nobody", "菜单")
        assert asked == []
        stage.say("o-nobody", "导出")
        assert asked
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def test_whoever_is_in_danger_reads_the_numbers_first(stage: Stage) -> None:
    stage.say("o-nobody", "导出")
    reply = stage.say("o-nobody", "我不想活了")
    assert 0 < reply.index("12356") < reply.index("停下了")
    assert states(stage) == ["stopped"]


def test_what_waits_stops_even_where_the_session_was_set_aside(stage: Stage) -> None:
    stage.say("o-nobody", "导出")
    with stage.database.begin() as connection:
        connection.exec_driver_sql("UPDATE conversations SET session = 'damaged'::bytea")
    assert "停下了" in stage.say("o-nobody", "你好")
    assert states(stage) == ["stopped"]


def test_a_ticket_of_before_that_asks_for_a_copy_can_be_read(stage: Stage) -> None:
    person = stage.person("o-wang")
    with Database(stage.database) as db, db.begin():
        open_ticket(db, person, "431124000000", "export", stage.clock())
    stage.appoint("o-county", "county", "431124000000")
    assert "要一份自己的资料" in stage.say("o-county", "待办")


@in_a_browser
def test_the_page_is_for_everybody(stage: Stage) -> None:
    appeal = stage.open_appeal()
    stage.register("o-wang", "resident")
    stage.ask("o-wang")
    for said in (f"捐 {appeal} 100", "1", "确认", "人工", "抽水机修不好了"):
        stage.say("o-wang", said)
    path = path_of(stage, ask(stage, "o-wang"))
    with examining(stage, visitor="o-wang") as examine:
        examine(path, "rights/export")
        examine(f"{path}x", "rights/export_gone", status=403)
