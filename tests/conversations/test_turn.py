"""One message exactly once: duplicates, crowds, failures and lost services, through the real door."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import LargeBinary, func, select, text, type_coerce, update
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.turn import Turns
from bot.wechat.codec import REPLY_BYTES
from flows.engine.flow import Answer, Say
from flows.engine.session import Session
from flows.engine.turn import TurnContext
from handlers.routing.command_table import COMMANDS
from models.appeals.appeal import Appeal
from models.core.database import connect
from models.giving.pledge import Pledge
from models.goods.exchange import GoodsRequest, Offer
from models.market.listing import Listing
from models.notifications.notification import UNREAD, Notification
from models.notifications.notify import notify
from models.people.conversation import BrokenSession, Conversation, Turn
from models.people.message import Message, MessageKind
from models.people.user import User
from models.support.desk import LONGEST_ANSWER
from models.support.ticket import Ticket
from tests.harness.platform import wechat
from tests.harness.stage import Stage, settings_for
from tests.harness.statements import statements
from tests.harness.transcript import Actor

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"
SERIALS = count(1)

Route = Callable[[TurnContext, Session, Message], Answer]


def turns_of(stage: Stage) -> Turns:
    turns: Turns = stage.app.extensions["bangfu"]["turns"]
    return turns


def message(words: str, openid: str = "o-somebody", msg_id: str = "1", created: int = 1_763_950_000) -> Message:
    return Message(MessageKind.TEXT, wechat.ACCOUNT, openid, created, msg_id=msg_id, text=words)


def rows(stage: Stage, table: type) -> int:
    with Database(stage.database) as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(
    ("flow", "effect"),
    [
        ("register", User),
        ("start_appeal", Appeal),
        ("start_appeal_crowdfund", Appeal),
        ("pledge", Pledge),
        ("offer_goods", Offer),
        ("request_goods", GoodsRequest),
        ("list_produce", Listing),
    ],
)
def test_twelve_confirmations_at_once_have_one_effect_and_one_reply(stage: Stage, flow: str, effect: type) -> None:
    """Each transcript up to its 确认, and then that message twelve times at the same moment."""
    script = (TRANSCRIPTS / f"{flow}.chat").read_text(encoding="utf-8")
    before, confirmed, _ = script.partition(f"> 确认\n< {flow.removesuffix('_crowdfund')}/done")
    assert confirmed
    actor = Actor(stage)
    actor.play(before)
    known, news = rows(stage, effect), rows(stage, Notification)
    xml = wechat.text("确认", actor.openid)
    deliveries = [stage.wechat.deliver(xml) for _ in range(12)]
    at_once = threading.Barrier(12)

    def post(delivery: tuple[dict[str, str], bytes]) -> str:
        query, body = delivery
        at_once.wait(60)
        response = stage.app.test_client().post("/wechat", query_string=query, data=body)
        assert response.status_code == 200
        return stage.wechat.read_text(response.data)

    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(post, deliveries))
    assert len(set(replies)) == 1
    assert replies[0]
    assert rows(stage, effect) == known + 1
    assert rows(stage, Notification) - news in {0, 1}


def test_a_duplicate_waits_for_the_first_delivery_and_gets_its_reply(stage: Stage) -> None:
    calls: list[str] = []
    running, go_on = threading.Event(), threading.Event()

    def slow(turn: TurnContext, session: Session, message: Message) -> Answer:
        calls.append(message.text)
        running.set()
        assert go_on.wait(60)
        return Answer([Say("replies/routing/sorry")])

    turns = replace(turns_of(stage), route=slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(turns.take, message("你好"))
        assert running.wait(60)
        second = pool.submit(turns.take, message("你好"))
        assert not second.done()
        go_on.set()
        assert first.result() == second.result() != ""
    assert calls == ["你好"]


def test_two_people_do_not_wait_for_each_other(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    other_answered = threading.Event()

    def first_waits(turn: TurnContext, session: Session, message: Message) -> Answer:
        if message.openid == "o-a":
            assert other_answered.wait(60), "the other person had to wait"
        return Answer([Say("replies/routing/sorry")])

    turns = replace(turns_of(stage), route=first_waits)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(turns.take, message("你好", "o-a"))
        assert turns.take(message("你好", "o-b"))
        other_answered.set()
        assert waiting.result()
    stage.close()


def test_messages_of_one_person_are_taken_one_after_the_other(stage: Stage) -> None:
    """Each adds one to what it found: with two at a time some would be lost."""

    def count(turn: TurnContext, session: Session, message: Message) -> Answer:
        session.ticket = (session.ticket or 0) + 1
        return Answer([Say("replies/routing/sorry")])

    turns = replace(turns_of(stage), route=count)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: turns.take(message("嗯", msg_id=str(n))), range(16)))
    seen: list[int | None] = []

    def look(turn: TurnContext, session: Session, message: Message) -> Answer:
        seen.append(session.ticket)
        return Answer([])

    replace(turns, route=look).take(message("看", msg_id="last"))
    assert seen == [16]


def test_a_failing_turn_leaves_nothing_and_says_sorry_to_every_delivery(stage: Stage) -> None:
    calls = []

    def broken(turn: TurnContext, session: Session, message: Message) -> Answer:
        calls.append(1)
        now = turn.world.now
        turn.db.add(Ticket(conversation_id=turn.person.conversation_id, opened_at=now, due_at=now))
        turn.db.flush()
        session.ticket = 7
        turn.jobs.append(("fetch_photo", 1))
        raise ValueError("a mistake of ours")

    turns = replace(turns_of(stage), route=broken, enqueue=lambda *_: pytest.fail("a job of a failed turn"))
    reply = turns.take(message("你好"))
    assert "对不起" in reply
    assert turns.take(message("你好")) == reply
    assert calls == [1]
    assert rows(stage, Ticket) == 0
    with Database(stage.database) as db:
        turn = db.scalars(select(Turn)).one()
        assert (turn.outcome, turn.reply) == ("failed", reply)
        assert db.scalars(select(Conversation)).one().session == ""


def test_a_session_that_fails_twice_is_set_aside(stage: Stage) -> None:
    stage.say("o-somebody", "注册")

    def broken(turn: TurnContext, session: Session, message: Message) -> Answer:
        raise ValueError("this session cannot be worked with")

    turns = turns_of(stage)
    failing = replace(turns, route=broken)
    for number in range(2):
        failing.take(message("同意", msg_id=f"f{number}"))
    assert "从头开始" in failing.take(message("同意", msg_id="f2"))
    assert rows(stage, BrokenSession) == 1
    assert "同意吗" in turns.take(message("注册", msg_id="f3"))


@pytest.mark.parametrize("harm", ["facts", "template", "seal"])
def test_a_notice_that_cannot_be_said_keeps_nobody_out(stage: Stage, harm: str) -> None:
    person = stage.person("o-somebody")
    with Database(stage.database) as db, db.begin():
        good = {"number": 1, "words": "明天去看您"}
        notify(db, person, "ticket_answered", {} if harm == "facts" else good, "bad", stage.clock())
        notify(db, person, "ticket_answered", good, "good", stage.clock())
        junk = type_coerce(b"junk", LargeBinary)
        values: dict[str, dict[str, Any]] = {
            "template": {"template": "from_a_newer_release"},
            "seal": {"facts": junk},
        }
        if harm in values:
            db.execute(update(Notification).where(Notification.dedupe_key == "bad").values(values[harm]))
    reply = stage.say("o-somebody", "菜单")
    assert "明天去看您" in reply
    assert "对不起" not in reply
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).where(Notification.state.in_(UNREAD))) == 0


def test_a_stored_reply_that_does_not_open_is_answered_with_sorry(stage: Stage) -> None:
    xml = wechat.text("你好", "o-somebody")
    stage.deliver(xml)
    with stage.database.begin() as connection:
        connection.execute(update(Turn).values(reply=type_coerce(b"junk", LargeBinary)))
    status, reply = stage.deliver(xml)
    assert status == 200
    assert "对不起" in reply


def test_two_people_who_give_to_each_other_at_once_both_do(stage: Stage) -> None:
    appeals = [stage.open_appeal(), stage.open_appeal()]
    people = ["o-owner-1", "o-owner-0"]
    for person, appeal in zip(people, appeals, strict=True):
        for words in (f"捐 {appeal} 5", "1"):
            stage.say(person, words)
    at_once = threading.Barrier(2)

    def confirm(person: str) -> int:
        query, body = stage.wechat.deliver(wechat.text("确认", person))
        at_once.wait(60)
        return stage.app.test_client().post("/wechat", query_string=query, data=body).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(confirm, people)) == [200, 200]
    assert rows(stage, Pledge) == 2


@pytest.mark.parametrize("stored", ["{", '{"drafts": 3}', "[]", '{"drafts": [{"id": 1}], "focus": null}'])
def test_a_session_that_does_not_load_is_set_aside_for_that_person_alone(stage: Stage, stored: str) -> None:
    stage.say("o-broken", "注册")
    stage.say("o-other", "注册")
    with stage.database.begin() as connection:
        connection.execute(update(Conversation).where(Conversation.openid == "o-broken").values(session=stored))
    assert "从头开始" in stage.say("o-broken", "同意")
    assert rows(stage, BrokenSession) == 1
    assert "您来这里是想" in stage.say("o-other", "同意")
    assert "同意吗" in stage.say("o-broken", "注册")


def test_a_session_that_no_key_opens_is_set_aside(stage: Stage) -> None:
    stage.say("o-broken", "注册")
    with stage.database.begin() as connection:
        connection.execute(text("UPDATE conversations SET session = :junk"), {"junk": b"\x00" * 40})
    assert "从头开始" in stage.say("o-broken", "同意")
    with Database(stage.database) as db:
        assert bytes(db.scalars(select(BrokenSession)).one().session) == b"\x00" * 40


@pytest.mark.chaos
def test_no_database_means_503_so_that_wechat_comes_again() -> None:
    app = create_app(settings_for("postgresql://nobody@127.0.0.1:9/none"))
    query, body = wechat.WeChat().deliver(wechat.text("你好"))
    response = app.test_client().post("/wechat", query_string=query, data=body)
    assert (response.status_code, response.data) == (503, b"")
    assert app.test_client().get("/readyz").status_code == 503
    assert app.test_client().get("/healthz").status_code == 200


def test_a_locked_database_means_503_and_nothing_half_written(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.core.database.LOCK_WAIT_MS", 200)
    stage = Stage(database_url, fresh=True)
    holder = connect(database_url)
    xml = wechat.text("你好", "o-patient")
    with holder.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE")
        assert stage.deliver(xml)[0] == 503
    status, reply = stage.deliver(xml)
    assert status == 200
    assert reply
    assert rows(stage, Turn) == 1
    holder.dispose()
    stage.close()


@pytest.mark.chaos
def test_turns_go_on_without_redis(stage: Stage) -> None:
    """The stage's Redis address is a closed port."""
    turns = turns_of(stage)

    def with_job(turn: TurnContext, session: Session, message: Message) -> Answer:
        turn.jobs.append(("fetch_photo", 1))
        return Answer([Say("replies/routing/sorry")])

    assert replace(turns, route=with_job).take(message("你好"))
    state = stage.client.get("/readyz")
    assert state.status_code == 200
    assert state.json == {"database": "ok", "migrations": "ok", "redis": "unreachable", "notices": "ok", "chains": "ok"}


