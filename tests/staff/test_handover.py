"""What is handed over can be read and done, whole; and nobody is asked ten questions, or why, for a no at the end."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.appeals.appeal import Appeal, freeze
from models.appeals.revision_review import open_revision_file
from models.core.state_machine import SYSTEM, WrongState
from models.oversight.pictures import NotForYou, open_gallery
from models.proxy.mandate import Mandate, ProxyAct
from models.staff.directory import colleagues
from models.staff.handover import NotAColleague, demand_colleague, hand_over
from models.staff.member import Staff
from models.staff.task import find_task
from models.verification import decisions
from models.verification.case import NOTICE_PERIOD, Verification, lock_case
from models.verification.file import open_visit_record
from models.verification.lifecycle import is_drawn
from models.verification.visit import Visit
from tests.harness.stage import Stage
from tests.scenes.appeals import put_in, wanted
from tests.scenes.cases import case, registered, visited
from tests.scenes.money.charities import LONGHUI
from tests.scenes.money.disbursements import authorised, people

HERE, THERE, COUNTY = "431124101204", "431124101205", "431124000000"


def hand(stage: Stage, subject: str, number: int, to: int) -> None:
    with Database(stage.database) as db, db.begin():
        task = find_task(db, subject, number)
        assert task
        hand_over(db, db.get_one(Staff, task.assignee or 0), db.get_one(Staff, to).work_no, stage.clock())


def may_see(stage: Stage, staff: int, subject: str, number: int) -> bool:
    with Database(stage.database) as db, db.begin():
        try:
            open_gallery(db, staff, subject, number, stage.clock())
        except NotForYou:
            return False
        return True


def test_a_change_handed_to_the_next_village_is_read_with_its_pictures_and_decided_there(stage: Stage) -> None:
    stage.appoint("o-zhou", "village", HERE)
    there = stage.appoint("o-tang", "village", THERE)
    stage.register("o-wang", "resident", HERE)
    number = stage.ask("o-wang")
    stage.say("o-zhou", f"通过 {number}")
    stage.appoint("o-qin", "village", HERE)
    revision = put_in(stage, number, wanted(1))
    with Database(stage.database) as db:
        assert open_revision_file(db, db.get_one(Staff, there), revision, stage.clock()) is None
    assert not may_see(stage, there, "appeal", number)
    hand(stage, "revision", revision, there)
    assert may_see(stage, there, "appeal", number)
    stage.say("o-tang", "待办")
    assert "修羊棚" in stage.say("o-tang", "1")
    stage.say("o-tang", "1")
    assert stage.said == ["replies/appeals/revision_decided"]
    assert not may_see(stage, there, "appeal", number)  # done: it is the other village's again


def test_a_case_handed_to_the_next_village_shows_its_visit_and_pictures_there_and_no_longer(stage: Stage) -> None:
    town = stage.appoint("o-town", "township")
    here, there = (stage.appoint(name, "village", place) for name, place in (("o-zhou", HERE), ("o-tang", THERE)))
    number = registered(stage, "o-wang", HERE)
    visited(stage, number, here, supports=False)
    stage.say("o-town", f"看 认证{number}")
    stage.say("o-town", f"退回 认证{number} 1")
    hand(stage, "case", number, there)

    def sees_visit() -> bool:
        with Database(stage.database) as db:
            return open_visit_record(db, db.get_one(Staff, there), number, stage.clock()) is not None

    assert (sees_visit(), may_see(stage, there, "case", number)) == (True, True)
    visited(stage, number, there)
    assert (sees_visit(), may_see(stage, there, "case", number)) == (False, False)
    assert may_see(stage, town, "case", number)


def test_the_signed_sheet_goes_with_what_was_done_by_it(stage: Stage) -> None:
    here, there = (stage.appoint(name, "village", place) for name, place in (("o-zhou", HERE), ("o-tang", THERE)))
    number = registered(stage, "o-wang", HERE)
    with Database(stage.database) as db, db.begin():
        mandate = Mandate(draft_id="sheet", user_id=db.get_one(Verification, number).user_id, staff_id=here)
        mandate.kind, mandate.scope, mandate.granted_at, mandate.expires_at = "sheet", "register", *[stage.clock()] * 2
        db.add(mandate)
        db.flush()
        act = ProxyAct(mandate_id=mandate.id, user_id=mandate.user_id, subject="user", subject_id=mandate.user_id)
        act.at = stage.clock()
        db.add(act)
        sheet = mandate.id
    assert may_see(stage, here, "mandate", sheet)
    assert not may_see(stage, there, "mandate", sheet)
    hand(stage, "case", number, there)
    assert may_see(stage, there, "mandate", sheet)


@pytest.mark.parametrize("word", ["走访", "驳回"])
def test_nobody_is_asked_what_leads_to_a_no(stage: Stage, word: str) -> None:
    """A case that waits for the township's look: neither to be visited, nor for the township to reject."""
    officer = stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    number = registered(stage, "o-wang", result="not_found")
    visited(stage, number, officer)
    stage.clock.move(NOTICE_PERIOD)
    apply_deadlines(stage.database, stage.clock())
    assert case(stage, number).state == "township_review"
    stage.say("o-town", f"看 认证{number}")
    assert "乡镇" in stage.say("o-town", f"{word} 认证{number}")
    assert stage.said == ["replies/refusals:wrong_state"]


