"""Somebody reports a thing (举报), from the first word to the last."""

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.staff.decision import Decision
from models.staff.member import Staff
from models.staff.task import find_task
from models.support.inquiry import Inquiry
from tests.harness.stage import DAOXIAN_MEIHUA, Stage


def reports(stage: Stage, openid: str, what: str = "1", kind: str = "1") -> str:
    """Report it with no more than its kind; returns what is said at last. Of an officer the kind is known."""
    said = stage.say(openid, f"举报 {what}")
    if "哪里不对" in said:
        stage.say(openid, kind)
    for words in ("跳过", "跳过"):
        stage.say(openid, words)
    return stage.say(openid, "确认")


def newest(stage: Stage) -> Inquiry:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.scalars(select(Inquiry).order_by(Inquiry.id.desc())).first() or Inquiry()


def decided(stage: Stage, openid: str, subject: str = "appeal", verdict: str = "pass") -> None:
    """On appeal 1, or on the first case, which is that of its household."""
    with Database(stage.database) as db, db.begin():
        staff = db.scalars(select(Staff).where(Staff.openid == openid)).one()
        passed = {"subject": subject, "subject_id": 1, "role": staff.role, "verdict": verdict, "at": stage.clock()}
        db.add(Decision(region_code=DAOXIAN_MEIHUA, staff_id=staff.id, **passed))


def holder(stage: Stage) -> str | None:
    with Database(stage.database) as db:
        task = find_task(db, "inquiry", newest(stage).id)
        return db.get_one(Staff, task.assignee).openid if task and task.assignee else None
