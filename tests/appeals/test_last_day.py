"""An appeal's last day is chosen as days from its publication, or as a date; publication fixes it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

import models.migrations
from flows.engine.session import Draft, Session, dumps
from models.appeals.appeal import Appeal
from models.appeals.publication import publish
from models.appeals.submission import NewAppeal, submit
from models.core.database import connect
from models.giving.funding import cancel_overdue_reviews
from models.people.conversation import Conversation
from models.people.user import User
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

NEW = NewAppeal(
    draft_id="by-days",
    kind="one_to_one",
    category="industry",
    title="给橘园盖大棚",
    story="我家种了三亩橘子，去年冬天冻坏了一半，想盖一个大棚。",
    region_code=DAOXIAN_MEIHUA,
    target_fen=300_000,
    budget=(("薄膜", 300_000),),
    collect_days=30,
)


def hand_in(stage: Stage, wanted: NewAppeal = NEW) -> int:
    user = stage.register(f"o-{wanted.draft_id}", "resident")
    with Database(stage.database) as db, db.begin():
        return submit(db, wanted, db.get_one(User, user), stage.clock()).id


def open_to_pledges(stage: Stage, number: int) -> None:
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, number)
        appeal.state = "endorsed"
        publish(db, appeal, stage.clock())


def end_reviews(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        cancel_overdue_reviews(db, stage.clock())


def found(database: Engine, number: int) -> Appeal:
    with Database(database) as db:
        return db.get_one(Appeal, number)


def test_checking_takes_nothing_from_the_days_and_publication_fixes_the_date(stage: Stage) -> None:
    number = hand_in(stage)
    stage.clock.move(timedelta(days=36))
    end_reviews(stage)
    assert (found(stage.database, number).state, found(stage.database, number).deadline) == ("submitted", None)
    open_to_pledges(stage, number)
    # 24 November and 36 days is 30 December; the 30th day from there ends at midnight in China.
    assert found(stage.database, number).deadline == datetime(2027, 1, 29, 15, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("column", ["deadline", "collect_days"])
def test_a_published_last_day_never_changes(stage: Stage, column: str) -> None:
    number = hand_in(stage)
    open_to_pledges(stage, number)
    later = {"deadline": func.now(), "collect_days": 60}[column]
    with pytest.raises(IntegrityError, match="are fixed"), stage.database.begin() as connection:
        connection.execute(update(Appeal).where(Appeal.id == number).values({column: later}))


def test_an_appeal_without_a_date_or_days_is_refused_by_the_database(stage: Stage) -> None:
    with pytest.raises(IntegrityError, match="deadline_known"):
        hand_in(stage, replace(NEW, collect_days=None))


def test_a_date_that_passes_during_the_checks_still_ends_the_appeal(stage: Stage) -> None:
    date = stage.clock() + timedelta(days=37)
    number = hand_in(stage, replace(NEW, deadline=date, collect_days=None))
    stage.clock.move(timedelta(days=38))
    end_reviews(stage)
    assert (found(stage.database, number).state, found(stage.database, number).deadline) == ("cancelled", date)


def test_a_draft_of_an_earlier_version_keeps_its_date_as_long_as_it_can_be_met(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    answers = {
        "title": "给橘园盖大棚",
        "category": "industry",
        "kind": "one_to_one",
        "target": 300_000,
        "budget": [{"item": "薄膜", "amount_fen": 300_000}],
        "story": NEW.story * 3,
        "photos": [{"media_id": "m1", "pic_url": "http://127.0.0.1/1.jpg"}],
        "place": {"code": DAOXIAN_MEIHUA, "name": "湖南省永州市道县梅花镇", "latitude": None, "longitude": None},
        "deadline": "2027-01-31",
    }
    then = int(stage.clock().timestamp())
    draft = Draft("old", "start_appeal", 1, then, then, answers=answers, given={"kind": "one_to_one"})
    with Database(stage.database) as db, db.begin():
        mine = db.scalars(select(Conversation).where(Conversation.openid == "o-wang")).one()
        mine.session = dumps(Session(drafts=[draft], focus="old"))
    assert "收到哪天：2027年1月31日" in stage.say("o-wang", "继续")
    stage.clock.move(timedelta(days=20))
    stage.say("o-wang", "继续")
    stage.clock.move(timedelta(days=12))
    assert "来不及" in stage.say("o-wang", "继续")
    assert "收多少天：公开以后 60 天" in stage.say("o-wang", "2")
    stage.say("o-wang", "确认")
    assert found(stage.database, 1).collect_days == 60


def test_appeals_of_before_keep_their_dates_and_going_back_gives_every_appeal_one(
    new_database: Callable[[], str],
) -> None:
    stage = Stage(new_database())
    dated = hand_in(stage, replace(NEW, draft_id="dated", deadline=datetime(2027, 3, 1, tzinfo=UTC), collect_days=None))
    waiting, public = hand_in(stage), hand_in(stage, replace(NEW, draft_id="public"))
    open_to_pledges(stage, public)
    fixed = found(stage.database, public).deadline
    url = stage.settings.database_url
    stage.seal()
    stage.close()
    migrations = Config()
    migrations.set_main_option("script_location", str(Path(str(models.migrations.__file__)).parent))
    migrations.attributes["url"] = url
    command.downgrade(migrations, "0001")
    database = connect(url)
    dates = text("SELECT id, deadline FROM appeals ORDER BY id")
    with database.connect() as connection:
        before = {row.id: row.deadline for row in connection.execute(dates)}
    command.upgrade(migrations, "head")
    after = {number: found(database, number) for number in (dated, waiting, public)}
    database.dispose()
    assert before[dated] == datetime(2027, 3, 1, tzinfo=UTC)
    assert before[waiting] == stage.clock() + timedelta(days=60)
    assert before[public] == fixed
    assert {number: (appeal.deadline, appeal.collect_days) for number, appeal in after.items()} == {
        number: (deadline, None) for number, deadline in before.items()
    }
