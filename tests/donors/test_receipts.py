"""Donation receipts: one at a time for a gift that is there, names sealed and soon gone, and nobody else's to see."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.core.audit_trail import AuditEvent
from models.donors.receipt import Receipt
from models.donors.receipt_desk import (
    NoReceipt,
    NoSuchReceipt,
    ReceiptRequest,
    gift_for_receipt,
    gifts_with_receipts,
    issue,
    open_receipt,
    refuse,
    request_receipt,
    void,
    waiting_receipts,
    withdraw_requests_of_refunded,
)
from models.giving.pledge import Pledge
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff
from tests.harness.erasing import erase_person
from tests.harness.racing import patient
from tests.harness.stage import Stage
from tests.scenes.money import gifts, refunds

DAOXIAN, LONGHUI = "431124000000", "430524000000"
NAME, TAX = "永州市某某果业有限公司", "91110000600037341L"


@pytest.fixture
def holder(stage: Stage) -> int:
    return stage.appoint("o-holder", "fund_holder", DAOXIAN)


@pytest.fixture
def gift(stage: Stage, holder: int) -> int:
    """Li's, of ¥100."""
    return gifts.give(stage, stage.open_appeal(), 10_000, "o-li")


def user_of(db: Database, openid: str = "o-li") -> User:
    return db.scalars(select(User).join(Conversation).where(Conversation.openid == openid)).one()


def asked(stage: Stage, gift: int, draft: str = "r1") -> int:
    with Database(stage.database) as db, db.begin():
        return request_receipt(db, user_of(db), gift, ReceiptRequest(draft, "firm", NAME, TAX), stage.clock()).id


def decide(stage: Stage, holder: int, act: Callable[..., object], *values: object) -> None:
    with Database(stage.database) as db, db.begin():
        act(db, db.get_one(Staff, holder), *values, stage.clock())


def receipt(stage: Stage, number: int) -> Receipt:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.get_one(Receipt, number)


def waiting(stage: Stage, holder: int) -> list[int]:
    with Database(stage.database) as db:
        return [each.id for each in waiting_receipts(db, db.get_one(Staff, holder), 9)]


def test_a_name_lies_sealed_and_goes_when_nobody_needs_it(stage: Stage, holder: int, gift: int) -> None:
    number = asked(stage, gift)
    with stage.database.connect() as connection:
        row = connection.execute(text("SELECT name, tax_number FROM receipts")).one()
    assert all(words.encode() not in bytes(sealed) for sealed in row for words in (NAME, TAX))
    assert receipt(stage, number).name == NAME
    decide(stage, holder, issue, number, "0012345678")
    found = receipt(stage, number)
    assert (found.state, found.number, found.name, found.tax_number) == ("issued", "0012345678", None, None)
    assert (found.decided_by, found.decided_at) == (holder, stage.clock())


def test_each_look_at_a_name_is_recorded_for_its_owner(stage: Stage, holder: int, gift: int) -> None:
    number = asked(stage, gift)
    with Database(stage.database) as db, db.begin():
        file = open_receipt(db, db.get_one(Staff, holder), number, stage.clock())
        assert (file.receipt.name, file.receipt.tax_number, file.amount_fen) == (NAME, TAX, 10_000)
    with Database(stage.database) as db:
        look = db.scalars(select(AuditEvent).where(AuditEvent.action == "read_sensitive")).one()
        assert (look.subject, look.subject_id, look.about) == ("receipt", number, user_of(db).id)
        words = " ".join(str(value) for event in db.scalars(select(AuditEvent)) for value in vars(event).values())
        assert NAME not in words
        assert TAX not in words


def test_of_one_gift_one_at_a_time(stage: Stage, holder: int, gift: int) -> None:
    number = asked(stage, gift)
    assert asked(stage, gift) == number
    with pytest.raises(NoReceipt, check=lambda no: no.values["why"] == "asked"):
        asked(stage, gift, "r2")
    decide(stage, holder, refuse, number, "name_wrong")
    again = asked(stage, gift, "r2")
    decide(stage, holder, issue, again, "0012345678")
    with pytest.raises(NoReceipt, check=lambda no: no.values["number"] == "0012345678"):
        asked(stage, gift, "r3")


def test_the_table_takes_no_second_one_and_no_name_that_stays(stage: Stage, gift: int) -> None:
    number = asked(stage, gift)
    for statement in (
        "INSERT INTO receipts (draft_id, pledge_id, appeal_id, made_out_to, name, state, created_at) "
        "SELECT 'x', pledge_id, appeal_id, made_out_to, name, state, created_at FROM receipts",
        "UPDATE receipts SET state = 'issued', number = '1234', decided_at = created_at",
        "UPDATE receipts SET name = NULL, tax_number = NULL",
        "UPDATE receipts SET state = 'refused', name = NULL, tax_number = NULL, decided_at = created_at",
    ):
        with pytest.raises(IntegrityError), stage.database.begin() as connection:
            connection.execute(text(statement))
    assert receipt(stage, number).state == "asked"


