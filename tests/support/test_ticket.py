"""A ticket is a conversation: what a transcript cannot look at."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.core.database import connect
from models.migrations import _config, upgrade
from models.notifications.notification import Notification
from models.support.desk import QUIET_LASTS
from models.support.ticket import ANSWERED_WITHIN, Ticket, TicketMessage
from tests.harness.stage import Stage


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.register("o-wang", "resident")
    stage.appoint("o-zhou", "village")
    yield stage
    stage.close()


def ticket(stage: Stage) -> Ticket:
    with Database(stage.database) as db:
        return db.scalars(select(Ticket)).one()


def say(stage: Stage, openid: str, *texts: str) -> list[str]:
    for words in texts:
        stage.said = []
        stage.say(openid, words)
    return stage.said


def file_of(stage: Stage) -> str:
    """The ticket as the officer reads it."""
    stage.say("o-zhou", "待办")
    return stage.say("o-zhou", "1")


@pytest.mark.parametrize(
    "words",
    [
        "[staff] 已核实，可以通过",
        "［答复］已核实，可以通过",
        "你好\n［答复］已核实，可以通过",
        "你好\n【急】请马上联系：王主任，已核实，可以通过",
        "你好\n1 已核实，可以通过",
        "你" * 300 + "【急】请马上联系：王主任，已核实，可以通过",
    ],
)
def test_what_a_person_writes_never_looks_like_an_officers_answer_or_a_line_of_ours(stage: Stage, words: str) -> None:
    say(stage, "o-wang", "人工", words)
    shown = file_of(stage)
    assert "已核实，可以通过" in shown
    assert not any(line.startswith(("［答复］", "【急】", "1 ")) for line in shown.splitlines())
    say(stage, "o-zhou", "答复 1 还没有核实")
    say(stage, "o-wang", "还要等几天呢，我着急")
    assert "［答复］还没有核实" in file_of(stage)


def test_of_thousands_of_messages_a_page_reads_only_some_and_the_way_back_has_all(stage: Stage) -> None:
    say(stage, "o-wang", "人工", "第一句")
    with Database(stage.database) as db, db.begin():
        for number in range(300):
            db.add(TicketMessage(ticket_id=1, author="person", words=f"第{number}号话", at=stage.clock()))
    with opened() as messages:
        page = file_of(stage)
    assert len(messages) < 100
    pages = [page]
    while "看前面说的" in page:
        page = stage.say("o-zhou", "1")
        pages.append(page)
    shown = [line for page in reversed(pages) for line in page.splitlines() if re.fullmatch("第.+(句|号话)", line)]
    assert shown == ["第一句", *(f"第{number}号话" for number in range(300))]


@contextmanager
def opened() -> Iterator[list[int]]:
    """The ids of the messages that are read from the database meanwhile."""
    ids: list[int] = []

    def note(message: TicketMessage, _: object) -> None:
        ids.append(message.id)

    event.listen(TicketMessage, "load", note)
    yield ids
    event.remove(TicketMessage, "load", note)


def test_only_what_nothing_else_takes_goes_to_the_ticket(stage: Stage) -> None:
    say(stage, "o-wang", "人工", "我家的事", "菜单", "1", "修羊圈的屋顶", "取消", "看求助", "0", "消息")
    say(stage, "o-wang", "还有一件")
    with Database(stage.database) as db:
        kept = db.scalars(select(TicketMessage).order_by(TicketMessage.id)).all()
        assert [message.words for message in kept] == ["我家的事", "还有一件"]


def test_what_is_on_the_screen_can_still_be_answered_after_words_for_the_ticket(stage: Stage) -> None:
    say(stage, "o-wang", "人工", "菜单", "今天天气不错")
    assert say(stage, "o-wang", "1")[-1] == "start_appeal/title:ask"


def test_a_new_message_after_an_answer_has_a_due_date_of_its_own(stage: Stage) -> None:
    say(stage, "o-wang", "人工", "我家的事")
    assert ticket(stage).due_at == stage.clock() + ANSWERED_WITHIN
    say(stage, "o-zhou", "答复 1 好")
    stage.clock.move(timedelta(days=3))
    say(stage, "o-wang", "还没来人")
    assert (ticket(stage).state, ticket(stage).due_at) == ("open", stage.clock() + ANSWERED_WITHIN)


def test_silence_closes_only_what_was_answered_and_says_so_once(stage: Stage) -> None:
    say(stage, "o-wang", "人工", "我家的事")
    stage.clock.move(2 * QUIET_LASTS)
    apply_deadlines(stage.database, stage.clock())
    assert ticket(stage).state == "open"
    say(stage, "o-zhou", "答复 1 好")
    stage.clock.move(QUIET_LASTS)
    for _ in range(2):
        apply_deadlines(stage.database, stage.clock())
    assert ticket(stage).state == "closed"
    with Database(stage.database) as db:
        ended = select(Notification).where(Notification.template == "ticket_ended")
        assert len(db.scalars(ended).all()) == 1


@pytest.mark.parametrize("words", ["没事了", "还有"])
def test_the_words_of_a_ticket_mean_nothing_without_one(stage: Stage, words: str) -> None:
    say(stage, "o-wang", words)
    assert not {"replies/support/ticket_solved", "replies/support/ticket_taken_up"} & set(stage.said)
    with Database(stage.database) as db:
        assert db.scalars(select(Ticket)).all() == []


def test_in_a_story_the_words_of_a_ticket_belong_to_the_story(stage: Stage) -> None:
    say(stage, "o-wang", "人工", "我家的事", "求助")
    say(stage, "o-wang", "没事了")
    assert ticket(stage).state == "open"


def test_a_ticket_can_be_taken_up_for_as_long_as_the_officers_keep_it(stage: Stage) -> None:
    say(stage, "o-wang", "人工", "没事了")
    stage.clock.move(timedelta(days=15))
    assert "replies/support/ticket_taken_up" not in say(stage, "o-wang", "还有")


def test_what_stands_in_the_table_of_tickets_is_kept_by_the_migration(new_database: Callable[[], str]) -> None:
    url = new_database()
    database = connect(url)
    command.downgrade(_config(url), "0002")
    with database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO conversations (id, account, openid, session, created_at, touched_at)"
                " VALUES (1, 'a', 'o', '', now(), now())"
            )
        )
        for number, state, closed in ((1, "open", None), (2, "closed", "2026-11-20T00:00+00")):
            connection.execute(
                text(
                    "INSERT INTO tickets (id, conversation_id, state, opened_at, closed_at) VALUES (:i, 1, :s, :o, :c)"
                ),
                {"i": number, "s": state, "o": "2026-11-10T00:00+00", "c": closed},
            )
    upgrade(url)
    with Database(database) as db:
        waiting, over = db.scalars(select(Ticket).order_by(Ticket.id)).all()
        assert (waiting.state, waiting.due_at - waiting.opened_at) == ("open", timedelta(days=2))
        assert (over.state, over.answered_at) == ("closed", over.closed_at)
        waiting.state, waiting.answered_at = "answered", over.closed_at
        db.commit()
    command.downgrade(_config(url), "0002")
    with database.connect() as connection:
        kept = connection.execute(text("SELECT state, closed_at IS NOT NULL FROM tickets ORDER BY id")).all()
        assert [tuple(row) for row in kept] == [("closed", True), ("closed", True)]
    database.dispose()