def test_a_township_is_not_asked_why_it_rejects_an_appeal_that_only_a_county_may(stage: Stage) -> None:
    stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    while True:
        openid = f"o-wang-{stage.turns_taken}"
        stage.register(openid, "resident")
        number = stage.ask(openid, "crowdfund")
        stage.say("o-zhou", f"通过 {number}")
        with Database(stage.database) as db:
            task = find_task(db, "appeal", number)
            assert task
            assert (task.step == "sample") == is_drawn(db.get_one(Appeal, number).matter, 1)
            if task.step == "sample":
                break
    stage.say("o-town", f"看 {number}")
    stage.say("o-town", f"驳回 {number}")
    assert stage.said == ["replies/refusals:wrong_state"]
    stage.say("o-town", f"退回 {number}")
    assert stage.said == ["replies/staff/which_reason"]


def test_a_visit_of_another_step_is_refused_by_the_rule_itself(stage: Stage) -> None:
    officer, town = stage.appoint("o-zhou", "village"), stage.appoint("o-town", "township")
    number = registered(stage, "o-wang", result="not_found")
    visited(stage, number, officer, supports=False)
    with Database(stage.database) as db, db.begin():
        found = lock_case(db, number)
        visit = db.scalars(select(Visit)).one()
        with pytest.raises(WrongState):
            decisions.move_after_visit(db, found, db.get_one(Staff, town), visit, stage.clock())
        assert found.visited_by == officer


def test_fund_holders_are_colleagues_in_one_charity_wherever_they_sit(stage: Stage) -> None:
    own, far, other = (
        stage.appoint(f"o-{work_no}", "fund_holder", region, work_no)
        for work_no, region in (("N-OWN", COUNTY), ("N-FAR", "610000000000"), ("N-OTHER", COUNTY))
    )
    with Database(stage.database) as db, db.begin():
        db.get_one(Staff, other).charity_id = LONGHUI
        db.flush()
        holder = db.get_one(Staff, own)
        assert [member.id for member in colleagues(db, holder, None, stage.clock(), 9)] == [far]
        assert demand_colleague(db, holder, "N-FAR", stage.clock()).id == far
        with pytest.raises(NotAColleague):
            demand_colleague(db, holder, "N-OTHER", stage.clock())


def test_an_officer_assigns_neither_what_the_level_above_has_nor_a_fund_holders_step_to_their_own_level(
    stage: Stage,
) -> None:
    staff = people(stage)
    number, use = authorised(stage, 500_000, fen=200_000, staff=staff)
    stage.appoint("o-second", "fund_holder", COUNTY, "N-SECOND")
    assert "在慈善组织手里" in stage.say("o-township", f"分派 用款{use} N-TOWNSHIP")
    assert stage.said[-1] == "replies/refusals:not_yours_to_assign"
    stage.said = []
    assert "不是他那个岗位办的" in stage.say("o-county", f"分派 用款{use} N-COUNTY")
    listed = stage.say("o-county", f"分派 用款{use}")
    assert "N-SECOND" in listed
    assert "N-COUNTY" not in listed
    with Database(stage.database) as db, db.begin():
        freeze(db, db.get_one(Appeal, number), SYSTEM, stage.clock(), "complaint")
    assert "在县里手里" in stage.say("o-township", f"分派 {number} N-TOWNSHIP")
