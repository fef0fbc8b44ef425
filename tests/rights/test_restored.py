"""A restored backup carries out nothing that somebody may have stopped since it was made."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.people.conversation import Conversation
from models.people.shared_phone import wait_for_code
from models.rights.erasure.restored import end_waiting
from tests.harness.stage import Stage


def test_a_forgotten_code_is_asked_for_again(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    for said in ("换人", "1", "7305", "确认"):
        stage.say("o-wang", said)
    with Database(stage.database) as db, db.begin():
        parked = db.scalars(select(Conversation).where(Conversation.parked_openid == "o-wang")).one()
        wait_for_code(db, parked, stage.clock())
    with Database(stage.database) as db, db.begin():
        end_waiting(db, stage.clock())
    stage.clock.move(timedelta(hours=25))
    for said in ("换人", "1"):
        stage.say("o-wang", said)
    assert "请本人写自己的" in stage.say("o-wang", "4417")