def test_jobs_are_handed_over_after_the_commit(stage: Stage) -> None:
    seen: list[int] = []

    def enqueue(jobs: object, told: object) -> None:
        seen.append(rows(stage, Ticket))

    def with_row(turn: TurnContext, session: Session, message: Message) -> Answer:
        now = turn.world.now
        turn.db.add(Ticket(conversation_id=turn.person.conversation_id, opened_at=now, due_at=now))
        turn.jobs.append(("fetch_photo", 1))
        return Answer([Say("replies/routing/sorry")])

    replace(turns_of(stage), route=with_row, enqueue=enqueue).take(message("你好"))
    assert seen == [1]


def test_a_forgery_touches_nothing(stage: Stage) -> None:
    query, body = stage.wechat.deliver(wechat.text("你好"))
    response = stage.client.post("/wechat", query_string=query | {"msg_signature": "0" * 40}, data=body)
    assert response.status_code == 403
    assert rows(stage, Turn) == rows(stage, Conversation) == 0


def test_a_draft_loses_focus_after_twelve_hours_and_is_offered_back(stage: Stage) -> None:
    stage.say("o-slow", "注册")
    stage.say("o-slow", "同意")
    stage.clock.move(timedelta(hours=13))
    assert "没填完" in stage.say("o-slow", "嘎嘣脆")
    assert "您来这里是想" in stage.say("o-slow", "1")
    stage.clock.move(timedelta(days=31))
    assert "放了 30 天没动，已经收走了：“注册”" in stage.say("o-slow", "嘎嘣脆")
    assert "没填完" not in stage.say("o-slow", "嘎嘣脆")


