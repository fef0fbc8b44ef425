"""The demo's data set: filled in once, by the rules, and nothing in it that the flows would have refused."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from bot.demo import seed as seeding
from bot.demo.paid_orders import paid_orders
from bot.demo.past_bills import compare_past_bills
from bot.demo.seed import NotOurs, Seeded, refuse_strangers, seed
from bot.demo.seed_pictures import draw_pictures
from bot.photos.files import PhotoFiles
from bot.simulator.options import read_people
from bot.storage.folder import Folder
from bot.words.lexicon import load_lexicon
from config.settings import SAMPLE_DATA_KEYS
from flows.appeals.correct_appeal import shortfall_of
from flows.appeals.start_appeal import start_appeal
from flows.engine.flow import Flow
from flows.engine.world import World
from flows.giving.pledge import pledge as pledge_flow
from flows.goods.offer import offer_goods
from flows.goods.quantity import smallest_of
from flows.goods.request import request_goods
from flows.language.sorts import belonging_of
from flows.market.list_produce import list_produce
from flows.people.register import register as register_flow
from flows.proxy.register import proxy_register
from flows.readers.base import Asking
from flows.readers.numbers.need_by import ANY_DAY
from flows.readers.words.goods_name import is_food
from flows.verification.visit import visit as visit_flow
from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import OPEN, Appeal, BudgetLine
from models.appeals.beneficiary import Beneficiary
from models.appeals.flag import flags_of
from models.books import violations
from models.core.audit_trail import AuditEvent, AuditHead
from models.core.database import connect, snapshot
from models.core.encryption import Keyring, use_keyring
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import NotFunding, Pledge, raised
from models.goods.exchange import OFFER_MACHINE, REQUEST_MACHINE, GoodsRequest, Offer
from models.goods.matches.match import HELD, MATCH_MACHINE, Match
from models.goods.matches.thanking import thanks_for_donor
from models.goods.matches.thanks import THANKS_MACHINE, GoodsThanks
from models.goods.points.point import POINT_MACHINE, Point, ReceivedLine, Shelf
from models.goods.rounds.round import Round
from models.ledger.accounts import FIRST_CHARITY
from models.market.after_sales.after_sale import AfterSale
from models.market.listing import MACHINE as LISTINGS
from models.market.listing import Listing
from models.market.lots.lot import Lot
from models.market.money.sub_merchant import SubMerchant
from models.market.orders.order import Order
from models.market.statement import find_statement
from models.notifications.notification import Notification
from models.organisations.charity import Charity
from models.organisations.filing import find_filing
from models.organisations.merchant import merchant_of
from models.organisations.organisation import Organisation
from models.organisations.representative import Representative
from models.payments.order import MACHINE as ORDERS
from models.payments.order import PayOrder
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import Consent, Household, Registration, User, register
from models.places.region import Region, covers
from models.proxy.card import live_card
from models.proxy.mandate import ProxyAct, is_unconfirmed
from models.public.appeal_page import AppealPage, is_open
from models.public.photos import PhotoReview
from models.staff.conflict_of_interest import Conflict
from models.staff.member import Appointment, Staff, appoint, find_staff
from models.staff.task import Task
from models.tables import metadata
from models.verification.case import MACHINE as CASES
from models.verification.case import Verification
from models.verification.visit import Visit
from tests.harness.money.merchant import MERCHANT_URL
from tests.harness.stage import id_number, settings_for
from tests.scenes.money.charities import remove_charities

ACCOUNT = "gh_0000000000aa"
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
STATEFUL: tuple[tuple[Any, Any], ...] = (
    (Appeal, APPEALS),
    (Offer, OFFER_MACHINE),
    (GoodsRequest, REQUEST_MACHINE),
    (Listing, LISTINGS),
    (Pledge, PLEDGES),
    (PayOrder, ORDERS),
    (Verification, CASES),
    (GoodsThanks, THANKS_MACHINE),
)


@dataclass
class Filled:
    db: Session
    seeded: Seeded

    def all(self, table: Any) -> list[Any]:
        return list(self.db.scalars(select(table).order_by(table.id)))


pytestmark = pytest.mark.slow  # it fills in the whole data set; what the demo begins with is looked at in test_year


@pytest.fixture(scope="module")
def filled(module_database: str) -> Iterator[Filled]:
    """One filled database, for the tests that only look."""
    remove_charities(module_database)
    engine = open_database(module_database)
    seeded = seed(engine, ACCOUNT, NOW)
    with Session(engine) as db:
        orders = paid_orders(db, ACCOUNT, MERCHANT_URL)
    compare_past_bills(engine, settings_for(module_database), orders, NOW)
    with Session(engine) as db:
        yield Filled(db, seeded)
    engine.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    remove_charities(database_url)
    engine = open_database(database_url)
    yield engine
    engine.dispose()


def open_database(url: str) -> Engine:
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
    return connect(url, collects=True)


def rows_of(database: Engine) -> dict[str, list[tuple[Any, ...]]]:
    with database.connect() as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table)))) for table in metadata.sorted_tables}


def begun(row: Any) -> datetime:
    return row.submitted_at if isinstance(row, Verification) else row.created_at


def count(database: Engine, table: Any) -> int:
    with Session(database) as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


# Once


def test_a_second_time_changes_nothing(database: Engine) -> None:
    first = seed(database, ACCOUNT, NOW)
    before = rows_of(database)
    again = seed(database, ACCOUNT, NOW + timedelta(days=3))
    assert (first.written, again.written) == (True, False)
    assert (again.people, again.tags) == (first.people, first.tags)
    assert rows_of(database) == before


@pytest.mark.usefixtures("no_regions")
def test_where_somebody_lives_nothing_is_written(database: Engine) -> None:
    with Session(database) as db, db.begin():
        register(db, Registration("theirs", "donor", ("account",), display_name="路过的人"), NOW)
    assert not seed(database, ACCOUNT, NOW).written
    assert count(database, User) == 1
    assert count(database, Region) == 0


def test_the_charity_that_an_upgrade_made_of_an_older_data_set_collects_again(database: Engine) -> None:
    with Session(database) as db, db.begin():
        register(db, Registration("theirs", "donor", ("account",), display_name="路过的人"), NOW)
        db.add(Charity(id=FIRST_CHARITY, state="unnamed", created_at=NOW))
    for _ in range(2):
        seed(database, ACCOUNT, NOW)
        with Session(database) as db:
            [charity] = db.scalars(select(Charity)).all()
            assert (charity.id, charity.collects) == (FIRST_CHARITY, True)
            assert merchant_of(db, FIRST_CHARITY)
            assert find_filing(db, FIRST_CHARITY, NOW, NOW + timedelta(days=180))


def test_what_the_seed_wrote_itself_is_no_stranger(filled: Filled) -> None:
    database = filled.db.get_bind()
    assert isinstance(database, Engine)
    refuse_strangers(database, ACCOUNT)
    with pytest.raises(NotOurs, match=r"\d+ users, \d+ conversations, \d+ members of staff"):
        refuse_strangers(database, "gh_another")


def test_where_nobody_is_nobody_is_a_stranger(database: Engine, postgres_url: str) -> None:
    without_tables = connect(postgres_url)
    for empty in (database, without_tables):
        refuse_strangers(empty, ACCOUNT)
    without_tables.dispose()


@pytest.mark.parametrize("who", ["1 users", "1 conversations", "1 members of staff"])
def test_anybody_else_is_a_stranger(database: Engine, who: str) -> None:
    with Session(database) as db, db.begin():
        match who:
            case "1 users":
                register(db, Registration("theirs", "donor", ("account",), display_name="路过的人"), NOW)
            case "1 conversations":
                db.add(Conversation(account=ACCOUNT, openid="oTheirs", session="", created_at=NOW, touched_at=NOW))
            case _:
                wanted = Appointment("DX9999", ACCOUNT, "oTheirs", "village", "431124101000", "周建国", id_number(73))
                appoint(db.connection(), wanted, NOW)
    with pytest.raises(NotOurs) as refused:
        refuse_strangers(database, ACCOUNT)
    assert str(refused.value).endswith(f": {who}")


def test_a_data_set_that_breaks_a_rule_leaves_nobody_behind(
    database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = seeding.FOLDER
    for file in whole.glob("*.toml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / "appeals.toml").open("a", encoding="utf-8") as appeals:  # the last one is not open yet
        appeals.write('pledges = [{ donor = "lin", fen = 100, days_ago = 1 }]\n')
    monkeypatch.setattr(seeding, "FOLDER", tmp_path)
    with pytest.raises(NotFunding):
        seed(database, ACCOUNT, NOW)
    left = {table.name for table in metadata.sorted_tables if count(database, table)}
    assert left == {"regions", "audit_head", "ledger_head"}
    with Session(database) as db:
        assert db.scalars(select(AuditHead.length)).one() == 0
    monkeypatch.setattr(seeding, "FOLDER", whole)
    assert seed(database, ACCOUNT, NOW).written


# What there is


def test_the_world_is_small_and_has_everything(filled: Filled) -> None:
    assert Counter(user.role for user in filled.all(User)) == {"resident": 20, "donor": 8}
    staff = Counter(staff.role for staff in filled.all(Staff))
    assert staff == {"village": 10, "township": 5, "county": 6, "fund_holder": 2, "keeper": 5}
    assert Counter((appeal.kind, appeal.state) for appeal in filled.all(Appeal)) == {
        ("crowdfund", "funding"): 2,
        ("crowdfund", "endorsed"): 1,
        ("one_to_one", "funding"): 4,
        ("one_to_one", "submitted"): 3,
        ("one_to_one", "returned"): 1,
        ("one_to_one", "frozen"): 1,
    }
    assert [len(filled.all(table)) for table in (Pledge, Offer, GoodsRequest, Listing)] == [27, 6, 22, 7]
    assert {offer.category for offer in filled.all(Offer)} == {"oil", "seeds", "fertiliser", "clothes", "books"}
    counties = {home.region_code[:6] for home in filled.all(Household)}
    assert counties == {"430524", "431124", "360734", "513431", "610828"}
    assert filled.db.scalar(select(func.count()).select_from(Region)) == 46_326


def test_the_road_of_the_report_is_there(filled: Filled) -> None:
    road = next(appeal for appeal in filled.all(Appeal) if appeal.category == "public_works")
    assert (road.kind, road.target_fen, road.state) == ("crowdfund", 100_000_000, "funding")
    assert covers("430524000000", road.region_code)


def test_open_appeals_stand_at_different_heights(filled: Filled) -> None:
    appeals = [appeal for appeal in filled.all(Appeal) if appeal.state == "funding"]
    sums = raised(filled.db, [appeal.id for appeal in appeals])
    shares = sorted(sums[appeal.id].raised_fen * 100 // appeal.target_fen for appeal in appeals)
    assert shares == [7, 8, 11, 40, 72, 96]
    assert all(appeal.closes_at > NOW + timedelta(days=14) for appeal in appeals)


def test_the_officers_of_daoxian_have_something_to_decide(filled: Filled) -> None:
    waiting = {appeal.state: appeal for appeal in filled.all(Appeal) if appeal.state in ("submitted", "endorsed")}
    for role, state in (("village", "submitted"), ("county", "endorsed")):
        names = [person["openid"] for person in filled.seeded.people]
        officers = [find_staff(filled.db, ACCOUNT, openid, NOW) for openid in names]
        theirs = [officer for officer in officers if officer and officer.role == role]
        assert any(officer.covers(waiting[state].region_code) for officer in theirs)


def test_whatever_is_shown_was_looked_at_and_one_of_each_waits_for_an_officer_of_daoxian(filled: Filled) -> None:
    goods = [thing for table in (Offer, GoodsRequest, Listing) for thing in filled.all(table)]
    public = ("available", "open", "met", "on_sale")
    waiting = {(thing.title, thing.looked_at) for thing in goods if thing.state not in public}
    assert waiting == {("老人穿的棉鞋", None), ("自家晒的干豆角", None)}
    assert sum(thing.looked_at is not None for thing in goods) == len(goods) - 2
    open_ones = [task for task in filled.all(Task) if task.closed_at is None]
    tasks = {task.subject: task for task in open_ones if task.subject in ("request", "offer", "listing")}
    assert all(task.role == "village" and task.assignee for task in tasks.values())
    assert len(tasks) == 2


# How people come to be verified


def named(filled: Filled, name: str) -> Verification:
    [user] = [user for user in filled.all(User) if user.name == name]
    cases: list[Verification] = filled.all(Verification)
    return next(case for case in cases if case.user_id == user.id)


def holder(filled: Filled, subject: str, number: int) -> tuple[str, str | None]:
    """What waits to be done about it, and in whose queue."""
    open_one = (Task.subject == subject) & (Task.subject_id == number) & Task.closed_at.is_(None)
    task = filled.db.scalars(select(Task).where(open_one)).one()
    return task.step, filled.db.get_one(Staff, task.assignee).work_no if task.assignee else None


def test_a_case_stands_at_every_step_of_the_way(filled: Filled) -> None:
    assert Counter(case.state for case in filled.all(Verification)) == {
        "verified": 13,
        "registry_checked": 2,
        "public_notice": 1,
        "adjudication": 1,
        "township_review": 1,
        "county_review": 1,
        "rejected": 1,
    }
    for name, waiting in (
        ("陈冬生", ("visit", "DX1001")),
        ("欧阳顺", ("adjudicate", "DX0101")),
        ("熊来福", ("township_review", "DX0101")),
        ("黄菊香", ("county_review", "DX0002")),
    ):
        assert holder(filled, "case", named(filled, name).id) == waiting
    assert named(filled, "谭远航").reasons == "not_in_need"
    ends = named(filled, "蒋贵生").expires_at
    assert ends
    assert NOW < ends < NOW + timedelta(days=30)


def test_nothing_that_waits_is_overdue_when_the_demo_begins(filled: Filled) -> None:
    assert all(task.due_at > NOW for task in filled.all(Task) if task.closed_at is None)


def test_the_registry_knows_all_but_one_and_one_by_another_name(filled: Filled) -> None:
    found = Counter(case.registry_result for case in filled.all(Verification))
    assert found == {"match": 18, "name_mismatch": 1, "not_found": 1}


def test_whose_appeal_is_open_is_verified_and_by_somebody_else(filled: Filled) -> None:
    verified = {case.household_id: case for case in filled.all(Verification) if case.state == "verified"}
    organisations = {each.household_id for each in filled.all(Organisation)}
    for appeal in filled.all(Appeal):
        if appeal.published_at and appeal.household_id not in organisations:
            case = verified[appeal.household_id]
            assert case.decided_at < appeal.endorsed_at
            assert len({case.visited_by, case.decided_by, appeal.endorsed_by}) == 3


def test_a_villages_road_is_its_committees(filled: Filled) -> None:
    """Confirmed by the county on the letter; a household of the village is counted, another has not answered."""
    [committee] = filled.all(Organisation)
    [speaker] = filled.all(Representative)
    road = filled.all(Appeal)[0]
    assert (committee.state, speaker.state) == ("confirmed", "in_office")
    assert (road.household_id, road.owner_id) == (committee.household_id, speaker.user_id)
    assert committee.confirmed_at < road.created_at
    assert Counter(each.state for each in filled.all(Beneficiary)) == {"agreed": 1, "asked": 1}


def test_oranges_are_ordered_while_they_are_picked(filled: Filled) -> None:
    orders = Counter(order.state for order in filled.all(Order))
    assert orders == dict.fromkeys(("delivered", "shipped", "after_sale", "cancelled", "accepted", "placed"), 1)
    [lot] = filled.all(Lot)
    assert (lot.state, lot.first_day < NOW.date() < lot.last_day) == ("shipping", True)
    [complaint] = filled.all(AfterSale)
    assert complaint.state == "asked"
    online = filled.db.scalars(select(SubMerchant)).one()
    assert any(listing.seller_id == online.seller_id and listing.state == "on_sale" for listing in filled.all(Listing))


def test_what_is_public_is_seen(filled: Filled) -> None:
    """Owners agreed to the pages of their appeals, and officers approved the pictures of these and of the market."""
    approved = Counter(filled.db.get_one(Photo, each.photo_id).subject for each in filled.all(PhotoReview))
    assert approved == {"appeal": 3, "listing": 6}
    assert all(is_open(filled.db, page.appeal_id, NOW) for page in filled.db.scalars(select(AppealPage)))


def test_who_has_a_part_in_it_is_none_of_those_who_decide(filled: Filled) -> None:
    [conflict] = filled.all(Conflict)
    assert filled.db.get_one(Staff, conflict.staff_id).work_no == "DX1002"
    proxied = next(user for user in filled.all(User) if user.registered_by)
    assert filled.db.get_one(Staff, proxied.registered_by).work_no == "DX1001"
    [theirs] = [appeal for appeal in filled.all(Appeal) if appeal.owner_id == proxied.id]
    assert (conflict.kind, is_unconfirmed(filled.db, "appeal", theirs.id)) == ("kin", True)
    assert holder(filled, "case", named(filled, proxied.name).id) == ("visit", "DX1002")
    assert live_card(filled.db, proxied.id) is not None


def test_one_appeal_is_to_be_corrected_and_one_to_be_looked_at_twice(filled: Filled) -> None:
    returned = next(appeal for appeal in filled.all(Appeal) if appeal.state == "returned")
    assert returned.returned_fields == "target,budget"
    submitted = [appeal for appeal in filled.all(Appeal) if appeal.state == "submitted"]
    found = [{flag.code for flag in flags_of(filled.db, appeal.id)} for appeal in submitted]
    assert found == [set(), {"over_price", "odd_item"}, set()]


def test_what_is_shown_can_be_looked_at(filled: Filled, tmp_path: Path) -> None:
    files = PhotoFiles(Folder(tmp_path))
    draw_pictures(filled.db, files)
    photos = filled.all(Photo)
    assert Counter(photo.subject for photo in photos) == {
        **{"appeal": 12, "visit": 18, "mandate": 2},
        **{"offer": 6, "listing": 7, "match": 3, "goods_thanks": 2, "organisation": 1, "after_sale": 1},
    }
    assert all(files.read(str(photo.path)).startswith(b"\xff\xd8") for photo in photos)


# The people of the simulator


def test_the_simulator_reads_the_people(filled: Filled, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps(filled.seeded.people, ensure_ascii=False), encoding="utf-8")
    people = read_people(file)
    assert all(person.name and person.note and person.gloss.isascii() and person.following for person in people)
    assert {person.openid for person in people} == set(filled.seeded.tags)
    assert Counter(filled.seeded.tags.values()) == {"resident": 14, "donor": 5, "staff": 26}


def test_everybody_follows_the_account_as_who_they_are(filled: Filled) -> None:
    conversations = {row.openid: row for row in filled.all(Conversation)}
    assert len(conversations) == 55
    assert all(len(openid) == 28 and row.account == ACCOUNT and row.following for openid, row in conversations.items())
    for openid, tag in filled.seeded.tags.items():
        user_id = conversations[openid].user_id
        user = filled.db.get(User, user_id) if user_id else None
        assert tag == (user.role if user else "staff")
    staff = {row.openid for row in filled.all(Staff)}
    assert staff == {openid for openid, row in conversations.items() if row.user_id is None}


def test_every_purpose_was_agreed_to(filled: Filled) -> None:
    agreed = defaultdict(set)
    for consent in filled.all(Consent):
        agreed[consent.user_id].add(consent.purpose)
    # An appeal that an officer wrote is public by its mandate.
    by_mandate = select(ProxyAct.subject_id).where(ProxyAct.subject == "appeal")
    wrote = set(filled.db.scalars(select(Appeal.owner_id).where(Appeal.id.not_in(by_mandate))))
    for user in filled.all(User):
        wanted = {"account", "identity"} if user.role == "resident" else {"account"}
        assert agreed[user.id] == wanted | ({"publish"} if user.id in wrote else set())


def test_the_people_are_invented(filled: Filled) -> None:
    for user in filled.all(User):
        if user.role == "resident":
            assert 1901 <= int(user.id_number[6:10]) <= 1905
            assert user.id_number[:6] == user.region_code[:6]
            assert user.phone is None or user.phone.startswith("138000001")
        else:
            assert (user.name, user.id_number, user.phone) == (None, None, None)
    shops = [row.shop_url for row in filled.all(Listing) if row.shop_url]
    assert [url.split("/")[2] for url in shops] == ["shop.example"]


# The rules


def test_budget_lines_add_up_to_the_target(filled: Filled) -> None:
    total: Counter[int] = Counter()
    for line in filled.all(BudgetLine):
        total[line.appeal_id] += line.amount_fen
    assert total == {appeal.id: appeal.target_fen for appeal in filled.all(Appeal)}


def test_one_open_appeal_per_household_and_category(filled: Filled) -> None:
    taken = Counter((row.household_id, row.category) for row in filled.all(Appeal) if row.state in OPEN)
    assert set(taken.values()) == {1}


def test_what_is_published_was_endorsed_by_an_officer_of_the_place_and_no_kin(filled: Filled) -> None:
    for appeal in filled.all(Appeal):
        assert (appeal.published_at is not None) == (appeal.state in ("funding", "frozen"))
        if appeal.state in ("submitted", "returned"):
            assert appeal.endorsed_by is None
            continue
        officer = filled.db.get_one(Staff, appeal.endorsed_by)
        assert officer.role == "village"
        assert officer.covers(appeal.region_code)
        assert officer.household_id != appeal.household_id
        assert appeal.created_at < appeal.endorsed_at <= (appeal.published_at or NOW) <= NOW


def test_a_frozen_appeal_knows_where_it_was(filled: Filled) -> None:
    assert {(row.state, row.was) for row in filled.all(Appeal) if row.was} == {("frozen", "funding")}


def test_stock_adds_up(filled: Filled) -> None:
    for row in [*filled.all(Offer), *filled.all(Listing)]:
        assert row.initial == row.available + row.reserved + row.delivered + row.lost > 0


@pytest.mark.parametrize(("table", "machine"), STATEFUL, ids=[machine.subject for _, machine in STATEFUL])
def test_every_state_was_reached_by_audited_moves(filled: Filled, table: Any, machine: Any) -> None:
    trail = defaultdict(list)
    for event in filled.all(AuditEvent):
        if event.subject == machine.subject and event.to_state:  # and no looks or recusals
            trail[event.subject_id].append(event)
    assert set(trail) <= {row.id for row in filled.all(table)}
    for row in filled.all(table):
        moves = trail[row.id]
        states = [table.__table__.c.state.default.arg, *(event.to_state for event in moves)]
        assert [event.from_state for event in moves] == states[:-1]
        assert states[-1] == row.state
        assert set(pairwise(states)) <= set(machine.moves)
        times = [begun(row), *(event.at for event in moves), NOW]
        assert times == sorted(times)


def test_the_books_are_right(filled: Filled) -> None:
    with snapshot(filled.db.get_bind().engine.url) as connection:
        assert list(violations(connection, NOW)) == []


def test_every_move_was_made_by_somebody_who_may(filled: Filled) -> None:
    things = {"appeal": (APPEALS, Appeal), "case": (CASES, Verification)}
    moves = [event for event in filled.all(AuditEvent) if event.subject in things and event.from_state]
    assert {event.subject for event in moves} == set(things)
    for event in moves:
        machine, table = things[event.subject]
        kind, _, number = event.actor.partition(":")
        if kind == "staff":
            officer = filled.db.get_one(Staff, int(number))
            assert officer.role in machine.moves[event.from_state, event.to_state]
            thing = filled.db.get_one(table, event.subject_id)
            assert isinstance(thing, Appeal | Verification)
            assert officer.covers(thing.region_code)
            assert officer.active_from < event.at
        elif kind == "user":
            assert filled.db.get_one(User, int(number)).created_at <= event.at


def test_pledges_came_while_the_appeal_was_open_and_from_outside(filled: Filled) -> None:
    closed = {
        event.subject_id: event.at
        for event in filled.all(AuditEvent)
        if event.subject == "appeal" and event.from_state == "funding"
    }
    for pledge in filled.all(Pledge):
        appeal = filled.db.get_one(Appeal, pledge.appeal_id)
        donor = filled.db.get_one(User, pledge.donor_id)
        assert appeal.published_at < pledge.created_at < min(closed.get(appeal.id, NOW), appeal.closes_at)
        assert donor.created_at < pledge.created_at
        assert donor.household_id != appeal.household_id
    quiet = {filled.db.get_one(User, pledge.donor_id).display_name for pledge in filled.all(Pledge) if pledge.anonymous}
    assert quiet == {"北方的槐树"}


@pytest.mark.parametrize("table", [User, Appeal, Pledge, Offer, GoodsRequest, Listing, Conversation])
def test_numbers_follow_time(filled: Filled, table: Any) -> None:
    times = [row.created_at for row in filled.all(table)]
    assert times == sorted(times)
    assert times[-1] < NOW


# Goods from hand to hand


def test_goods_stand_at_every_step_of_the_way(filled: Filled) -> None:
    """A match in each state, a point in each, and something on a shelf; none of them is due before the demo begins."""
    matches = filled.all(Match)
    assert {match.state for match in matches} == MATCH_MACHINE.states
    assert all(match.due_at is None or match.due_at > NOW for match in matches)
    assert {point.state for point in filled.all(Point)} == POINT_MACHINE.states
    assert {round_.state for round_ in filled.all(Round)} >= {"gathering", "drawn"}
    assert [shelf.quantity for shelf in filled.all(Shelf) if shelf.quantity] == [10]
    assert {line.kind for line in filled.all(ReceivedLine)} == {"came", "missing"}


def test_who_can_be_played_has_something_to_answer_to_send_or_to_hand_out(filled: Filled) -> None:
    known = {row.user_id: row.openid for row in filled.all(Conversation) if row.openid in filled.seeded.tags}
    owners = {request.id: request.owner_id for request in filled.all(GoodsRequest)}
    live = [match for match in filled.all(Match) if match.state in HELD]
    by_household = {match.state for match in live if owners[match.request_id] in known}
    by_donor = {match.state for match in live if match.donor_id in known}
    assert by_household >= {"proposed", "at_point"}
    assert by_donor >= {"recipient_ok", "donor_ok"}


def test_thanks_wait_for_an_officer_and_others_have_come_to_a_donor_who_can_be_played(filled: Filled) -> None:
    """One of each, with a photo; the officer who has the task of those that wait can be played, too."""
    published, waiting = sorted(filled.all(GoodsThanks), key=lambda thanks: thanks.state)
    assert (published.state, waiting.state) == ("published", "submitted")
    known = {row.user_id for row in filled.all(Conversation) if row.openid in filled.seeded.tags}
    found = thanks_for_donor(filled.db, published.id)
    assert found is not None
    donor, seen = found
    assert donor in known
    assert len(seen.pictures) == 1
    assert thanks_for_donor(filled.db, waiting.id) is None
    [task] = [task for task in filled.all(Task) if (task.subject, task.subject_id) == ("goods_thanks", waiting.id)]
    assert task.closed_at is None
    assert filled.db.get_one(Staff, task.assignee).openid in filled.seeded.tags
    [told] = [row for row in filled.all(Notification) if row.template == "goods_thanked"]
    assert (filled.db.get_one(Conversation, told.conversation_id).user_id, told.read_at) == (donor, None)


def test_goods_are_collected_in_the_household_s_own_county(filled: Filled) -> None:
    for match in filled.all(Match):
        request, point = filled.db.get_one(GoodsRequest, match.request_id), filled.db.get_one(Point, match.point_id)
        assert request.region_code[:6] == point.region_code[:6]
        assert request.created_at < match.proposed_at
        assert point.agreed_at < match.proposed_at


# What the flows would have said


def judge(flow: Flow, answers: dict[str, Any], at: datetime) -> None:
    """Every answer given is one that its question takes; photos and places are not in the data set's words."""
    world = World(at, load_lexicon(), lambda text: [])
    for name, value in answers.items():
        step = flow.step(name)
        assert step is not None
        assert step.applies(answers)
        assert step.judge(value, Asking(world, answers)) is None, (name, value)
    left = {step.name for step in flow.steps if step.applies(answers)} - set(answers)
    assert left <= {"photos", "place", "home", "sheet"}


