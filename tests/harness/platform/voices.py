"""Voices that are heard: as a worker would record it and send the word of it, without WeChat and the recogniser."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.people.conversation import Conversation
from models.speech.hearing import record_heard, record_unheard
from models.speech.voice import Voice
from tests.harness.platform.push_arrivals import go_out
from tests.harness.stage import Stage


def hear(stage: Stage, openid: str, words: str = "", why: str = "") -> None:
    """The person's oldest voice, a few seconds after they sent it: its words, or why there are none."""
    stage.clock.move(timedelta(seconds=3))
    with Database(stage.database) as db, db.begin():
        theirs = select(Voice.id).join(Conversation).where(Conversation.openid == openid, Voice.state == "listening")
        voice = db.scalars(theirs.order_by(Voice.id)).first()
        assert voice is not None, "nobody listens"
        now = stage.clock()
        assert record_heard(db, voice, words, now, {}) if words else record_unheard(db, voice, why, now)
    stage.clock.move(timedelta(seconds=1))
    go_out(stage, openid)
