"""Who may move an appeal from where: every role at every step with every verdict, and three people."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import MACHINE, Appeal, freeze, resume
from models.appeals.file import open_appeal_file
from models.appeals.publication import publish
from models.appeals.review import approve, reject, send_back
from models.appeals.submission import NewAppeal, OnePerCategory, submit
from models.core.audit_trail import AuditEvent
from models.core.state_machine import Actor, By, NotYours, WrongState
from models.notifications.notification import Notification
from models.oversight.pictures import NotForYou, open_gallery
from models.people.user import User
from models.staff.decision import Decision
from models.staff.member import STAFF_ROLES, Staff
from models.staff.queue import escalate_overdue, list_queue
from models.staff.task import find_task
from models.staff.turn import HasConflict, NotYourTurn, OutsideRegion
from models.support.desk import AnswerTooLong, answer_ticket
from models.support.ticket import Ticket, open_ticket
from models.verification.case import Verification
from models.verification.file import open_case_file
from models.verification.lifecycle import is_drawn
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.money.charities import NATIONAL
from tests.scenes.seat import DAOXIAN, HUNAN, QINGTANG, SEAT

VERDICTS: dict[str, Callable[..., Appeal]] = {"pass": approve, "return": send_back, "reject": reject}
REASON = {"return": ("title_unclear",), "reject": ("not_in_need",)}
# (kind, step) -> whose it is, and where each verdict leads; what is not listed there is no move of that role.
STEPS: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("one_to_one", "endorse"): ("village", {"pass": "funding", "return": "returned", "reject": "rejected"}),
    ("crowdfund", "endorse"): ("village", {"pass": "endorsed", "return": "returned", "reject": "rejected"}),
    ("crowdfund", "sample"): ("township", {"pass": "endorsed", "return": "returned"}),
    ("crowdfund", "county"): ("county", {"pass": "county_review", "return": "returned", "reject": "rejected"}),
    ("crowdfund", "file"): ("fund_holder", {"pass": "funding", "return": "returned"}),
}


def ask(stage: Stage, kind: str = "one_to_one", serial: int = 1) -> int:
    """A submitted appeal by a household of its own."""
    stage.register(f"o-wang-{serial}", "resident")
    return stage.ask(f"o-wang-{serial}", kind)


def appoint_all(stage: Stage, name: str) -> dict[str, int]:
    return {role: stage.appoint(f"o-{name}-{role}", role, SEAT[role], f"N-{name}-{role}") for role in STAFF_ROLES}


def judge(stage: Stage, staff_id: int, number: int, verdict: str) -> str:
    """In a transaction of its own; returns where the appeal stands."""
    with Database(stage.database) as db, db.begin():
        staff = db.get_one(Staff, staff_id)
        more = (REASON[verdict],) if verdict in REASON else ()
        return VERDICTS[verdict](db, staff, number, *more, stage.clock()).state


def step_of(stage: Stage, number: int) -> str | None:
    with Database(stage.database) as db:
        task = find_task(db, "appeal", number)
        return task.step if task else None


def bring(stage: Stage, kind: str, step: str, passers: dict[str, int]) -> int:
    """An appeal that waits at this step; whether the lot takes it into the sample follows from its number."""
    for serial in range(1, 60):
        number = ask(stage, kind, serial)
        with Database(stage.database) as db:
            drawn = is_drawn(db.get_one(Appeal, number).matter, 1)
        if step == "endorse" or drawn == (step == "sample"):
            break
    while (now := step_of(stage, number)) != step:
        assert now
        judge(stage, passers[STEPS[kind, now][0]], number, "pass")
    return number


@pytest.mark.parametrize(("kind", "step"), STEPS)
def test_each_role_at_each_step_with_each_verdict(stage: Stage, kind: str, step: str) -> None:
    passers, others = appoint_all(stage, "passer"), appoint_all(stage, "other")
    number = bring(stage, kind, step, passers)
    whose, leads = STEPS[kind, step]
    for role in STAFF_ROLES:
        for verdict, act in VERDICTS.items():
            with Database(stage.database) as db:  # nothing is kept
                staff, before = db.get_one(Staff, others[role]), db.get_one(Appeal, number).state
                more = (REASON[verdict],) if verdict in REASON else ()
                if role == whose and verdict in leads:
                    appeal = act(db, staff, number, *more, stage.clock())
                    assert appeal.state == leads[verdict], (role, verdict)
                    decision = db.scalars(select(Decision).order_by(Decision.id.desc()).limit(1)).one()
                    assert (decision.verdict, decision.staff_id, decision.role) == (verdict, staff.id, role)
                else:
                    # A keeper of a handover point has no place of which anything could be theirs to decide.
                    others_turn = OutsideRegion if role == "keeper" else NotYourTurn
                    refused = (WrongState, NotYours) if role == whose else others_turn
                    with pytest.raises(refused):
                        act(db, staff, number, *more, stage.clock())
                    if role != whose:
                        assert db.get_one(Appeal, number).state == before


def test_each_move_leaves_its_event_its_notice_and_who_vouched(stage: Stage) -> None:
    number = ask(stage)
    staff_id = stage.appoint("o-zhou", "village")
    with Database(stage.database) as db, db.begin():
        appeal = approve(db, db.get_one(Staff, staff_id), number, stage.clock())
        assert (appeal.endorsed_by, appeal.endorsed_at, appeal.published_at) == (staff_id, stage.clock(), stage.clock())
    with Database(stage.database) as db:
        its_own = (AuditEvent.subject == "appeal") & AuditEvent.to_state.is_not(None)
        moves = db.execute(select(AuditEvent.to_state, AuditEvent.actor).where(its_own).order_by(AuditEvent.id)).all()
        assert [tuple(move) for move in moves] == [
            ("submitted", "user:1"),
            ("village_review", f"staff:{staff_id}"),
            ("endorsed", f"staff:{staff_id}"),
            ("funding", "system"),
        ]
        assert db.scalars(select(Notification.template)).all() == ["appeal_opened"]


# Three people


def test_who_verified_the_household_does_not_endorse_what_it_asks_for(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    visitor, other = stage.appoint("o-zhou", "village"), stage.appoint("o-qin", "village")
    with Database(stage.database) as db, db.begin():
        db.scalars(select(Verification)).one().visited_by = visitor
    number = stage.ask("o-wang")
    with Database(stage.database) as db:
        assert find_task(db, "appeal", number).assignee == other  # type: ignore[union-attr]
        for act, more in (("pass", ()), ("return", (("title_unclear",),)), ("reject", (("not_true",),))):
            with pytest.raises(HasConflict):
                VERDICTS[act](db, db.get_one(Staff, visitor), number, *more, stage.clock())
    assert "上门核实的" in stage.say("o-zhou", f"通过 {number}")
    assert "正在募捐" in stage.say("o-qin", f"通过 {number}")


def test_who_passed_one_stage_passes_no_other_also_after_it_came_up_to_them(stage: Stage) -> None:
    others = appoint_all(stage, "other")
    number = bring(stage, "crowdfund", "endorse", {})
    with Database(stage.database) as db:
        drawn = is_drawn(db.get_one(Appeal, number).matter, 1)
    stage.clock.move(timedelta(days=6))
    with Database(stage.database) as db, db.begin():
        assert escalate_overdue(db, stage.clock()) == 1
        assert find_task(db, "appeal", number).role == "township"  # type: ignore[union-attr]
    assert judge(stage, others["township"], number, "pass") == "endorsed"
    if drawn:
        second = stage.appoint("o-second-township", "township")
        with pytest.raises(HasConflict):
            judge(stage, others["township"], number, "pass")
        judge(stage, second, number, "pass")
    # And after they were given a higher seat.
    with Database(stage.database) as db, db.begin():
        staff = db.get_one(Staff, others["township"])
        staff.role, staff.region_code = "county", DAOXIAN
    with pytest.raises(HasConflict):
        judge(stage, others["township"], number, "pass")
    assert judge(stage, others["county"], number, "pass") == "county_review"
    with Database(stage.database) as db, db.begin():
        staff = db.get_one(Staff, others["county"])
        staff.role, staff.region_code, staff.charity_id = "fund_holder", HUNAN, NATIONAL
    with pytest.raises(HasConflict):
        judge(stage, others["county"], number, "pass")
    assert judge(stage, others["fund_holder"], number, "pass") == "funding"


def test_the_database_itself_lets_nobody_pass_two_stages(stage: Stage) -> None:
    number = ask(stage, "crowdfund")
    staff_id = stage.appoint("o-zhou", "village")
    judge(stage, staff_id, number, "pass")
    with Database(stage.database) as db:
        again = {
            "subject": "appeal",
            "subject_id": number,
            "region_code": DAOXIAN_MEIHUA,
            "staff_id": staff_id,
            "role": "county",
            "verdict": "pass",
            "at": stage.clock(),
        }
        db.add(Decision(**{**again, "round": 2}))
        db.flush()
        db.add(Decision(**{**again, "round": 1}))
        with pytest.raises(IntegrityError):
            db.flush()


# Queues and looks


def test_what_waits_is_of_the_own_region_and_what_is_due_first_comes_first(stage: Stage) -> None:
    here = stage.appoint("o-here", "village", DAOXIAN_MEIHUA)
    county, elsewhere = stage.appoint("o-county", "county", DAOXIAN), stage.appoint("o-far", "village", QINGTANG)
    numbers = []
    for serial in range(7):
        numbers.append(ask(stage, serial=serial))
        stage.clock.move(timedelta(minutes=1))
    with Database(stage.database) as db:
        staff = db.get_one(Staff, here)
        page = list_queue(db, staff, 5)
        assert [task.subject_id for task in page] == numbers[:5]
        last = (page[-1].due_at, page[-1].id)
        assert [task.subject_id for task in list_queue(db, staff, 5, last)] == numbers[5:]
        assert list_queue(db, db.get_one(Staff, county), 5) == []
        assert list_queue(db, db.get_one(Staff, elsewhere), 5) == []


def test_a_case_is_for_its_region_and_every_look_is_recorded(stage: Stage) -> None:
    number = ask(stage)
    here, elsewhere = stage.appoint("o-zhou", "village"), stage.appoint("o-far", "village", QINGTANG)
    with Database(stage.database) as db, db.begin():
        assert open_appeal_file(db, db.get_one(Staff, elsewhere), number, stage.clock()) is None
        with pytest.raises(OutsideRegion):
            approve(db, db.get_one(Staff, elsewhere), number, stage.clock())
        for _ in range(2):
            file = open_appeal_file(db, db.get_one(Staff, here), number, stage.clock())
            assert file is not None
            assert (file.name, file.phone) == ("王秀兰", "13800000000")
    with Database(stage.database) as db:
        event = AuditEvent
        read = select(event.actor, event.subject, event.subject_id, event.detail, event.about)
        looks = db.execute(read.where(event.action == "read_sensitive")).all()
        assert [tuple(look) for look in looks] == [(f"staff:{here}", "appeal", number, "review", 1)] * 2


@pytest.mark.parametrize("how", ["household", "user"])
def test_nobody_reads_the_file_of_their_own_household_or_decides_on_it(stage: Stage, how: str) -> None:
    number = ask(stage)
    name = "o-wang-1" if how == "user" else "o-zhou"
    staff_id = stage.appoint(name, "village")
    with Database(stage.database) as db, db.begin():
        if how == "household":
            db.get_one(Staff, staff_id).household_id = db.get_one(Appeal, number).household_id
    with Database(stage.database) as db:
        staff = db.get_one(Staff, staff_id)
        case = db.scalars(select(Verification.id)).one()
        assert open_appeal_file(db, staff, number, stage.clock()) is None
        assert open_case_file(db, staff, case, stage.clock()) is None
        for subject, its in (("appeal", number), ("case", case)):
            with pytest.raises(NotForYou):
                open_gallery(db, staff_id, subject, its, stage.clock())
        assert not db.scalars(select(AuditEvent.id).where(AuditEvent.action == "read_sensitive")).all()
        with pytest.raises(HasConflict):
            approve(db, staff, number, stage.clock())


def test_a_village_officer_sees_to_what_names_the_township_alone(stage: Stage) -> None:
    number = ask(stage)
    village = stage.appoint("o-zhou", "village", f"{DAOXIAN_MEIHUA[:9]}204")
    with Database(stage.database) as db:
        staff, task = db.get_one(Staff, village), find_task(db, "appeal", number)
        assert task is not None
        assert [each.subject_id for each in list_queue(db, staff, 5)] == [number]
        assert open_appeal_file(db, staff, number, stage.clock())
        db.get_one(Appeal, number).region_code = task.region_code = f"{DAOXIAN_MEIHUA[:9]}205"
        db.flush()
        assert list_queue(db, staff, 5) == []
        assert open_appeal_file(db, staff, number, stage.clock()) is None


def test_a_charity_learns_who_asks_only_while_it_has_to_decide(stage: Stage) -> None:
    passers = appoint_all(stage, "passer")
    charity = stage.appoint("o-fund", "fund_holder", HUNAN)
    number, steps = ask(stage, "crowdfund"), []
    while step := step_of(stage, number):
        with Database(stage.database) as db:
            file = open_appeal_file(db, db.get_one(Staff, charity), number, stage.clock())
            assert file is not None
            assert (file.name is not None, file.hidden) == (step == "file", step != "file")
        steps.append(step)
        judge(stage, passers[STEPS["crowdfund", step][0]], number, "pass")
    assert steps[0] == "endorse"
    assert steps[-2:] == ["county", "file"]
    with Database(stage.database) as db:
        file = open_appeal_file(db, db.get_one(Staff, charity), number, stage.clock())
        assert file is not None
        assert file.hidden


# Publishing, stopping, what is told, what is overdue


def test_crowdfunding_never_opens_before_the_fund_holder_has_filed_it(stage: Stage) -> None:
    number = ask(stage, "crowdfund")
    with Database(stage.database) as db:
        appeal = db.get_one(Appeal, number)
        for state in ("submitted", "village_review", "endorsed", "county_review"):
            appeal.state = state
            with pytest.raises(WrongState):
                publish(db, appeal, stage.clock())
        appeal.state = "fund_holder_filed"
        publish(db, appeal, stage.clock())
        assert appeal.state == "funding"


def test_what_is_frozen_goes_on_where_it_stood(stage: Stage) -> None:
    number = stage.open_appeal()
    county = Actor(By.COUNTY, "staff:9")
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, number)
        with pytest.raises(NotYours):
            freeze(db, appeal, Actor(By.VILLAGE, "staff:1"), stage.clock(), "suspicion")
        freeze(db, appeal, county, stage.clock(), "suspicion")
        assert (appeal.state, appeal.was) == ("frozen", "funding")
        resume(db, appeal, county, stage.clock())
        assert (appeal.state, appeal.was) == ("funding", None)
        with pytest.raises(WrongState):
            resume(db, appeal, county, stage.clock())


def test_each_time_an_appeal_comes_to_a_state_its_owner_is_told(stage: Stage) -> None:
    number = ask(stage)
    stage.appoint("o-zhou", "village")
    for told in (1, 2):
        stage.say("o-zhou", f"看 {number}")
        stage.say("o-zhou", f"退回 {number} 标题不清楚")
        assert stage.say("o-wang-1", "菜单").count("标题看不明白") == 1
        with Database(stage.database) as db:
            heard = select(func.count()).where(Notification.template == "appeal_moved")
            assert db.scalar(heard) == told
        for words in (f"改 {number}", "给家里买一台缝纫机", "确认"):
            stage.say("o-wang-1", words)
        stage.clock.move(timedelta(minutes=1))


@pytest.mark.parametrize(("state", "after"), [("submitted", "cancelled"), ("funding", "failed")])
def test_an_appeal_whose_day_has_passed_makes_room_for_a_new_one(stage: Stage, state: str, after: str) -> None:
    number = stage.open_appeal() if state == "funding" else ask(stage)
    with Database(stage.database) as db, db.begin():
        old = db.get_one(Appeal, number)
        owner = db.get_one(User, old.owner_id)
        columns = ("kind", "category", "title", "story", "region_code", "target_fen")
        fields = {name: getattr(old, name) for name in columns}
        deadline = stage.clock() + timedelta(days=120)
        wanted = NewAppeal(draft_id="again", deadline=deadline, budget=(("水泥", old.target_fen),), **fields)
        with pytest.raises(OnePerCategory):
            submit(db, wanted, owner, stage.clock())
        new = submit(db, wanted, owner, stage.clock() + timedelta(days=62))
        assert (db.get_one(Appeal, number).state, new.state) == (after, "submitted")
    with Database(stage.database) as db:
        events = db.scalars(select(AuditEvent.detail).where(AuditEvent.to_state == after)).all()
        assert list(events) == ["overdue"]


def test_no_state_of_an_appeal_is_out_of_reach(stage: Stage) -> None:
    reached = {"draft"}
    while more := {to for source, to in MACHINE.moves if source in reached} - reached:
        reached |= more
    assert reached == MACHINE.states


# Calls for a person


@pytest.mark.parametrize(("character", "most"), [("好", 500), ("𠮷", 375), ("<", 500)])
def test_an_answer_is_as_long_as_one_message_to_the_person_holds(stage: Stage, character: str, most: int) -> None:
    staff, person = stage.appoint("o-zhou", "village"), stage.person("o-somebody")
    with Database(stage.database) as db:
        ticket = open_ticket(db, person, DAOXIAN_MEIHUA, None, stage.clock())
        with pytest.raises(AnswerTooLong):
            answer_ticket(db, db.get_one(Staff, staff), ticket.id, character * (most + 1), stage.clock())
        answer_ticket(db, db.get_one(Staff, staff), ticket.id, character * most, stage.clock())
        assert ticket.state == "answered"


def test_each_thing_has_a_ticket_of_its_own_and_everything_else_goes_on_in_one(stage: Stage) -> None:
    person = stage.person("o-somebody")
    with Database(stage.database) as db:

        def call(about: str | None) -> int:
            return open_ticket(db, person, DAOXIAN_MEIHUA, about, stage.clock()).id

        plain, listing, offer = call("flow:register"), call("listing:3"), call("offer:3")
        assert len({plain, listing, offer}) == 3
        assert call("listing:3") == listing
        assert call("flow:pledge:4") == plain
        assert call(None) == plain
        assert db.get_one(Ticket, plain).about == "flow:pledge:4"
