"""Households that join and part: everything keeps its owner, no fen moves, and the books stay clean."""

from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal, OlderIsOpen
from models.appeals.review import resume_by_county
from models.appeals.submission import OnePerCategory, check_category_free, family_of
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By
from models.families import desk
from models.families.desk import NoSuchQuestion, QuestionMoved
from models.families.members import end_member
from models.families.moving import HouseholdSuspended
from models.families.question import AloneInHousehold, HouseholdQuestion, SplitWaits
from models.goods.exchange import GoodsRequest
from models.market import seller
from models.people.family_member import FamilyMember
from models.people.user import Household, User
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff
from models.staff.task import Task
from models.staff.turn import HasConflict
from models.subjects import SUBJECTS
from models.tables import metadata
from models.verification.case import Verification
from models.verification.decisions import suspend
from tests.harness.erasing import erase_person, of
from tests.harness.stage import Stage, id_number, officers_number
from tests.scenes.cases import person_of
from tests.scenes.families import (
    answer,
    home,
    in_order,
    join,
    leave,
    ledger_head,
    name_member,
    number_of,
    open_questions,
)
from tests.scenes.money.gifts import give, ordered, payment_of, promise, take

COUNTY = "431124000000"


@pytest.fixture
def township(stage: Stage) -> int:
    return stage.appoint("o-town", "township")


def get(stage: Stage, table: type, number: int) -> object:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.get_one(table, number)


def refused(stage: Stage, kind: type[Refusal], *answering: object) -> None:
    with pytest.raises(kind):
        answer(stage, *answering)  # type: ignore[arg-type]


def test_the_older_appeal_goes_on_the_newer_stops_and_no_fen_moves(stage: Stage, township: int) -> None:
    stage.collect()
    county = stage.appoint("o-county", "county", COUNTY)
    older, newer = stage.open_appeal(), stage.open_appeal()
    for appeal in (older, newer):
        give(stage, appeal, 10_000)
    stage.register("o-donor-2", "donor")
    unpaid = ordered(stage, promise(stage, newer, 7_000, "oLate"))
    head = ledger_head(stage)
    assert join(stage, township, "o-owner-1", "o-owner-0") == "merged"
    assert ledger_head(stage) == head
    assert home(stage, "o-owner-0") == home(stage, "o-owner-1")
    with Database(stage.database) as db:
        assert [db.get_one(Appeal, each).state for each in (older, newer)] == ["funding", "frozen"]
        assert db.scalars(select(Task.step).where(Task.subject_id == newer, Task.closed_at.is_(None))).all() == [
            "frozen"
        ]
        assert {appeal.household_id for appeal in db.scalars(select(Appeal))} == {home(stage, "o-owner-0")}
        with pytest.raises(OnePerCategory):
            check_category_free(
                db, family_of(db.get_one(User, person_of(stage, "o-owner-1").id)), "industry", stage.clock()
            )
    assert in_order(stage) == []
    # What was on its way to it is a payment to a frozen appeal; the older collects on.
    take(stage, payment_of(stage, unpaid))
    give(stage, older, 300)
    # The newer cannot go on beside the older, and can once it has a household of its own.
    with Database(stage.database) as db, pytest.raises(OlderIsOpen):
        resume_by_county(db, db.get_one(Staff, county), newer, stage.clock())
    head = ledger_head(stage)
    assert answer(stage, township, leave(stage, "o-owner-1"), "split") == "split"
    assert ledger_head(stage) == head
    with Database(stage.database) as db, db.begin():
        resume_by_county(db, db.get_one(Staff, county), newer, stage.clock())
    with Database(stage.database) as db:
        owners = {appeal.id: (appeal.state, appeal.household_id) for appeal in db.scalars(select(Appeal))}
    assert owners == {older: ("funding", home(stage, "o-owner-0")), newer: ("funding", home(stage, "o-owner-1"))}
    assert home(stage, "o-owner-0") != home(stage, "o-owner-1")
    assert in_order(stage) == []


