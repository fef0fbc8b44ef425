"""Who has WeChat erase them and comes back finds the same limits and is no new reporter, for a month."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.people.conversation import Conversation
from models.people.user import TooManyIdNumbers, count_id_number
from models.rights.request import AskedTooOften, ask_for_export, check_may_ask
from models.support.inquiry import Inquiry, Report
from models.support.reporters import Weight, is_discredited, weigh
from tests.harness.erasing import EVENTS, of, tell_gone
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.reports import reports


def come_back(stage: Stage) -> int:
    """The same WeChat, erased and there again: the new conversation."""
    tell_gone(stage, EVENTS[0], "o-li")
    stage.say("o-li", "菜单")
    return stage.person("o-li")


def test_limits_of_the_day_do_not_begin_anew(stage: Stage) -> None:
    before, now = stage.person("o-li"), stage.clock()
    with Database(stage.database) as db, db.begin():
        for _ in range(5):
            count_id_number(db, before, now)
            ask_for_export(db, before, now, proved=False)
    after = come_back(stage)
    assert after != before
    with Database(stage.database) as db:
        with pytest.raises(TooManyIdNumbers):
            count_id_number(db, after, now)
        with pytest.raises(AskedTooOften):
            check_may_ask(db, after, now)
        # Somebody else is counted by themselves.
        count_id_number(db, stage.person("o-wang"), now)


def test_two_reports_from_one_wechat_are_one_persons_and_nothing_is_known_after_a_month(stage: Stage) -> None:
    number = stage.open_appeal()
    reports(stage, "o-li", str(number))
    after = come_back(stage)
    stage.said = []
    stage.say("o-li", f"举报 {number}")
    assert stage.said == ["replies/refusals:reported_already"]
    with Database(stage.database) as db:
        hashes = set(db.scalars(select(Conversation.erased_phone).where(Conversation.erased_phone.is_not(None))))
        assert len(hashes) == 1
        assert not any("o-li" in each for each in hashes if each)
        inquiry = db.scalars(select(Inquiry)).one()
        # As if the second had been taken.
        second = {"draft_id": "d", "kind": "fake", "words": "", "at": stage.clock()}
        db.add(Report(**second, conversation_id=after, inquiry_id=inquiry.id))
        db.flush()
        assert weigh(db, inquiry, stage.clock()) == Weight(circles=1, verified=0)
        assert db.get_one(Conversation, after).erased_phone is None
    stage.clock.move(timedelta(days=31))
    apply_deadlines(stage.database, stage.clock())
    assert set(of(stage, Conversation, "erased_phone")) == {None}
    assert set(of(stage, Conversation, "erased_phone_until")) == {None}


def test_who_reported_what_was_not_so_is_still_known_for_it(stage: Stage) -> None:
    before, now = stage.person("o-li"), stage.clock()
    with Database(stage.database) as db, db.begin():
        for number in range(3):
            ended = {"region_code": DAOXIAN_MEIHUA, "opened_at": now, "state": "not_upheld", "decided_at": now}
            inquiry = Inquiry(about="offer", about_id=number, **ended)
            db.add(inquiry)
            db.flush()
            said = {"draft_id": f"d{number}", "kind": "fake", "words": "", "at": now}
            db.add(Report(**said, conversation_id=before, inquiry_id=inquiry.id))
    after = come_back(stage)
    with Database(stage.database) as db:
        assert is_discredited(db, after)
        assert not is_discredited(db, stage.person("o-wang"))
