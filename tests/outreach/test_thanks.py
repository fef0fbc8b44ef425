"""Thanks: one at a time, once a week, read by an officer first, and then to everybody who gave, once each."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from bot.push.broadcasts import continue_broadcasts
from models.appeals.appeal import Appeal, freeze
from models.books import violations
from models.core.audit_trail import AuditEvent
from models.core.database import snapshot
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, WrongState
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import PAID, Pledge
from models.notifications.broadcast import Broadcast, notify_backers
from models.notifications.mute import mute
from models.notifications.notification import Notification
from models.outreach import audience
from models.outreach.update import BETWEEN_THANKS, NobodyGave, ThankedLately, ThanksWait, Update
from models.outreach.update_review import TakesNoUpdates, open_update, publish, send_back, submit
from models.people.conversation import Conversation
from models.public.views import find_update
from models.staff.decision import Decision
from models.staff.member import Staff
from models.staff.task import Task, find_task
from tests.harness.erasing import erase_person
from tests.harness.stage import Stage

WORDS = "谢谢大家帮我们修路，孩子上学不再踩泥了。"
_SERIAL = count(1)


class Killed(Exception):
    """Where a worker would be killed."""


class Hands:
    """Keeps what is handed to the workers."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def deliver(self, ids: Any, urgency: str = "push") -> None:
        assert urgency == "bulk"
        self.taken += ids


@pytest.fixture
def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Pages of three people, so that a dozen is a crowd."""
    monkeypatch.setattr(audience, "PEOPLE", 3)
    stage = Stage(database_url)
    yield stage
    stage.close()


def give(stage: Stage, appeal: int, people: int = 1, state: str = "intended") -> list[int]:
    """So many new donors of the appeal: their conversations."""
    found = []
    for serial in (next(_SERIAL) for _ in range(people)):
        user = stage.register(f"o-giver-{serial}", "donor")
        gift = {"amount_fen": 1_000, "anonymous": bool(serial % 2), "state": state, "created_at": stage.clock()}
        gift["pay_by"] = stage.clock()
        with Database(stage.database) as db, db.begin():
            codes = {"draft_id": f"gift-{serial}", "code": f"C{serial:09}"}
            db.execute(insert(Pledge).values(appeal_id=appeal, donor_id=user, **codes, **gift))
        found.append(stage.person(f"o-giver-{serial}"))
    return found


def say(stage: Stage, number: int, draft: str = "", kind: str = "thanks") -> int:
    """What the owner hands in: its number."""
    draft = draft or f"thanks-{next(_SERIAL)}"
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, number, with_for_update=True)
        submit(db, appeal, draft, WORDS, [], owner_of(db, number), stage.clock(), kind)
        return db.scalars(select(Update.id).where(Update.draft_id == draft)).one()


def owner_of(db: Database, number: int) -> int:
    """Their conversation."""
    owner = db.get_one(Appeal, number).owner_id
    return db.scalars(select(Conversation.id).where(Conversation.user_id == owner)).one()


def officer(db: Database, name: str = "officer-0") -> Staff:
    return db.scalars(select(Staff).where(Staff.openid == f"o-{name}")).one()


def publish_it(stage: Stage, number: int) -> int:
    """The fan-out's number."""
    with Database(stage.database) as db, db.begin():
        return publish(db, officer(db), number, stage.clock())[1].id


def told(stage: Stage, broadcast: int) -> list[int]:
    with Database(stage.database) as db:
        return sorted(db.scalars(select(Notification.conversation_id).where(Notification.broadcast_id == broadcast)))


def right_books(stage: Stage) -> bool:
    with snapshot(stage.settings.database_url) as connection:
        return list(violations(connection, stage.clock())) == []


# --- When they may be said


@pytest.mark.parametrize("state", sorted(PLEDGES.states))
def test_somebody_gave_whose_gift_counts(stage: Stage, state: str) -> None:
    number = stage.open_appeal()
    give(stage, number, state=state)
    if state in ("intended", *PAID):  # PAY_MODE=off
        assert say(stage, number)
    else:
        with pytest.raises(NobodyGave):
            say(stage, number)


def test_one_waits_at_a_time_and_progress_beside_it(stage: Stage) -> None:
    number, other = stage.open_appeal(), stage.open_appeal()
    give(stage, number)
    give(stage, other)
    first = say(stage, number, "the same")
    assert say(stage, number, "the same") == first
    with pytest.raises(ThanksWait):
        say(stage, number)
    say(stage, other)
    say(stage, number, kind="progress")
    say(stage, number, kind="progress")
    with Database(stage.database) as db:
        waits = db.execute(select(Update.appeal_id, Update.kind).where(Update.state == "submitted"))
        assert sorted(map(tuple, waits)) == [(number, "progress"), (number, "thanks"), (other, "thanks")]
        steps = db.scalars(select(Task.step).where(Task.subject == "update", Task.closed_at.is_(None)))
        assert sorted(steps) == ["thanks", "thanks", "update"]
    assert right_books(stage)


def test_the_database_itself_lets_one_wait(stage: Stage) -> None:
    number = stage.open_appeal()
    give(stage, number)
    say(stage, number)
    second = {"draft_id": "behind its back", "appeal_id": number, "kind": "thanks", "words": "", "state": "submitted"}
    with pytest.raises(IntegrityError), Database(stage.database) as db, db.begin():
        db.execute(insert(Update).values(**second, created_at=stage.clock()))