@pytest.mark.slow  # two conversations, and all books
def test_requests_of_one_sort_and_appeals_under_review_find_their_place(stage: Stage, township: int) -> None:
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
        stage.ask(openid)
        for words in ("求物", "5", "字典", "2", "1", "给孩子上学用", "1", "确认"):
            stage.say(openid, words)
    before = of(stage, GoodsRequest, "state")
    join(stage, township, "o-li", "o-wang")
    assert of(stage, Appeal, "state") == ["submitted", "frozen"]
    assert of(stage, GoodsRequest, "state") == before
    assert "先不往下审" in stage.say("o-li", "菜单")
    assert "先不往下审" not in stage.say("o-wang", "菜单")
    assert in_order(stage) == []


@pytest.mark.slow  # three households, and all books twice
def test_three_in_a_row_and_a_split_after_it_are_right(stage: Stage, township: int) -> None:
    for name in "abcd":
        stage.register(f"o-{name}", "resident", verified=name == "a")
        name_member(stage, f"o-{name}", None)
    join(stage, township, "o-b", "o-a")
    join(stage, township, "o-d", "o-c")
    join(stage, township, "o-a", "o-c")
    assert len({home(stage, f"o-{name}") for name in "abcd"}) == 1
    assert in_order(stage) == []
    refused(stage, QuestionMoved, township, leave(stage, "o-b"), "one_family")
    assert answer(stage, township, open_questions(stage)[0], "split") == "split"
    # With who leaves go those whom they named; their case and the three others stay where their people are.
    with Database(stage.database) as db:
        named = {
            member.named_by: member.household_id for member in db.scalars(select(FamilyMember)) if not member.ended
        }
        cases = {case.user_id: case.household_id for case in db.scalars(select(Verification))}
        homes = {user.id: user.household_id for user in db.scalars(select(User)) if user.household_id}
    assert named.items() <= homes.items()
    assert cases == homes
    assert len(set(homes.values())) == 2
    assert in_order(stage) == []


@pytest.mark.slow  # four answers, and all books
def test_whoever_moved_belongs_to_one_household_and_a_mistake_to_none(stage: Stage, township: int) -> None:
    for openid in ("o-wang", "o-li", "o-zhao"):
        stage.register(openid, "resident")
    # Named by two households, and registered in none of them.
    number = officers_number("o-child")
    name_member(stage, "o-wang", number)
    name_member(stage, "o-li", number)
    assert answer(stage, township, open_questions(stage)[0], "lives_here") == "moved"
    assert of(stage, FamilyMember, "ended") == ["moved", None]
    # Registered in a household of her own, and named: she goes to who named her, with what is hers.
    asked = stage.ask("o-zhao")
    name_member(stage, "o-wang", number_of(stage, "o-zhao"), 2)
    answer(stage, township, open_questions(stage)[0], "lives_here")
    assert home(stage, "o-zhao") == home(stage, "o-wang")
    with Database(stage.database) as db:
        assert db.get_one(Appeal, asked).household_id == home(stage, "o-wang")
    # A mistake empties the entry, and changes nothing else; the other words leave it with its day.
    for serial, (said, ended) in enumerate((("mistaken", "mistake"), ("lives_there", "moved"))):
        entry = name_member(stage, "o-li", number_of(stage, "o-wang"), 3 + serial)
        answer(stage, township, open_questions(stage)[0], said)
        with Database(stage.database) as db:
            assert db.get_one(FamilyMember, entry).ended == ended
        assert "不算您家的人，已经去掉" in stage.say("o-li", "菜单")
    assert in_order(stage) == []


@pytest.mark.slow  # all books
def test_a_newcomer_whose_number_was_named_is_asked_about(stage: Stage, township: int) -> None:
    stage.register("o-wang", "resident")
    with Database(stage.database) as db:
        coming = len(db.scalars(select(User.id)).all()) + 3
    name_member(stage, "o-wang", id_number(coming))
    assert open_questions(stage) == []
    stage.register("o-son", "resident")
    (question,) = open_questions(stage)
    # Who takes the name back has answered it.
    with Database(stage.database) as db, db.begin():
        wang = db.get_one(User, person_of(stage, "o-wang").id)
        end_member(db, wang, db.scalars(select(FamilyMember.id)).one(), "mistake", stage.clock())
    assert open_questions(stage) == []
    assert get(stage, HouseholdQuestion, question).state == "lapsed"  # type: ignore[attr-defined]
    assert in_order(stage) == []