def test_a_draft_that_grew_too_old_is_named_though_an_event_without_an_answer_came_first(stage: Stage) -> None:
    stage.say("o-slow", "注册")
    stage.say("o-slow", "同意")
    stage.clock.move(timedelta(days=31))
    assert stage.deliver(wechat.event("unsubscribe", "o-slow"))[1] == ""
    assert "已经收走了：“注册”" in stage.say("o-slow", "嘎嘣脆")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, LONGEST_ANSWER), max_size=7), st.lists(st.integers(1, 1_900), max_size=4))
def test_no_news_is_lost_or_told_twice_and_none_takes_room_from_an_answer(
    stage: Stage, news: list[int], answers: list[int]
) -> None:
    """Answers of these many bytes, then 消息 until there is no more; the news has these many characters."""
    openid = f"o-{next(SERIALS)}"
    conversation = stage.person(openid)
    told = [f"第{number}条：" + "好" * length for number, length in enumerate(news)]
    with Database(stage.database) as db, db.begin():
        for number, words in enumerate(told):
            values = {"number": 7, "words": words[:LONGEST_ANSWER]}
            notify(db, conversation, "ticket_answered", values, f"{openid}:{number}", stage.clock())
    waiting, lengths = list(told), iter(answers)

    def answer(turn: TurnContext, session: Session, message: Message) -> Answer:
        return Answer([Say("replies/routing/lead", None, {"label": "x" * next(lengths), "intent": ""})])

    for turns in [replace(turns_of(stage), route=answer)] * len(answers) + [turns_of(stage)] * (len(told) + 1):
        reply = turns.take(message("消息", openid, msg_id=str(next(SERIALS))))
        assert len(reply.encode()) <= REPLY_BYTES
        assert turns.route is not answer or reply.endswith("x：") or "x：\n" in reply, "the answer's end is missing"
        read = [words for words in waiting if words[:LONGEST_ANSWER] in reply]
        assert read == waiting[: len(read)], "news out of order"
        waiting = waiting[len(read) :]
        is_named = f"还有 {len(waiting)} 条新消息" in reply
        assert is_named == bool(waiting) or len(reply.encode()) > REPLY_BYTES - 100
    assert not waiting
    assert "现在没有新消息" in reply