def of(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def amount_of(row: Any, quantity: int) -> dict[str, Any]:
    return {"unit": row.unit, "weight" if row.unit == "jin" else "count": quantity}


def land(filled: Filled, listing: Listing) -> dict[str, Any]:
    """What was said of the land; honey needs none."""
    crop = load_lexicon().market.crop(listing.crop)
    stated = find_statement(filled.db, listing.household_id, listing.crop, listing.season)
    if crop is None or stated is None:
        return {"crop_group": "animal"}
    packed = {} if listing.unit == "jin" else {"each_weight": listing.grams_each}
    return {"crop_group": crop.group, "plot": stated.plot, **packed}


def thing(row: Any) -> dict[str, Any]:
    lexicon = load_lexicon()
    belongs = list(belonging_of(row.item, lexicon))
    return {"item": {"name": row.item, "edible": is_food(row.item, lexicon), "belongs": belongs}}


def day(name: str, value: date | None) -> dict[str, str]:
    return {name: value.isoformat()} if value else {}


def test_the_flows_would_have_taken_the_people(filled: Filled) -> None:
    for user in filled.all(User):
        if user.registered_by:
            judge(proxy_register, of(user, "name", "id_number", "phone"), user.created_at)
            continue
        said = {"consent": "yes", "role": user.role}
        if user.role == "resident":
            said |= {"consent_identity": "yes", **of(user, "name", "id_number", "phone")}
        else:
            said |= of(user, "display_name")
        judge(register_flow, said, user.created_at)


def test_the_flows_would_have_taken_the_appeals_and_pledges(filled: Filled) -> None:
    for appeal in filled.all(Appeal):
        lines = [line for line in filled.all(BudgetLine) if line.appeal_id == appeal.id]
        said = of(appeal, "kind", "title", "category", "story")
        said["target"] = appeal.target_fen
        said["budget"] = [of(line, "item", "amount_fen") for line in lines]
        said["deadline"] = appeal.collect_days
        said |= shortfall_of(appeal) if appeal.kind == "crowdfund" else {}
        judge(start_appeal, said, appeal.created_at)
    for pledge in filled.all(Pledge):
        said = {"amount": pledge.amount_fen, "anonymous": "yes" if pledge.anonymous else "no"}
        judge(pledge_flow, said, pledge.created_at)


def test_the_flow_would_have_taken_the_visits(filled: Filled) -> None:
    for seen in filled.all(Visit):
        said = {**json.loads(seen.assessment), "findings": seen.findings, "in_need": "yes" if seen.supports else "no"}
        judge(visit_flow, said, seen.at)
        assert seen.score == load_lexicon().scale.score(json.loads(seen.assessment))


def test_the_flows_would_have_taken_the_goods(filled: Filled) -> None:
    for offer in filled.all(Offer):
        said = of(offer, "category", "condition", "handover") | amount_of(offer, offer.initial) | thing(offer)
        said["smallest"] = smallest_of(offer.smallest, offer.initial)
        judge(offer_goods, said | day("best_before", offer.best_before), offer.created_at)
    for request in filled.all(GoodsRequest):
        said = of(request, "category", "reason") | amount_of(request, request.quantity) | thing(request)
        said |= day("need_by", request.need_by) or {"need_by": ANY_DAY}
        judge(request_goods, said, request.created_at)


def test_the_flows_would_have_taken_the_listings(filled: Filled) -> None:
    for listing in filled.all(Listing):
        said = of(listing, "kind", "name") | amount_of(listing, listing.initial) | {"price": listing.price_fen}
        if listing.kind == "produce":
            said["ripeness"] = "growing" if listing.harvest_date else "ripe"
            said |= land(filled, listing)
        said |= day("harvest_date", listing.harvest_date)
        said |= {"sold_where": "shop", "shop_url": listing.shop_url} if listing.shop_url else {"sold_where": "here"}
        judge(list_produce, said, listing.created_at)


@pytest.mark.parametrize("table", [Appeal, Offer, GoodsRequest, Listing, Staff, Household])
def test_every_place_is_known(filled: Filled, table: Any) -> None:
    codes = {row.region_code for row in filled.all(table)}
    assert len(filled.db.scalars(select(Region).where(Region.code.in_(codes))).all()) == len(codes)
