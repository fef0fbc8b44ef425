"""A village goes into another: what goes on there goes with it, and officers see their own subtree, then and now."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session as Database

from bot.places.load import Loaded, load_regions
from bot.places.rows import Row
from flows.engine.session import loads
from models.appeals.appeal import Appeal
from models.appeals.submission import NewAppeal, submit
from models.core.audit_trail import AuditEvent
from models.core.state_machine import SYSTEM
from models.goods.submission import NewOffer, NewRequest, make_offer, make_request
from models.market.submission import NewListing, submit_listing
from models.people.conversation import Conversation
from models.people.user import Household, User
from models.places.region import Region
from models.staff.member import Staff
from models.staff.task import Matter, Task, open_task
from models.support.ticket import TICKET_LASTS, Ticket, close_ticket, open_ticket
from models.tables import metadata
from models.upkeep import region_succession
from models.verification.case import MACHINE as CASES
from models.verification.case import Verification, begin_case
from tests.harness.stage import Stage

DAOXIAN, LONGHUI = "431124000000", "430524000000"
MEIHUA, QINGTANG = "431124101000", "431124104000"
XIUYI, PANJIA, XIAOPING = "431124101208", "431124101209", "431124104200"
STORY = "家里三口人，老伴身体不好。" * 30
SECRETS = ("王秀兰", "13800000000", "买缝纫机", "家里三口人", "机器0")
# Whose region column says where something was, not where it is.
HISTORY = {"decisions", "regions"}
OF_A_HOUSEHOLD = ("households", "users", "verifications", "tasks", "appeals", "tickets", "goods_requests", "offers")


class Village:
    """Wang Xiulan lives in Xiuyi, has asked for things there, is being verified, and waits for an answer."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.mark = stage.app.extensions["bangfu"]["turns"].lexicon.words["case"][0]
        now = stage.clock()
        user_id = stage.register("o-wang", "resident", XIUYI, verified=False)
        conversation = stage.person("o-wang")
        with Database(stage.database) as db, db.begin():
            user = db.get_one(User, user_id)
            case = begin_case(db, user, SYSTEM, now)
            CASES.move(db, case, "registry_checked", SYSTEM, now)
            open_task(db, Matter("case", case.id, XIUYI, user.household_id), "visit", now)
            budget = tuple((f"机器{n}", 100_000) for n in range(5))
            wanted = NewAppeal(
                *("d1", "one_to_one", "industry", "买缝纫机", STORY, XIUYI, 500_000),
                deadline=now + timedelta(days=60),
                budget=budget,
            )
            self.appeal, self.case = submit(db, wanted, user, now).id, case.id
            self.ticket = open_ticket(db, conversation, XIUYI, None, now).id
            make_request(db, NewRequest("d2", "clothes", "棉衣", "piece", 3, "冬天冷", XIUYI), user, now)
            submit_listing(db, NewListing("d3", "produce", "脐橙", "jin", 300, 50_000, None, None), user, now)
            make_offer(db, NewOffer("d4", "books", "课本", "book", 9, "good", None, "post", XIUYI), user, now)

    def say(self, name: str, words: str) -> str:
        return self.stage.say(f"o-{name}", words)

    def number(self, name: str, command: str) -> str:
        """What to press on this one's screen for a command."""
        person = self.stage.person(f"o-{name}")
        with Database(self.stage.database) as db:
            session = loads(db.get_one(Conversation, person).session)
        assert session.screen
        return next(str(option.number) for option in session.screen.options if option.do[1] == command)

    def sees(self, name: str) -> bool:
        """Everything, by every way that staff have; or nothing by any."""
        seen = {
            f"{self.mark} {self.case} 号" in (queue := self.say(name, "待办")),
            f"工单 {self.ticket} 号" in queue,
            "王秀兰" in self.say(name, f"看 {self.appeal}"),
            "王秀兰" in self.say(name, f"看 {self.mark}{self.case}"),
        }
        assert len(seen) == 1, queue
        return seen.pop()


def end(stage: Stage, successors: dict[str, str | None]) -> Loaded:
    """These regions end today, as import-regions does it."""
    with Database(stage.database) as db:
        rows = [
            Row(code, region.name, ("county", "township", "village")[region.level - 2], "f.csv", line, told(new))
            for line, (code, new) in enumerate(successors.items(), 2)
            for region in [db.get_one(Region, code)]
        ]
    return load_regions(stage.database, rows, now=stage.clock())


def told(successor: str | None) -> dict[str, Any]:
    return {"valid_to": date(2026, 11, 1), "successor": successor}


def codes(stage: Stage, table: Any) -> set[str]:
    with Database(stage.database) as db:
        return set(db.scalars(select(table.region_code)))


def test_every_table_that_names_a_region_goes_over_or_is_history() -> None:
    naming = {
        table.name
        for table in metadata.tables.values()
        if any(key.column.table.name == "regions" for key in table.foreign_keys)
    }
    moved = {table.__tablename__ for table in region_succession._live_rows(datetime.now(UTC))}
    assert naming == moved | HISTORY, (
        "say in models/upkeep/region_succession.py which of its rows go over, or here that none do"
    )


OTHERS = [("village", PANJIA), ("village", XIAOPING), ("township", QINGTANG), ("county", LONGHUI)]


