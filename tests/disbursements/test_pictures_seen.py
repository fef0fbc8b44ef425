"""Nobody passes or pays a disbursement whose pictures they have not opened since they last changed."""

import re

import pytest

from models.core.audit_trail import record_reading
from models.core.refusal import Refusal
from models.disbursements.acquittal import acquit, hand_in_receipts
from models.disbursements.approval import hand_in, lock_disbursement, pass_on, turn_away
from models.disbursements.confirmation import answer, record_call
from models.disbursements.disbursement import Disbursement
from models.disbursements.payout import pay
from models.staff.member import Staff
from models.staff.pictures_opened import PicturesNotOpened
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import (
    COUNTY,
    asked,
    at,
    authorised,
    fixed,
    funded,
    owner_of,
    paid,
    passed,
    people,
    pictures_arrive,
    seen,
    state,
)

STEPS = ("endorser", "township", "holder")


@pytest.fixture
def staff(stage: Stage) -> dict[str, int]:
    return people(stage)


@pytest.fixture
def use(stage: Stage, staff: dict[str, int]) -> int:
    """A request with a picture, which nobody has looked at."""
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    return asked(stage, number, 1_000)


def passes(stage: Stage, use: int, staff_id: int) -> str:
    """Why this member of staff may not pass it, or the state that it has then."""
    try:
        with at(stage) as db:
            return pass_on(db, db.get_one(Staff, staff_id), use, stage.clock()).state
    except PicturesNotOpened as refusal:
        return str(refusal.values["why"])


@pytest.mark.parametrize("before", range(len(STEPS)))
def test_each_of_the_three_must_have_looked(stage: Stage, staff: dict[str, int], use: int, before: int) -> None:
    passed(stage, use, *STEPS[:before], staff=staff)
    pictures_arrive(stage)
    held = state(stage, use)
    assert passes(stage, use, staff[STEPS[before]]) == "unseen"
    assert state(stage, use) == held
    seen(stage, use, staff[STEPS[before]])
    assert passes(stage, use, staff[STEPS[before]]) in ("endorsed", "approved", "authorised")


def test_another_cashier_than_the_one_who_authorised_looks_too(stage: Stage, staff: dict[str, int]) -> None:
    _, use = authorised(stage, 10_000, fen=1_000, staff=staff)
    other = stage.appoint("o-cashier", "fund_holder", COUNTY)
    with pytest.raises(PicturesNotOpened), at(stage) as db:
        pay(db, db.get_one(Staff, other), use, "T1", stage.clock())
    reply = stage.say("o-cashier", f"放款 {use}")
    assert "还没打开看" in reply
    link = re.search(r"/pictures/\S+", reply)
    assert link
    assert stage.browse("o-cashier", link[0]).status_code == 200
    assert stage.say("o-cashier", f"放款 {use}")
    assert stage.said[-1] == "pay_out/reference:ask"
    # Who authorised it has looked at the very same pictures.
    with at(stage) as db:
        assert pay(db, db.get_one(Staff, staff["holder"]), use, "T1", stage.clock())[0].state == "paid"


def test_pictures_that_came_later_are_looked_at_anew(stage: Stage, staff: dict[str, int], use: int) -> None:
    seen(stage, use, staff["endorser"])
    with at(stage) as db:
        turn_away(db, db.get_one(Staff, staff["endorser"]), use, "requested", ("evidence_unclear",), stage.clock())
    with at(stage) as db:
        request, appeal = lock_disbursement(db, use)
        hand_in(db, request, appeal, [{"media_id": "new", "pic_url": "http://127.0.0.1/n.jpg"}], 1, stage.clock())
    pictures_arrive(stage)
    assert passes(stage, use, staff["endorser"]) == "unseen"
    seen(stage, use, staff["endorser"])
    assert passes(stage, use, staff["endorser"]) == "endorsed"


def test_a_look_while_pictures_are_on_their_way_is_none_at_all_of_them(
    stage: Stage, staff: dict[str, int], use: int
) -> None:
    for arrived in (False, True):
        if arrived:
            pictures_arrive(stage)
        found = re.search(r"/pictures/\S+", stage.say("o-endorser", f"看 用款{use}"))
        assert found
        assert passes(stage, use, staff["endorser"]) == ("unseen" if arrived else "coming")
        assert stage.browse("o-endorser", found[0]).status_code == 200
    assert passes(stage, use, staff["endorser"]) == "endorsed"


def test_a_picture_that_never_came_proves_nothing(stage: Stage, staff: dict[str, int], use: int) -> None:
    pictures_arrive(stage, "lost")
    with at(stage) as db:
        who = f"staff:{staff['endorser']}"
        record_reading(db, at=stage.clock(), actor=who, subject="disbursement", subject_id=use, purpose="pictures")
    assert passes(stage, use, staff["endorser"]) == "lost"
    stage.say("o-endorser", f"看 用款{use}")
    assert "一张也没收到" in stage.say("o-endorser", f"通过 用款{use}")
    assert "为什么退回" in stage.say("o-endorser", f"退回 用款{use}")


def test_receipts_are_looked_at_before_they_acquit(stage: Stage, staff: dict[str, int]) -> None:
    _, use = authorised(stage, 10_000, fen=10_000, staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        request, appeal = lock_disbursement(db, use)
        answer(db, owner_of(db, appeal), request.code, "received", stage.clock())
    with at(stage) as db:
        hand_in_receipts(db, use, [{"media_id": "r", "pic_url": "http://127.0.0.1/r.jpg"}], 1, stage.clock())
    with at(stage) as db:
        if db.get_one(Disbursement, use).sampled:
            record_call(db, db.get_one(Staff, staff["caller"]), use, "received", stage.clock())
    pictures_arrive(stage)

    def acquits() -> None:
        with at(stage) as db:
            acquit(db, db.get_one(Staff, staff["endorser"]), use, stage.clock())

    # The endorser has seen the quotation, and not the receipts.
    with pytest.raises(Refusal) as refused:
        acquits()
    assert refused.value.values["why"] == "unseen"
    seen(stage, use, staff["endorser"])
    acquits()
    assert state(stage, use) == "acquitted"
