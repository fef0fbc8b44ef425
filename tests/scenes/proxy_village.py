"""A village whose officer acts for a resident."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from models.core.audit_trail import AuditEvent
from tests.harness.stage import Stage, id_number
from tests.harness.transcript import Actor

STORY = "我们家三口人，老伴身体不好，儿子在外打工。我会做衣服，想买一台缝纫机在家里接活，补贴家用，供孙子上学。"


WANG = id_number(3)


BY_SHEET = ["代办", "2", WANG, "1", "[photo]", "完成", "确认"]


APPEAL = ["1", "买台缝纫机做衣服", "做买卖", "1", "3000", "缝纫机 3000", STORY, "完成", "[photo]", "完成"]


APPEAL += ["道县梅花镇", "两个月后", "确认"]


class Village:
    """王秀兰, whose ID number is the first of the stage, and two officers of her township."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.actor = Actor(stage)
        self.wang = stage.register("o-wang", "resident")
        self.zhou = stage.appoint("o-zhou", "village")
        self.tang = stage.appoint("o-tang", "village")

    def say(self, name: str, *words: str) -> str:
        """The reply to the last of these."""
        self.actor.openid = f"o-{name}"
        for each in words:
            self.actor._send(each)
        return self.actor.reply

    def code(self) -> str:
        """A new one of 王秀兰's."""
        return self.say("wang", "授权代办").split("代办码：")[1][:6]

    def set(self, table: Any, number: int, **values: Any) -> None:
        with Database(self.stage.database) as db, db.begin():
            db.execute(update(table).where(table.id == number).values(**values))

    def newest(self, table: Any) -> Any:
        with Database(self.stage.database, expire_on_commit=False) as db:
            return db.scalars(select(table).order_by(table.id.desc()).limit(1)).one()

    def count(self, table: Any) -> int:
        with Database(self.stage.database) as db:
            return db.scalar(select(func.count()).select_from(table)) or 0

    def actions(self, subject: str) -> list[str]:
        events = select(AuditEvent.action).where(AuditEvent.subject == subject).order_by(AuditEvent.id)
        with Database(self.stage.database) as db:
            return list(db.scalars(events))


@pytest.fixture
def village(database_url: str) -> Iterator[Village]:
    stage = Stage(database_url)
    yield Village(stage)
    stage.close()