@pytest.mark.parametrize(("later", "allowed"), [(BETWEEN_THANKS - timedelta(seconds=1), False), (BETWEEN_THANKS, True)])
def test_a_week_passes_between_two(stage: Stage, later: timedelta, allowed: bool) -> None:
    number = stage.open_appeal()
    give(stage, number)
    stage.clock.move(timedelta(days=3))
    first = say(stage, number)
    stage.clock.move(timedelta(days=2))
    publish_it(stage, first)
    published = stage.clock()
    stage.clock.move(later)
    if allowed:
        assert say(stage, number) > first
        return
    with pytest.raises(ThankedLately) as refused:
        say(stage, number)
    assert refused.value.values == {"number": number, "day": published + BETWEEN_THANKS}


def test_what_was_sent_back_does_not_count(stage: Stage) -> None:
    number = stage.open_appeal()
    give(stage, number)
    first = say(stage, number)
    with Database(stage.database) as db, db.begin():
        send_back(db, officer(db), first, ["not_public"], stage.clock())
    assert say(stage, number) > first


def test_two_drafts_at_one_moment_are_one(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    number = stage.open_appeal()
    give(stage, number)

    def one(draft: str) -> str:
        try:
            say(stage, number, draft)
        except Refusal as refusal:
            return refusal.code
        return "said"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(one, (f"draft-{n}" for n in range(6))))
    assert outcomes == ["said", *["thanks_wait"] * 5]
    stage.close()


def test_of_a_stopped_appeal_nothing_is_said_and_nothing_goes_out(stage: Stage) -> None:
    number = stage.open_appeal()
    give(stage, number)
    first = say(stage, number)
    with Database(stage.database) as db, db.begin():
        freeze(db, db.get_one(Appeal, number, with_for_update=True), SYSTEM, stage.clock(), "complaint")
    with pytest.raises(TakesNoUpdates):
        say(stage, number)
    with pytest.raises(WrongState):
        publish_it(stage, first)
    assert "暂停了" in stage.say("o-owner-0", f"感谢 {number}")


# --- To whom


def test_everybody_who_gave_has_them_once_wherever_a_worker_is_killed(stage: Stage) -> None:
    number, other = stage.open_appeal(), stage.open_appeal()
    people = sorted(give(stage, number, 8))
    muted, muted_here, muted_there = give(stage, number, 3)
    give(stage, other, 2)
    with Database(stage.database) as db, db.begin():
        mute(db, muted, "progress", stage.clock())
        mute(db, muted_here, "progress", stage.clock(), number)
        mute(db, muted_there, "progress", stage.clock(), other)
    people = sorted([*people, muted_there])
    first = say(stage, number)
    with Database(stage.database) as db:
        file = open_update(db, officer(db), first, stage.clock())
        assert (file.kind, file.people, file.pictures) == ("thanks", len(people), 0)
        db.rollback()
    broadcast, hands, commits = publish_it(stage, first), Hands(), count(1)

    def kill(_connection: Any) -> None:
        if next(commits) % 2:
            raise Killed

    for _ in range(4):
        event.listen(stage.database, "commit", kill)
        try:
            continue_broadcasts(stage.database, hands, stage.clock())
        except Killed:
            pass  # before anything was begun
        finally:
            event.remove(stage.database, "commit", kill)
    continue_broadcasts(stage.database, hands, stage.clock())
    assert told(stage, broadcast) == people
    with Database(stage.database) as db:
        written = db.scalars(select(Notification).where(Notification.broadcast_id == broadcast)).all()
        assert {(one.template, one.urgency, one.subject, one.subject_id) for one in written} == {
            ("thanks", "bulk", "appeal", number)
        }
        assert {json.loads(one.facts)["words"] for one in written} == {WORDS}
        found = find_update(db, number)
        assert found is not None
        assert (found.kind, found.words) == ("thanks", WORDS)
    assert right_books(stage)


def test_an_erased_owner_thanks_nobody_any_more(stage: Stage) -> None:
    number = stage.open_appeal()
    give(stage, number, 4)
    broadcast = publish_it(stage, say(stage, number))
    stage.clock.move(BETWEEN_THANKS)
    second = say(stage, number)
    with Database(stage.database) as db, db.begin():
        erase_person(db, owner_of(db, number), stage.clock())
    continue_broadcasts(stage.database, Hands(), stage.clock())
    assert told(stage, broadcast) == []
    with Database(stage.database) as db:
        assert {one.words for one in db.scalars(select(Update))} == {""}
        assert db.get_one(Update, second).state == "withdrawn"
        assert find_task(db, "update", second) is None
        row = db.get_one(Broadcast, broadcast)
        assert (row.state, json.loads(row.facts)["words"]) == ("stopped", "")


def test_the_trail_says_who_thanked_and_who_published(stage: Stage) -> None:
    number = stage.open_appeal()
    give(stage, number)
    first = say(stage, number)
    publish_it(stage, first)
    with Database(stage.database) as db:
        trail = select(AuditEvent.action, AuditEvent.to_state).where(AuditEvent.subject == "update")
        assert [tuple(row) for row in db.execute(trail.order_by(AuditEvent.id))] == [
            ("thanked", None),
            ("moved", "published"),
        ]
        assert db.scalar(select(func.count(Decision.id)).where(Decision.subject == "update")) == 1


@pytest.mark.parametrize("template", ["appeal_begins", "appeal_funded", "appeal_failed", "appeal_resumed"])
def test_staff_see_how_far_any_word_to_backers_is(stage: Stage, template: str) -> None:
    number = stage.open_appeal()
    give(stage, number)
    with Database(stage.database) as db, db.begin():
        notify_backers(db, template, number, "苗寨修路", f"{template}:1", stage.clock())
    assert "群发 1 号" in stage.say("o-officer-0", "群发进度")
