"""Who may move an appeal from where: every role in every state, and two officers at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.appeal import MACHINE, Appeal, NewAppeal, OneOpenAppeal, freeze, publish, resume, submit
from models.audit import AuditEvent
from models.machine import Actor, By, NotYours, WrongState
from models.notice import Notice
from models.review import (
    MOST_WAITING,
    AnswerTooLong,
    NotAtYourStage,
    OutsideRegion,
    answer_ticket,
    approve,
    open_case,
    waiting_appeals,
)
from models.staff import STAFF_ROLES, Staff
from models.ticket import Ticket, open_ticket
from models.user import User
from tests import wechat_side
from tests.stage import DAOXIAN_MEIHUA, Stage, seed_regions

HUNAN, QINGTANG = "430000000000", "431124104000"
# (role, kind, state) -> where it stands afterwards. Nothing else moves anything.
PASSES = {
    ("village", "one_to_one", "submitted"): "funding",
    ("village", "one_to_one", "village_review"): "funding",
    ("village", "crowdfund", "submitted"): "endorsed",
    ("village", "crowdfund", "village_review"): "endorsed",
    ("county", "crowdfund", "endorsed"): "county_review",
    ("fund_holder", "crowdfund", "county_review"): "funding",
}


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    seed_regions(database_url)
    stage = Stage(database_url)
    yield stage
    stage.close()


def ask(stage: Stage, kind: str = "one_to_one", serial: int = 1) -> int:
    """A submitted appeal by a household of its own."""
    owner = stage.register(f"o-wang-{serial}", "resident")
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        wanted = NewAppeal(
            draft_id=f"draft-{serial}",
            kind=kind,
            category="industry",
            title="买缝纫机",
            story="家里有三口人。" * 10,
            region_code=DAOXIAN_MEIHUA,
            target_fen=30_000_000,
            deadline=now + timedelta(days=60),
            budget=(("缝纫机", 30_000_000),),
        )
        return submit(db, wanted, db.get_one(User, owner), now).id


@pytest.mark.parametrize("kind", ["one_to_one", "crowdfund"])
@pytest.mark.parametrize("role", STAFF_ROLES)
def test_a_role_moves_an_appeal_on_from_its_own_states_and_from_no_other(stage: Stage, role: str, kind: str) -> None:
    number = ask(stage, kind)
    staff_id = stage.appoint("o-zhou", role)
    for state in sorted(MACHINE.states):
        # One-to-one goes straight on from endorsed; it never rests in the states of the longer way.
        if kind == "one_to_one" and state in ("endorsed", "county_review", "fund_holder_filed"):
            continue
        with Database(stage.database) as db:
            appeal = db.get_one(Appeal, number)
            appeal.state, appeal.was = state, "funding" if state == "frozen" else None
            db.flush()
            staff = db.get_one(Staff, staff_id)
            wanted = PASSES.get((role, kind, state))
            if wanted:
                assert approve(db, staff, number, None, stage.clock()).state == wanted, state
            else:
                with pytest.raises(NotAtYourStage):
                    approve(db, staff, number, None, stage.clock())
                assert db.get_one(Appeal, number).state == state


def test_each_move_leaves_its_event_its_notice_and_who_vouched(stage: Stage) -> None:
    number = ask(stage)
    staff_id = stage.appoint("o-zhou", "village")
    with Database(stage.database) as db, db.begin():
        appeal = approve(db, db.get_one(Staff, staff_id), number, None, stage.clock())
        assert (appeal.endorsed_by, appeal.endorsed_at, appeal.published_at) == (staff_id, stage.clock(), stage.clock())
    with Database(stage.database) as db:
        moves = db.execute(select(AuditEvent.to_state, AuditEvent.actor).order_by(AuditEvent.id)).all()
        assert [tuple(move) for move in moves] == [
            ("submitted", "user:1"),
            ("village_review", f"staff:{staff_id}"),
            ("endorsed", f"staff:{staff_id}"),
            ("funding", "system"),
        ]
        assert db.scalars(select(Notice.template)).all() == ["appeal_opened"]


def test_two_officers_at_once_pass_it_once(stage: Stage) -> None:
    ask(stage)
    for name in ("o-zhou", "o-qin"):
        stage.appoint(name, "village")
    deliveries = [stage.wechat.deliver(wechat_side.text("通过 1", name)) for name in ("o-zhou", "o-qin")]

    def post(delivery: tuple[dict[str, str], bytes]) -> str:
        query, body = delivery
        response = stage.app.test_client().post("/wechat", query_string=query, data=body)
        assert response.status_code == 200
        return stage.wechat.read_text(response.data)

    with ThreadPoolExecutor(2) as pool:
        replies = sorted(pool.map(post, deliveries))
    assert [("您通过了" in reply, "不用您通过" in reply) for reply in replies] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).where(AuditEvent.to_state == "endorsed")) == 1
        assert db.scalar(select(func.count()).select_from(Notice)) == 1


def test_what_waits_is_the_oldest_of_the_own_region_and_no_more_than_a_screen(stage: Stage) -> None:
    numbers = [ask(stage, serial=serial) for serial in range(MOST_WAITING + 1)]
    here, county, elsewhere = (
        stage.appoint(f"o-{n}", role, region)
        for n, (role, region) in enumerate([("village", DAOXIAN_MEIHUA), ("county", HUNAN), ("village", QINGTANG)])
    )
    with Database(stage.database) as db:
        assert [appeal.id for appeal in waiting_appeals(db, db.get_one(Staff, here), stage.clock())] == numbers[
            :MOST_WAITING
        ]
        assert waiting_appeals(db, db.get_one(Staff, county), stage.clock()) == []
        assert waiting_appeals(db, db.get_one(Staff, elsewhere), stage.clock()) == []


def test_a_case_is_for_its_region_and_every_look_is_recorded(stage: Stage) -> None:
    number = ask(stage)
    here, elsewhere = stage.appoint("o-zhou", "village"), stage.appoint("o-far", "village", QINGTANG)
    with Database(stage.database) as db, db.begin():
        assert open_case(db, db.get_one(Staff, elsewhere), number, None, stage.clock()) is None
        with pytest.raises(OutsideRegion):
            approve(db, db.get_one(Staff, elsewhere), number, None, stage.clock())
        for _ in range(2):
            case = open_case(db, db.get_one(Staff, here), number, None, stage.clock())
            assert case is not None
            assert (case.name, case.phone, case.own) == ("王秀兰", "13800000000", False)
    with Database(stage.database) as db:
        looks = db.execute(
            select(AuditEvent.actor, AuditEvent.subject_id, AuditEvent.detail).where(
                AuditEvent.action == "read_sensitive"
            )
        ).all()
        assert [tuple(look) for look in looks] == [(f"staff:{here}", number, "review")] * 2


def test_a_case_of_ones_own_household_says_so(stage: Stage) -> None:
    number = ask(stage)
    here = stage.appoint("o-zhou", "village")
    with Database(stage.database) as db:
        owner = db.scalars(select(User)).one()
        staff = db.get_one(Staff, here)
        as_owner, as_other = (open_case(db, staff, number, user, stage.clock()) for user in (owner.id, None))
        staff.household_id = owner.household_id
        by_household = open_case(db, staff, number, None, stage.clock())
        assert [case and case.own for case in (as_owner, as_other, by_household)] == [True, False, True]


@pytest.mark.parametrize(("character", "most"), [("好", 500), ("𠮷", 375), ("<", 500)])
def test_an_answer_is_as_long_as_one_message_to_the_person_holds(stage: Stage, character: str, most: int) -> None:
    staff, person = stage.appoint("o-zhou", "village"), stage.person("o-somebody")
    with Database(stage.database) as db:
        ticket = open_ticket(db, person, DAOXIAN_MEIHUA, None, stage.clock())
        with pytest.raises(AnswerTooLong):
            answer_ticket(db, db.get_one(Staff, staff), ticket.id, character * (most + 1), stage.clock())
        answer_ticket(db, db.get_one(Staff, staff), ticket.id, character * most, stage.clock())
        assert ticket.state == "closed"


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
    number = ask(stage, "crowdfund")
    staff_id = stage.appoint("o-zhou", "village")
    for told in (1, 2):
        with Database(stage.database) as db, db.begin():
            approve(db, db.get_one(Staff, staff_id), number, None, stage.clock())
            assert db.scalar(select(func.count()).select_from(Notice)) == told
            township = Actor(By.TOWNSHIP, "staff:8")
            appeal = db.get_one(Appeal, number)
            MACHINE.move(db, appeal, "returned", township, stage.clock())
            MACHINE.move(db, appeal, "submitted", Actor(By.OWNER, "user:1"), stage.clock())
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
        with pytest.raises(OneOpenAppeal):
            submit(db, wanted, owner, stage.clock())
        new = submit(db, wanted, owner, stage.clock() + timedelta(days=61))
        assert (db.get_one(Appeal, number).state, new.state) == (after, "submitted")
    with Database(stage.database) as db:
        events = db.scalars(select(AuditEvent.detail).where(AuditEvent.to_state == after)).all()
        assert list(events) == ["overdue"]


def test_a_village_officer_sees_to_what_names_the_township_alone(stage: Stage) -> None:
    number = ask(stage)
    village = stage.appoint("o-zhou", "village", f"{DAOXIAN_MEIHUA[:9]}204")
    with Database(stage.database) as db:
        staff = db.get_one(Staff, village)
        assert [appeal.id for appeal in waiting_appeals(db, staff, stage.clock())] == [number]
        assert open_case(db, staff, number, None, stage.clock())
        db.get_one(Appeal, number).region_code = f"{DAOXIAN_MEIHUA[:9]}205"
        db.flush()
        assert waiting_appeals(db, staff, stage.clock()) == []
        assert open_case(db, staff, number, None, stage.clock()) is None


def test_a_charity_learns_who_asks_only_while_it_has_to_decide(stage: Stage) -> None:
    number = ask(stage, "crowdfund")
    charity = stage.appoint("o-fund", "fund_holder", "430000000000")
    with Database(stage.database) as db:
        staff, appeal = db.get_one(Staff, charity), db.get_one(Appeal, number)
        for state in ("submitted", "endorsed", "county_review", "funding"):
            appeal.state = state
            db.flush()
            case = open_case(db, staff, number, None, stage.clock())
            assert case is not None
            assert (case.name is not None, case.hidden) == (state == "county_review", state != "county_review")