def test_a_command_that_only_reads_writes_nothing_and_takes_no_savepoint(stage: Stage) -> None:
    """The menu, which everybody asks for most, is three statements: claim and lock, the person's role, keep."""
    stage.register("o-donor", "donor")
    stage.appoint("o-officer", "township")
    said = {"menu": "菜单", "help": "帮助", "privacy": "隐私"}
    assert said.keys() == {command.name for command in COMMANDS.values() if command.only_reads}
    for name, words in said.items():
        for openid in ("o-new", "o-donor", "o-officer"):
            stage.say(openid, words)
            with statements(stage.app.extensions["bangfu"]["turns"].database) as seen:
                stage.say(openid, words)
            kinds = [statement.split()[0] for statement in seen]
            assert (kinds[0], kinds[-1]) == ("WITH", "WITH")
            assert set(kinds[1:-1]) <= {"SELECT"}
            if name == "menu":
                assert len(kinds) == 3


def test_a_turn_is_recorded_with_where_it_left_the_person(stage: Stage) -> None:
    for words in ("注册", "嗯", "嗯", "嗯", "同意", "2", "李老师", "确认"):
        stage.say("o-li", words)
    with Database(stage.database) as db:
        turns = db.execute(select(Turn.flow, Turn.step, Turn.tries, Turn.outcome).order_by(Turn.id)).all()
    assert [tuple(turn) for turn in turns] == [
        ("register", "consent", 0, "asked"),
        ("register", "consent", 1, "not_a_choice"),
        ("register", "consent", 2, "not_a_choice"),
        ("register", "consent", 3, "stuck"),
        ("register", "role", 0, "asked"),
        ("register", "display_name", 0, "asked"),
        ("register", "review", 0, "reviewing"),
        ("register", "done", 0, "done"),
    ]