def test_only_its_donor_asks_and_only_for_money_that_is_there(stage: Stage, gift: int) -> None:
    stage.register("o-other", "donor")
    waits = gifts.promise(stage, 1, 5_000, "o-li")
    back = gifts.give(stage, 1, 5_000, "o-li")
    refunds.want_back(stage, back)
    with Database(stage.database) as db:
        codes = {number: db.get_one(Pledge, number).code for number in (gift, waits, back)}
        li, other = user_of(db), user_of(db, "o-other")
        for user, code, why in (
            (other, codes[gift], "unknown"),
            (li, "ZZZZ2345ZZ", "unknown"),
            (li, codes[waits], "unpaid"),
            (li, codes[back], "went_back"),
        ):
            with pytest.raises(NoReceipt) as refused:
                gift_for_receipt(db, user, code)
            assert refused.value.values["why"] == why
        assert [pledge.id for pledge, _ in gifts_with_receipts(db, li, 9)] == [gift]
        assert gifts_with_receipts(db, other, 9) == []


def test_a_charity_sees_those_of_its_own_place(stage: Stage, holder: int, gift: int) -> None:
    number, elsewhere = asked(stage, gift), stage.appoint("o-longhui", "fund_holder", LONGHUI)
    province = stage.appoint("o-hunan", "fund_holder", "430000000000")
    assert waiting(stage, holder) == waiting(stage, province) == [number]
    assert waiting(stage, elsewhere) == []
    for act, *values in ((open_receipt,), (issue, "0012345678"), (refuse, "name_wrong"), (void,)):
        with pytest.raises(NoSuchReceipt):
            decide(stage, elsewhere, act, number, *values)


def test_who_is_no_charity_gets_nothing_by_its_lines(stage: Stage, holder: int, gift: int) -> None:
    number = asked(stage, gift)
    stage.appoint("o-county", "county", DAOXIAN)
    assert "李" not in stage.say("o-county", f"票据 {number}")
    assert NAME not in stage.say("o-county", "票据")
    assert NAME not in stage.say("o-stranger", f"票据 {number}")
    stage.say("o-holder", "消息")
    assert NAME not in stage.say("o-holder", "票据")
    assert NAME in stage.say("o-holder", f"票据 {number}")


def test_what_goes_back_takes_its_request_along(stage: Stage, holder: int, gift: int) -> None:
    number = asked(stage, gift)
    refunds.want_back(stage, gift)
    assert waiting(stage, holder) == []
    with pytest.raises(NoSuchReceipt):
        decide(stage, holder, issue, number, "0012345678")
    with Database(stage.database) as db, db.begin():
        assert withdraw_requests_of_refunded(db, stage.clock()) == 1
        assert withdraw_requests_of_refunded(db, stage.clock()) == 0
    found = receipt(stage, number)
    assert (found.state, found.name) == ("withdrawn", None)


def test_what_was_issued_waits_to_be_cancelled_when_its_gift_goes_back(stage: Stage, holder: int, gift: int) -> None:
    number = asked(stage, gift)
    decide(stage, holder, issue, number, "0012345678")
    assert waiting(stage, holder) == []
    with pytest.raises(NoSuchReceipt):
        decide(stage, holder, void, number)
    refunds.want_back(stage, gift)
    assert waiting(stage, holder) == [number]
    decide(stage, holder, void, number)
    assert receipt(stage, number).state == "void"
    assert waiting(stage, holder) == []


def test_somebody_erased_leaves_no_name(stage: Stage, gift: int) -> None:
    number = asked(stage, gift)
    with Database(stage.database) as db, db.begin():
        erase_person(db, db.scalars(select(Conversation.id).where(Conversation.openid == "o-li")).one(), stage.clock())
    found = receipt(stage, number)
    assert (found.state, found.name, found.tax_number) == ("withdrawn", None, None)


def test_the_charity_hears_of_several_in_one_word(stage: Stage, holder: int, gift: int) -> None:
    asked(stage, gift)
    other = gifts.give(stage, 1, 2_000, "o-li")
    asked(stage, other, "r2")
    told = stage.say("o-holder", "消息")
    assert "有 2 件新的等您办" in told


def test_of_two_who_decide_at_once_one_does(new_database: Callable[[], str]) -> None:
    stage = patient(Stage(new_database()))
    holder = stage.appoint("o-holder", "fund_holder", DAOXIAN)
    gift = gifts.give(stage, stage.open_appeal(), 10_000, "o-li")
    number = asked(stage, gift)
    outcomes: list[str] = []
    gate = threading.Barrier(8)

    def one(serial: int) -> None:
        gate.wait()
        try:
            decide(stage, holder, issue, number, f"00123{serial:03}")
        except NoSuchReceipt:
            outcomes.append("late")
        else:
            outcomes.append("issued")

    threads = [threading.Thread(target=one, args=(serial,)) for serial in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["issued", *["late"] * 7]
    stage.close()