@pytest.mark.slow  # an erasure, and all books
def test_an_erased_person_leaves_no_question_behind(stage: Stage, township: int) -> None:
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
    name_member(stage, "o-wang", number_of(stage, "o-li"))
    name_member(stage, "o-li", number_of(stage, "o-wang"))
    assert len(open_questions(stage)) == 2
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person("o-li"), stage.clock())
    assert open_questions(stage) == []
    assert in_order(stage) == []


@pytest.mark.sampled(4)
@pytest.mark.parametrize("tie", ["here", "there"])
@pytest.mark.parametrize("role", ["township", "county"])
def test_who_has_a_tie_to_either_household_answers_nothing(stage: Stage, role: str, tie: str) -> None:
    region = {"township": "431124101000", "county": COUNTY}[role]
    tied, free = stage.appoint("o-tied", role, region), stage.appoint("o-free", role, region)
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
    name_member(stage, {"here": "o-wang", "there": "o-li"}[tie], officers_number("o-tied"))
    name_member(stage, "o-wang", number_of(stage, "o-li"), 2)
    (question,) = open_questions(stage)
    with Database(stage.database) as db:
        assert (
            db.scalars(select(Task.assignee).where(Task.closed_at.is_(None), Task.subject == "household")).one() == free
        )
    refused(stage, NoSuchQuestion, tied, question, "one_family")
    assert "没有家庭" in stage.say("o-tied", f"看 家庭{question}")
    assert answer(stage, free, question, "one_family") == "merged"
    with Database(stage.database) as db:
        assert tied in conflicts_with(db, home(stage, "o-wang"))


@pytest.mark.slow  # a conversation
def test_kin_of_the_other_household_answers_nothing(stage: Stage) -> None:
    kin, free = stage.appoint("o-kin", "township"), stage.appoint("o-free", "township")
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
    stage.say("o-kin", "声明")
    for words in ("1", number_of(stage, "o-li"), "确认"):
        stage.say("o-kin", words)
    name_member(stage, "o-wang", number_of(stage, "o-li"))
    (question,) = open_questions(stage)
    refused(stage, HasConflict, kin, question, "one_family")
    answer(stage, free, question, "one_family")


@pytest.mark.slow  # several steps
def test_a_suspended_household_waits_for_the_county_and_one_person_has_nothing_to_leave(
    stage: Stage, township: int
) -> None:
    county = stage.appoint("o-county", "county", COUNTY)
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
    with pytest.raises(AloneInHousehold):
        leave(stage, "o-wang")
    join(stage, township, "o-wang", "o-li")
    question = leave(stage, "o-wang")
    with pytest.raises(SplitWaits):
        leave(stage, "o-wang")
    with Database(stage.database) as db, db.begin():
        case = db.scalars(select(Verification).order_by(Verification.id).limit(1)).one()
        suspend(db, case, db.get_one(Staff, county), "doubt", stage.clock())
    refused(stage, HouseholdSuspended, township, question, "split")


@pytest.mark.slow  # a join that is refused and one that is not
def test_a_suspended_seller_does_not_begin_anew_by_joining(stage: Stage, township: int) -> None:
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
    county = Actor(By.COUNTY, "staff:0")
    with Database(stage.database) as db, db.begin():
        li = db.get_one(User, person_of(stage, "o-li").id)
        seller.apply(db, seller.for_family(li), li.id, stage.clock())
        seller.MACHINE.move(db, db.scalars(select(seller.Seller)).one(), "suspended", county, stage.clock())
    name_member(stage, "o-wang", number_of(stage, "o-li"))
    (question,) = open_questions(stage)
    refused(stage, HouseholdSuspended, township, question, "one_family")
    with Database(stage.database) as db, db.begin():
        seller.MACHINE.move(db, db.scalars(select(seller.Seller)).one(), "applied", county, stage.clock())
    assert answer(stage, township, question, "one_family") == "merged"
    with Database(stage.database) as db:
        assert db.scalars(select(seller.Seller.household_id)).one() == home(stage, "o-wang")
    assert in_order(stage) == []


