"""A charity's money is its own fund holders' business, wherever they sit; where it has none, the county is told."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.donors.receipt_desk import NoSuchReceipt, ReceiptRequest, open_receipt, request_receipt, waiting_receipts
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff
from models.staff.queue import assign_pool_tasks, release_tasks
from models.staff.task import find_task
from tests.harness.stage import Stage
from tests.scenes.money.charities import LONGHUI
from tests.scenes.money.gifts import give

NAME = "永州市某某果业有限公司"


def receipt_of_a_gift(stage: Stage) -> int:
    gift = give(stage, stage.open_appeal(), 10_000, "o-li")
    with Database(stage.database) as db, db.begin():
        user = db.scalars(select(User).join(Conversation).where(Conversation.openid == "o-li")).one()
        return request_receipt(db, user, gift, ReceiptRequest("r1", "firm", NAME, None), stage.clock()).id


def holder_of_task(stage: Stage, number: int) -> tuple[str, int | None]:
    with Database(stage.database) as db:
        task = find_task(db, "receipt", number)
        assert task
        return task.role, task.assignee


def test_its_own_people_have_it_and_nobody_of_another_charity(stage: Stage) -> None:
    other = stage.appoint("o-other", "fund_holder", "430524000000")
    with Database(stage.database) as db, db.begin():
        db.get_one(Staff, other).region_code = "431124000000"  # of Longhui's charity still, and seated in Daoxian
    far = stage.appoint("o-far", "fund_holder", "360000000000")
    number = receipt_of_a_gift(stage)
    assert holder_of_task(stage, number) == ("fund_holder", far)
    with Database(stage.database) as db, db.begin():
        stranger = db.get_one(Staff, other)
        assert stranger.charity_id == LONGHUI
        assert waiting_receipts(db, stranger, 9) == []
        with pytest.raises(NoSuchReceipt):
            open_receipt(db, stranger, number, stage.clock())
        assert [each.id for each in waiting_receipts(db, db.get_one(Staff, far), 9)] == [number]


def test_of_several_the_nearest_has_it(stage: Stage) -> None:
    stage.appoint("o-far", "fund_holder", "360000000000")
    stage.appoint("o-province", "fund_holder", "430000000000")
    near = stage.appoint("o-near", "fund_holder", "431124000000")
    assert holder_of_task(stage, receipt_of_a_gift(stage)) == ("fund_holder", near)


def test_where_a_charity_has_nobody_the_county_finds_somebody(stage: Stage) -> None:
    county = stage.appoint("o-county", "county", "431124000000")
    number = receipt_of_a_gift(stage)
    assert holder_of_task(stage, number) == ("county", county)
    assert "要票据" in stage.say("o-county", "待办") or "开票" in stage.say("o-county", "待办")
    said = stage.say("o-county", "1")
    assert stage.said == ["replies/donors/receipt_nobody"]
    assert "没有经办人" in said
    assert "您回复“授权”请进来" in said
    assert NAME not in said
    seat = stage.appoint("o-holder", "fund_holder", "431124000000")
    with Database(stage.database) as db, db.begin():
        assign_pool_tasks(db, db.get_one(Staff, seat), stage.clock())
    assert holder_of_task(stage, number) == ("fund_holder", seat)
    stage.say("o-county", "待办")
    assert stage.said == ["replies/staff/todo"]


def test_who_leaves_leaves_it_to_the_county(stage: Stage) -> None:
    county = stage.appoint("o-county", "county", "431124000000")
    seat = stage.appoint("o-holder", "fund_holder", "431124000000")
    number = receipt_of_a_gift(stage)
    assert holder_of_task(stage, number) == ("fund_holder", seat)
    with Database(stage.database) as db, db.begin():
        leaving = db.get_one(Staff, seat)
        leaving.state = "revoked"
        release_tasks(db, leaving, stage.clock())
    assert holder_of_task(stage, number) == ("county", county)
