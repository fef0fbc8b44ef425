"""Each follower wears the tag of the menu that they are to have, whatever becomes of them, and only then."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session as Database
from structlog.testing import capture_logs

from bot.menus.render import menus_of
from bot.menus.tagging import give_menus
from bot.simulator.faults import Fault, Kind
from bot.simulator.simulator import Simulator
from bot.wechat.menu import publish
from bot.words.lexicon import load_lexicon
from bot.work.context import WorkerContext
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff
from models.staff.menu_due import MenuDue, forget_left
from tests.harness.processes.worker_desk import worker_beside
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import Stage

WANG, CHEN, ZHOU, GUEST = "oWang", "oChen", "oZhou", "oGuest"
PEOPLE = (WANG, CHEN, ZHOU, GUEST)


@dataclass
class Square:
    """Followers of the account, and the worker that gives them their menus."""

    stage: Stage
    simulator: Simulator
    context: WorkerContext

    def worn(self) -> dict[str, str]:
        """Which tag each of them wears."""
        names = {tag["id"]: tag["name"] for tag in self.simulator.crowd.tags()}
        return {each: "+".join(names[tag] for tag in self.simulator.crowd.tags_of(each)) for each in PEOPLE}

    def notes(self) -> int:
        with Database(self.stage.database) as db:
            return db.scalar(select(func.count()).select_from(MenuDue)) or 0

    def change(self, statement: object) -> None:
        with Database(self.stage.database) as db, db.begin():
            db.execute(statement)  # type: ignore[call-overload]


@pytest.fixture
def square(stage: Stage, redis_flushed: str, run_simulator: Callable[..., RunningSimulator]) -> Iterator[Square]:
    running = run_simulator(stage.app)
    for openid in PEOPLE:
        running.simulator.new_person(openid)
        running.simulator.follow(openid)
    stage.register(WANG, "resident")
    stage.register(CHEN, "donor")
    stage.appoint(ZHOU, "village")
    context = worker_beside(stage, running, redis_flushed)
    publish(context.api, menus_of(load_lexicon()))
    yield Square(stage, running.simulator, context)
    context.close()


def test_each_gets_the_menu_of_what_they_are(square: Square) -> None:
    assert give_menus(square.context) == 4
    assert square.worn() == {WANG: "居民", CHEN: "爱心人士", ZHOU: "帮扶干部", GUEST: ""}
    assert square.simulator.menu_of(ZHOU)[1] != square.simulator.menu_of(GUEST)[1]
    assert (square.notes(), give_menus(square.context)) == (0, 0)


CHANGES = {
    "a resident who gets a seat": (
        update(Staff).where(Staff.openid == ZHOU).values(openid=WANG),
        {WANG: "帮扶干部", ZHOU: ""},
    ),
    "a seat that is suspended": (update(Staff).values(state="suspended"), {ZHOU: ""}),
    "a donor who is erased": (
        update(User).where(User.role == "donor").values(state="erased"),
        {CHEN: ""},
    ),
    "a person who is erased": (
        update(Conversation).where(Conversation.openid == WANG).values(openid="gone:1", following=False, user_id=None),
        {WANG: ""},
    ),
    "who leaves keeps what they wear": (
        update(Conversation).where(Conversation.openid == WANG).values(following=False),
        {},
    ),
    "a phone that another person uses": (
        text(
            "UPDATE conversations SET openid = 'held:' || id, parked_openid = openid, code = '\\x00'"
            " WHERE openid = 'oWang'"
        ),
        {WANG: ""},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_becomes_of_them_is_seen_in_their_menu(square: Square, change: str) -> None:
    give_menus(square.context)
    before = square.worn()
    statement, after = CHANGES[change]
    square.change(statement)
    assert square.worn() == before
    give_menus(square.context)
    assert square.worn() == before | after
    assert square.notes() == 0


def test_a_seat_that_begins_tomorrow_changes_the_menu_tomorrow(square: Square) -> None:
    square.change(update(Staff).values(active_from=func.now() + timedelta(days=1)))
    give_menus(square.context)
    assert square.worn()[ZHOU] == ""
    assert square.notes() == 1
    square.change(update(MenuDue).values(due_at=func.now()))
    square.change(text("UPDATE staff SET active_from = now() - interval '1 year'"))
    give_menus(square.context)
    assert square.worn()[ZHOU] == "帮扶干部"


def test_one_whom_wechat_does_not_know_keeps_nobody_from_theirs(
    square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whom the platform knows nothing is found by halves, and one line of the log says how many they were."""
    for number in range(31):
        square.simulator.new_person(f"oNeighbour{number:02}")
        square.simulator.follow(f"oNeighbour{number:02}")
        square.stage.register(f"oNeighbour{number:02}", "resident")
    give_menus(square.context)
    square.change(update(User).where(User.role == "resident").values(role="donor"))
    square.stage.register("oStranger", "donor")
    calls, untag = list[int](), square.context.api.untag_people

    def counted(tag: int, openids: Sequence[str]) -> None:
        calls.append(len(openids))
        untag(tag, openids)

    monkeypatch.setattr(square.context.api, "untag_people", counted)
    with capture_logs() as logs:
        give_menus(square.context)
    assert square.worn()[WANG] == "爱心人士"
    assert square.notes() == 0
    assert [(line["event"], line["people"]) for line in logs if line["event"].startswith("menu")] == [
        ("menus.people_refused", 1)
    ]
    assert len(calls) < 30


@pytest.mark.parametrize("code", [48001, 45009])
def test_what_wechat_refuses_the_account_is_tried_again(square: Square, code: int) -> None:
    square.simulator.faults.add(Fault(Kind.REFUSE, where="/cgi-bin/tags/members/batchtagging", code=code))
    give_menus(square.context)
    assert square.notes() >= 1
    square.simulator.faults.lift()
    give_menus(square.context)
    assert square.worn() == {WANG: "居民", CHEN: "爱心人士", ZHOU: "帮扶干部", GUEST: ""}


def test_before_the_menus_are_published_nobody_is_forgotten(
    stage: Stage, redis_flushed: str, run_simulator: Callable[..., RunningSimulator]
) -> None:
    running = run_simulator(stage.app)
    running.simulator.new_person(WANG)
    running.simulator.follow(WANG)
    stage.register(WANG, "resident")
    context = worker_beside(stage, running, redis_flushed)
    assert give_menus(context) == 0
    publish(context.api, menus_of(load_lexicon()))
    context.run_job("give_menus", 0)
    assert len(running.simulator.crowd.tags_of(WANG)) == 1
    context.close()


def test_of_who_left_nothing_stays_also_where_the_menus_are_never_published(stage: Stage) -> None:
    stage.register(WANG, "resident")
    stage.register(CHEN, "donor")
    with Database(stage.database) as db, db.begin():
        db.execute(update(Conversation).where(Conversation.openid == WANG).values(openid="gone:1", user_id=None))

    def noted() -> set[str]:
        with Database(stage.database) as db:
            return set(db.scalars(select(MenuDue.openid)))

    since = stage.clock()
    with Database(stage.database) as db, db.begin():
        db.execute(update(MenuDue).values(due_at=since))
    forget_left(stage.database, since + timedelta(days=6))
    assert noted() >= {WANG, CHEN}
    forget_left(stage.database, since + timedelta(days=8))
    assert noted() == {CHEN, "gone:1"}