@pytest.mark.slow  # two transactions that wait for each other, and all books
def test_two_townships_at_once_answer_one_after_the_other(stage: Stage) -> None:
    towns = [stage.appoint(f"o-town-{serial}", "township") for serial in (0, 1)]
    for openid in ("o-wang", "o-li", "o-zhao"):
        stage.register(openid, "resident")
    name_member(stage, "o-wang", number_of(stage, "o-li"))
    name_member(stage, "o-li", number_of(stage, "o-zhao"))
    first, second = open_questions(stage)
    outcomes: dict[int, object] = {}

    def run(staff: int, question: int) -> None:
        try:
            outcomes[question] = answer(stage, staff, question, "one_family")
        except Refusal as refusal:
            outcomes[question] = type(refusal)

    threads = [Thread(target=run, args=pair) for pair in zip(towns, (first, second), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Who came later may find that the households have changed: then the file is read again.
    for question, outcome in outcomes.items():
        if outcome is QuestionMoved:
            outcomes[question] = answer(stage, towns[0], question, "one_family")
    assert set(outcomes.values()) == {"merged"}
    assert len({home(stage, openid) for openid in ("o-wang", "o-li", "o-zhao")}) == 1
    assert in_order(stage) == []


@pytest.mark.slow  # waits for another's transaction
@pytest.mark.parametrize("what", ["asks", "names"])
def test_whoever_asks_meanwhile_asks_for_the_household_of_then(stage: Stage, township: int, what: str) -> None:
    """An appeal that begins while its owner's household is joined waits, and is of the household that they are in."""
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
    name_member(stage, "o-li", number_of(stage, "o-wang"))
    (question,) = open_questions(stage)
    asked: list[int] = []

    def begin() -> None:
        asked.append(stage.ask("o-li") if what == "asks" else name_member(stage, "o-li", None, 2))

    with Database(stage.database) as db, db.begin():
        desk.answer(db, db.get_one(Staff, township), question, "one_family", stage.clock())
        db.flush()
        thread = Thread(target=begin)
        thread.start()
        thread.join(timeout=0.5)
        assert asked == []
    thread.join()
    with Database(stage.database) as db:
        begun = db.get_one(Appeal, asked[0]) if what == "asks" else db.get_one(FamilyMember, asked[0])
        assert begun.household_id == home(stage, "o-wang")
    assert in_order(stage) == []


def test_every_table_of_a_household_moves_with_its_people() -> None:
    """Whatever keeps a household's number is moved by its owner, or is known here with its reason."""
    moved = {
        subject.table.__tablename__
        for subject in SUBJECTS.values()
        if hasattr(subject.table, "household_id") and subject.owner is not None
    }
    # The people themselves, whom they named, their seats, and what follows the thing that it is about.
    apart = {"users", "family_members", "staff", "tasks", "inquiries", "number_claims", "household_questions"}
    # By models.market.moving: one seller to a household, and land that joins adds up.
    apart |= {"sellers", "producer_statements"}
    # A household that joins is counted once; an organisation's row of households has nobody in it.
    apart |= {"beneficiaries", "organisations"}
    kept = {
        table.name
        for table in metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == "households.id" for key in column.foreign_keys)
    }
    assert kept - apart - {"households"} <= moved


@pytest.mark.slow  # all books; the walk does so too
def test_figures_and_days_survive_a_join_and_a_split(stage: Stage, township: int) -> None:
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
    join(stage, township, "o-wang", "o-li")
    stage.clock.move(timedelta(days=3))
    answer(stage, township, leave(stage, "o-li"), "split")
    assert in_order(stage) == []
    with Database(stage.database) as db:
        assert [each.merged_into for each in db.scalars(select(Household).order_by(Household.id))][:1] == [None]


@pytest.mark.slow  # two transactions that wait for each other, five times
@pytest.mark.parametrize("ahead", range(5))
def test_a_payment_that_comes_while_households_join_is_neither_lost_nor_counted_twice(
    stage: Stage, township: int, ahead: int
) -> None:
    stage.collect()
    for _ in range(2):
        stage.open_appeal()
    name_member(stage, "o-owner-1", number_of(stage, "o-owner-0"))
    (question,) = open_questions(stage)
    waiting = [payment_of(stage, ordered(stage, promise(stage, 2, 500, f"oDonor{each}"))) for each in range(4)]
    paying = [Thread(target=take, args=(stage, payment)) for payment in waiting]
    joining = Thread(target=answer, args=(stage, township, question, "one_family"))
    threads = [*paying[:ahead], joining, *paying[ahead:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert of(stage, Appeal, "state") == ["funding", "frozen"]
    assert in_order(stage) == []
