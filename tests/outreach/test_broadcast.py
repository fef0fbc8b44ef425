"""Fan-outs: everybody once, wherever a worker is killed; stopped at once; nobody who is muted, erased or gone."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.orm import Session as Database

from bot.push.broadcasts import continue_broadcasts
from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.notifications.broadcast import Audience, Broadcast, begin_broadcast, stop_sending
from models.notifications.mute import mute
from models.notifications.notification import Notification
from models.notifications.outbox import Outcome, claim_due, keep_outcomes
from models.outreach import audience
from models.outreach.audience import count_people
from models.outreach.broadcasts import progress_of
from models.people.conversation import Conversation
from models.staff.member import Staff
from tests.harness.erasing import erase_person
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

HUNAN = "430000000000"
_SERIAL = count(1)


class Killed(Exception):
    """Where a worker would be killed."""


class Hands:
    """Keeps what is handed to the workers."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None:
        assert urgency == "bulk"
        self.taken += ids


@pytest.fixture
def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Pages of three people, so that a dozen is a crowd."""
    monkeypatch.setattr(audience, "PEOPLE", 3)
    stage = Stage(database_url)
    yield stage
    stage.close()


def give(stage: Stage, appeal: int, people: int, *, anonymous: bool = False) -> list[int]:
    """So many new donors of the appeal: their conversations."""
    found = []
    for _ in range(people):
        openid = f"o-giver-{next(_SERIAL)}"
        user = stage.register(openid, "donor")
        _pledge(stage, appeal, user, anonymous=anonymous)
        found.append(stage.person(openid))
    return found


def _pledge(stage: Stage, appeal: int, user: int, *, anonymous: bool = False) -> None:
    with Database(stage.database) as db, db.begin():
        values = {"amount_fen": 1_000, "anonymous": anonymous, "state": "intended", "created_at": stage.clock()}
        serial = next(_SERIAL)
        codes = {"draft_id": f"gift-{serial}", "code": f"C{serial:09}"}
        db.execute(insert(Pledge).values(appeal_id=appeal, donor_id=user, **codes, **values))


def start(stage: Stage, appeal: int, kind: str = "backers", of: str = "") -> int:
    with Database(stage.database) as db, db.begin():
        staff = db.scalars(select(Staff).order_by(Staff.id)).first()
        assert staff is not None
        template = "appeal_update" if kind == "backers" else "disaster_call"
        facts = {"number": appeal, "title": "苗寨修路", "place": "湖南", "words": "路修好了一半"}
        to = Audience(kind, of or str(appeal), template, appeal)
        return begin_broadcast(db, to, facts, f"test:{next(_SERIAL)}", stage.clock(), by=staff.id).id


def told(stage: Stage, broadcast: int) -> list[int]:
    with Database(stage.database) as db:
        mine = select(Notification.conversation_id).where(Notification.broadcast_id == broadcast)
        return sorted(db.scalars(mine))


def row(stage: Stage, broadcast: int) -> Broadcast:
    with Database(stage.database) as db:
        return db.get_one(Broadcast, broadcast)


def send_all(stage: Stage, broadcast: int, state: str = "sent") -> None:
    """As the delivery does it."""
    with Database(stage.database) as db, db.begin():
        ids = db.scalars(select(Notification.id).where(Notification.broadcast_id == broadcast)).all()
        owed = claim_due(db, ids, stage.clock())
        keep_outcomes(db, [Outcome(one.id, state, "service") for one in owed], stage.clock())


def test_backers_get_it_once_each(stage: Stage) -> None:
    appeal, other = stage.open_appeal(), stage.open_appeal()
    people = give(stage, appeal, 7) + give(stage, appeal, 1, anonymous=True)
    give(stage, other, 2)
    with Database(stage.database) as db:
        twice = db.scalars(select(Pledge.donor_id).where(Pledge.appeal_id == appeal)).first()
    _pledge(stage, appeal, twice or 0)
    broadcast, hands = start(stage, appeal), Hands()
    assert continue_broadcasts(stage.database, hands, stage.clock()) == 3
    assert told(stage, broadcast) == sorted(people)
    assert row(stage, broadcast).state == "sending"
    assert continue_broadcasts(stage.database, hands, stage.clock()) == 0
    with Database(stage.database) as db:
        written = db.scalars(select(Notification).where(Notification.broadcast_id == broadcast)).all()
        assert sorted(hands.taken) == sorted(notice.id for notice in written)
        # Sealed once for a page; it opens for each, is bulk, and names nobody.
        assert all("路修好了一半" in notice.facts and "李老师" not in notice.facts for notice in written)
        assert {(n.urgency, n.state, n.subject, n.subject_id) for n in written} == {("bulk", "owed", "appeal", appeal)}


def test_a_province_is_who_gave_there_or_lives_there(stage: Stage) -> None:
    """A span holds fewer people than a page, and some hold nobody."""
    here, elsewhere = stage.open_appeal(), stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        beijing = "110101000000"
        db.execute(update(Appeal).where(Appeal.id == elsewhere).values(region_code=beijing))
    gave_here = give(stage, here, 4)
    gave_there = give(stage, elsewhere, 5)
    lives_here = stage.register("o-neighbour", "resident", DAOXIAN_MEIHUA)
    _pledge(stage, elsewhere, lives_here)
    left = give(stage, here, 1)[0]
    with Database(stage.database) as db, db.begin():
        db.execute(update(Conversation).where(Conversation.id == left).values(following=False))
    wanted = sorted([*gave_here, stage.person("o-neighbour")])
    with Database(stage.database) as db:
        assert count_people(db, Audience("donors_of", HUNAN, "disaster_call", here)) == len(wanted)
    broadcast = start(stage, here, "donors_of", HUNAN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audience, "SPAN", 2)
        continue_broadcasts(stage.database, Hands(), stage.clock())
    assert told(stage, broadcast) == wanted
    assert not set(gave_there) & set(told(stage, broadcast))


@pytest.mark.parametrize("fault", range(1, 12))
def test_a_kill_between_any_two_transactions(stage: Stage, fault: int) -> None:
    """Killed at the n-th commit, before or after it, and taken up again: everybody once."""
    appeal = stage.open_appeal()
    people = give(stage, appeal, 8)
    broadcast, hands, commits = start(stage, appeal), Hands(), count(1)

    def kill(_connection: Any) -> None:
        if next(commits) == fault:
            raise Killed

    event.listen(stage.database, "commit", kill)
    try:
        continue_broadcasts(stage.database, hands, stage.clock())
    except Killed:
        pass  # before anything was begun
    finally:
        event.remove(stage.database, "commit", kill)
    continue_broadcasts(stage.database, hands, stage.clock())
    assert told(stage, broadcast) == sorted(people)
    assert row(stage, broadcast).planned == 8
    assert sorted(set(hands.taken)) == sorted(hands.taken)


def test_killed_before_they_were_handed_over(stage: Stage) -> None:
    """What was written is owed: the sweep finds it, and nobody is written to anew."""

    class Dead(Hands):
        def deliver(self, ids: Sequence[int], urgency: str = "push") -> None:
            raise Killed

    appeal = stage.open_appeal()
    people = give(stage, appeal, 8)
    broadcast, hands = start(stage, appeal), Hands()
    for _ in range(2):
        continue_broadcasts(stage.database, Dead(), stage.clock())
    assert len(told(stage, broadcast)) == 6
    continue_broadcasts(stage.database, hands, stage.clock())
    assert told(stage, broadcast) == sorted(people)
    assert len(hands.taken) == 2


def test_several_planners_at_once(new_database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "PEOPLE", 3)
    stage = Stage(new_database())
    appeal = stage.open_appeal()
    people = give(stage, appeal, 31)
    broadcast, hands, ready = start(stage, appeal), Hands(), threading.Barrier(4)

    def plan() -> None:
        ready.wait()
        continue_broadcasts(stage.database, hands, stage.clock())

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(plan) for _ in range(4)]:
            one.result()
    continue_broadcasts(stage.database, hands, stage.clock())
    assert told(stage, broadcast) == sorted(people)
    assert sorted(hands.taken) == sorted(set(hands.taken))
    assert row(stage, broadcast).planned == 31
    stage.close()


def test_muted_erased_and_left_people(stage: Stage) -> None:
    appeal, other = stage.open_appeal(), stage.open_appeal()
    for_good, this_one, another, erased = give(stage, appeal, 4)
    with Database(stage.database) as db, db.begin():
        mute(db, for_good, "progress", stage.clock())
        mute(db, this_one, "progress", stage.clock(), appeal)
        mute(db, another, "progress", stage.clock(), other)
        erase_person(db, erased, stage.clock())
    with Database(stage.database) as db:
        assert count_people(db, Audience("backers", str(appeal), "appeal_update", appeal)) == 1
    broadcast = start(stage, appeal)
    continue_broadcasts(stage.database, Hands(), stage.clock())
    assert told(stage, broadcast) == [another]


def test_who_is_erased_after_it_was_written(stage: Stage) -> None:
    appeal = stage.open_appeal()
    people = give(stage, appeal, 2)
    broadcast = start(stage, appeal)
    continue_broadcasts(stage.database, Hands(), stage.clock())
    with Database(stage.database) as db, db.begin():
        erase_person(db, people[0], stage.clock())
    assert told(stage, broadcast) == [people[1]]


def test_stopped_in_the_middle(stage: Stage) -> None:
    """What has gone stays gone, what is being sent is finished, and what comes back from it goes nowhere."""
    appeal = stage.open_appeal()
    give(stage, appeal, 5)
    broadcast = start(stage, appeal)
    continue_broadcasts(stage.database, Hands(), stage.clock())
    with Database(stage.database) as db, db.begin():
        first, second, *rest = db.scalars(select(Notification.id).where(Notification.broadcast_id == broadcast)).all()
        claim_due(db, [first, second], stage.clock())
        keep_outcomes(db, [Outcome(first, "sent", "service")], stage.clock())
    with Database(stage.database) as db, db.begin():
        stop_sending(db, db.get_one(Broadcast, broadcast, with_for_update=True), "staff:1", stage.clock())
    with Database(stage.database) as db, db.begin():
        assert claim_due(db, rest, stage.clock()) == []
        keep_outcomes(db, [Outcome(second, "owed", reason="unreachable")], stage.clock())
    with Database(stage.database) as db, db.begin():
        assert claim_due(db, [second], stage.clock()) == []
    assert continue_broadcasts(stage.database, Hands(), stage.clock()) == 0
    with Database(stage.database) as db:
        left = db.scalars(select(Notification).where(Notification.broadcast_id == broadcast)).all()
        assert [(notice.id, notice.state) for notice in left] == [(first, "sent")]
        progress = progress_of(db, db.get_one(Broadcast, broadcast))
        assert (progress.planned, progress.gone, progress.owed) == (5, 1, 0)


def test_done_when_the_last_has_gone_its_way(stage: Stage) -> None:
    appeal = stage.open_appeal()
    give(stage, appeal, 4)
    broadcast = start(stage, appeal)
    continue_broadcasts(stage.database, Hands(), stage.clock())
    assert row(stage, broadcast).state == "sending"
    send_all(stage, broadcast)
    continue_broadcasts(stage.database, Hands(), stage.clock())
    done = row(stage, broadcast)
    assert (done.state, done.ended_at) == ("done", stage.clock())
    continue_broadcasts(stage.database, Hands(), stage.clock())
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).where(Notification.template == "broadcast_done")) == 1


def test_nobody_at_all(stage: Stage) -> None:
    appeal = stage.open_appeal()
    broadcast = start(stage, appeal)
    continue_broadcasts(stage.database, Hands(), stage.clock())
    assert row(stage, broadcast).state == "done"


def test_one_that_cannot_be_opened_keeps_no_other_back(stage: Stage) -> None:
    appeal = stage.open_appeal()
    people = give(stage, appeal, 2)
    broken, good = start(stage, appeal), start(stage, appeal)
    with Database(stage.database) as db, db.begin():
        db.execute(update(Broadcast).where(Broadcast.id == broken).values(audience_of="no number"))
    continue_broadcasts(stage.database, Hands(), stage.clock())
    assert told(stage, good) == people
    assert told(stage, broken) == []