@pytest.mark.parametrize(("role", "region"), OTHERS)
def test_officers_of_a_sibling_region_see_nothing_and_move_nothing(stage: Stage, role: str, region: str) -> None:
    village = Village(stage)
    stage.appoint("o-other", role, region)
    for words in ("待办", f"看 {village.appeal}", f"看 {village.mark}{village.case}"):
        reply = village.say("other", words)
        assert not any(secret in reply for secret in ("王秀兰", "13800000000", "买缝纫机", "家里三口人", "修义村")), (
            words
        )
    for words in (f"通过 {village.appeal}", f"通过 {village.mark}{village.case}", f"答复 {village.ticket} 您好"):
        village.say("other", words)
        assert stage.said in (["replies/refusals:outside_region"], ["replies/routing/not_understood"]), (
            words,
            stage.said,
        )
    with Database(stage.database) as db:
        assert db.get_one(Appeal, village.appeal).state == "submitted"
        assert db.get_one(Ticket, village.ticket).state == "open"
        assert not db.scalars(select(AuditEvent.id).where(AuditEvent.action == "read_sensitive")).all()


def test_what_goes_on_moves_with_its_officers_and_what_is_over_stays(stage: Stage) -> None:
    Village(stage)
    wang = stage.person("o-wang")
    stage.appoint("o-own", "village", XIUYI)
    revoked = stage.appoint("o-gone", "village", XIUYI)
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.id == revoked).values(state="revoked"))
        over = open_ticket(db, wang, XIUYI, "listing:1", now - TICKET_LASTS).id
        close_ticket(db, over, now - TICKET_LASTS - timedelta(days=1))
        answered = open_ticket(db, wang, XIUYI, "listing:2", now).id
        close_ticket(db, answered, now)
    loaded = end(stage, {XIUYI: XIAOPING})
    assert loaded.moved.rows == {
        **dict.fromkeys(OF_A_HOUSEHOLD, 1),
        "listings": 1,
        "sellers": 1,
        "staff": 1,
        "tickets": 2,
        "tasks": 2,
    }
    with Database(stage.database) as db:
        assert db.get_one(Ticket, over).region_code == XIUYI
        assert db.get_one(Staff, revoked).region_code == XIUYI
        told = select(AuditEvent.subject_id, AuditEvent.detail).where(AuditEvent.action == "region_moved")
        events = db.execute(told.where(AuditEvent.subject == "region")).all()
    assert {tuple(event) for event in events} == {
        (int(XIAOPING), f"{name}:{count}") for name, count in loaded.moved.rows.items()
    }
    assert len(events) == len(loaded.moved.rows)
    for table in (Household, User, Verification, Task, Appeal):
        assert codes(stage, table) == {XIAOPING}
    assert end(stage, {XIUYI: XIAOPING}).moved.rows == {}


def test_the_officers_of_the_new_region_see_it_and_those_of_the_old_no_more(stage: Stage) -> None:
    village = Village(stage)
    for name, role, region in (
        ("old", "village", MEIHUA),
        ("old-story", "township", MEIHUA),
        ("old-budget", "township", MEIHUA),
        ("old-ticket", "township", MEIHUA),
        ("new", "village", XIAOPING),
        ("town", "township", QINGTANG),
        ("county", "county", DAOXIAN),
    ):
        stage.appoint(f"o-{name}", role, region)
    shown = {"old-story": "view_story", "old-budget": "view_budget", "old-ticket": "view_ticket"}
    for name, command in shown.items():
        village.say(name, "待办" if command == "view_ticket" else f"看 {village.appeal}")
        assert village.number(name, command)
    end(stage, {XIUYI: XIAOPING})
    for name, command in shown.items():
        reply = village.say(name, village.number(name, command))
        assert not any(secret in reply for secret in SECRETS), command
    assert village.sees("new")
    assert not village.sees("old")
    assert "王秀兰" in village.say("town", f"看 {village.appeal}")
    assert "王秀兰" in village.say("county", f"看 {village.mark}{village.case}")
    village.say("new", f"答复 {village.ticket} 您好")
    assert stage.said == ["replies/support/ticket_answered"]
    village.say("new", f"通过 {village.appeal}")
    assert stage.said != ["replies/refusals:outside_region"]


def test_a_task_finds_an_officer_who_covers_the_new_place(stage: Stage) -> None:
    """Its holder sits in the old township and stays there."""
    holder = stage.appoint("o-old", "village", MEIHUA)
    Village(stage)
    with Database(stage.database) as db:
        assert set(db.scalars(select(Task.assignee))) == {holder}
    new = stage.appoint("o-new", "village", XIAOPING)
    end(stage, {XIUYI: XIAOPING})
    with Database(stage.database) as db:
        assert set(db.scalars(select(Task.assignee))) == {new}


def test_a_chain_leads_to_its_end_in_one_import_and_in_two(stage: Stage) -> None:
    Village(stage)
    end(stage, {XIUYI: PANJIA})
    assert codes(stage, User) == {PANJIA}
    end(stage, {PANJIA: XIAOPING})
    assert codes(stage, User) == {XIAOPING}
    stage.register("o-li", "resident", XIUYI)
    end(stage, {})
    assert codes(stage, User) == {XIAOPING}, "what came to an old place later is found by the next import"


def test_a_seat_that_the_new_level_does_not_have_stays_and_is_told(stage: Stage) -> None:
    with Database(stage.database) as db:
        below = db.scalars(select(Region.code).where(Region.code.startswith(MEIHUA[:9]), Region.code != MEIHUA)).all()
    stage.appoint("o-town", "township", MEIHUA)
    loaded = end(stage, {MEIHUA: DAOXIAN, **dict.fromkeys(below, XIAOPING)})
    assert loaded.moved.left == ["No-town"[:7] + "to"]
    assert codes(stage, Staff) == {MEIHUA}


def test_many_households_go_over_whole(stage: Stage) -> None:
    rows = [{"region_code": XIUYI, "created_at": stage.clock()} for _ in range(2_345)]
    with Database(stage.database) as db, db.begin():
        db.execute(insert(Household), rows)
    assert end(stage, {XIUYI: XIAOPING}).moved.rows == {"households": 2_345}
    assert codes(stage, Household) == {XIAOPING}
