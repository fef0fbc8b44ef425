"""The monthly digest: right sums of the right twelve months, once a month to each, wherever a worker is killed."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, event, insert, select, text, update
from sqlalchemy.orm import Session as Database

from bot.push.digest import write_digests
from bot.work.context import WorkerContext
from bot.work.schedule import SCHEDULE
from bot.work.scheduler import Scheduler
from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal
from models.core.calendar import CHINA
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import PAID, Pledge
from models.notifications.mute import mute
from models.notifications.notification import Notification
from models.notifications.notify import notify
from models.notifications.opt_out import turn_off
from models.notifications.outbox import Outcome, claim_due, due_ids, keep_outcomes
from models.outreach import digest
from models.outreach.digest import FATES, PEOPLE, is_time, month_before, write_page, year_to
from models.people.conversation import Conversation
from tests.bench.crowd import make_crowd
from tests.bench.desk import _explain, _scans
from tests.harness.erasing import erase_person
from tests.harness.platform.push_office import FACTS
from tests.harness.stage import Stage, settings_for
from tests.harness.tiers import examples

# Of the stage's clock, 2026-11-24.
MONTH = 202610
# What no sweep has touched since: published, and on.
# Only what named a minimum reaches it, and these did not.
GIVEN_TO = sorted({state for states in FATES.values() for state in states} - {"minimum_met"})
_SERIAL = count(1)


class Killed(Exception):
    """Where a worker would be killed."""


@pytest.fixture
def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Pages of three people, so that a dozen is a crowd."""
    monkeypatch.setattr(digest, "PEOPLE", 3)
    stage = Stage(database_url)
    yield stage
    stage.close()


def give(stage: Stage, appeal: int, openid: str = "", at: datetime | None = None, **more: Any) -> int:
    """A gift by this person, or by a new one: their conversation. Last month, unless told otherwise."""
    openid = openid or f"o-giver-{next(_SERIAL)}"
    serial, person = next(_SERIAL), stage.person(openid)
    with Database(stage.database) as db:
        user = db.get_one(Conversation, person).user_id
    gift = {"amount_fen": 1_000, "anonymous": False, "state": "intended", "pay_by": stage.clock(), **more}
    gift |= {
        "created_at": at or stage.clock() - timedelta(days=30),
        "donor_id": user or stage.register(openid, "donor"),
    }
    with Database(stage.database) as db, db.begin():
        db.execute(insert(Pledge).values(draft_id=f"g-{serial}", code=f"C{serial:09}", appeal_id=appeal, **gift))
    return person


def digests(stage: Stage) -> dict[int, list[dict[str, Any]]]:
    """Conversation -> the facts of all that are kept for it."""
    found: dict[int, list[dict[str, Any]]] = {}
    with Database(stage.database) as db:
        for notice in db.scalars(
            select(Notification).where(Notification.template == "digest").order_by(Notification.id)
        ):
            found.setdefault(notice.conversation_id, []).append(json.loads(notice.facts))
    return found


def write(stage: Stage) -> int:
    return write_digests(stage.database, month_before(stage.clock()), stage.clock())


def set_state(stage: Stage, appeal: int, state: str) -> None:
    with Database(stage.database) as db, db.begin():
        was = "funding" if state == "frozen" else None
        db.execute(update(Appeal).where(Appeal.id == appeal).values(state=state, was=was))


# --- When


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-11-30T23:59", False),
        ("2026-12-01T08:59", False),
        ("2026-12-01T09:00", True),
        ("2026-12-03T17:59", True),
        ("2026-12-03T18:00", False),
        ("2026-12-04T10:00", False),
    ],
)
def test_it_is_written_on_the_first_days_by_daylight_in_china(at: str, due: bool) -> None:
    assert is_time(datetime.fromisoformat(at).replace(tzinfo=CHINA).astimezone(UTC)) is due


def test_months_are_chinas() -> None:
    assert month_before(datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) == 202611
    assert month_before(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == 202612
    assert year_to(202612) == (datetime(2026, 1, 1, tzinfo=CHINA), datetime(2027, 1, 1, tzinfo=CHINA))
    assert year_to(202602) == (datetime(2025, 3, 1, tzinfo=CHINA), datetime(2026, 3, 1, tzinfo=CHINA))


def test_of_many_schedulers_one_asks_and_the_next_day_makes_up_for_a_lost_job(stage: Stage, redis_flushed: str) -> None:
    context = WorkerContext(settings_for(stage.settings.database_url, redis_flushed))
    schedulers = [Scheduler(context, redis_flushed, {"digest": SCHEDULE["digest"]}) for _ in range(4)]
    slow, now = context.jobs.queues["slow"], datetime(2026, 12, 1, 1, tzinfo=UTC)
    for hour in range(72):
        for scheduler in schedulers:
            scheduler.tick(now + timedelta(hours=hour))
    assert [(job.func_name, job.args) for job in slow.jobs] == [("write_digests", [202611])] * 3
    for scheduler in schedulers:
        scheduler.close()
    context.close()


# --- What


def test_sums_are_of_the_year_and_of_each_appeal_once(stage: Stage) -> None:
    appeals = [stage.open_appeal() for _ in range(4)]
    for appeal, state in zip(appeals, ("funding", "executing", "failed", "frozen"), strict=True):
        set_state(stage, appeal, state)
    since, end = year_to(MONTH)
    aunt = give(stage, appeals[0], "o-aunt", since, amount_fen=150)
    give(stage, appeals[0], "o-aunt", end - timedelta(seconds=1), amount_fen=1_000)
    give(stage, appeals[1], "o-aunt", anonymous=True)
    give(stage, appeals[2], "o-aunt", by_staff=True)
    give(stage, appeals[3], "o-aunt", since - timedelta(seconds=1))
    give(stage, appeals[3], "o-aunt", end)
    give(stage, appeals[3], "o-aunt", state="cancelled")
    give(stage, appeals[3], "o-uncle", since - timedelta(seconds=1))
    give(stage, appeals[3], "o-refunded", state="refunded")
    assert write(stage) == 1
    said = {"month": "2026-10", "gifts": 4, "gave_fen": 3_150, "appeals": 3, "funding": 1, "reached": 1, "ended": 1}
    assert digests(stage) == {aunt: [said]}
    assert set(said) == set(FACTS["digest"])
    with Database(stage.database) as db:
        [notice] = db.scalars(select(Notification).where(Notification.template == "digest"))
        assert (notice.urgency, notice.state, notice.due_at) == ("bulk", "owed", stage.clock())
        assert due_ids(db, "bulk", stage.clock(), 10) == [notice.id]


def test_every_state_of_an_appeal_with_gifts_is_one_fate() -> None:
    fates = [state for states in FATES.values() for state in states]
    assert len(fates) == len(set(fates))
    never_public = {"draft", "submitted", "village_review", "returned", "rejected", "endorsed", "county_review"}
    assert set(fates) == APPEALS.states - never_public - {"fund_holder_filed"}


GIFTS = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.integers(0, 3),
        st.integers(-40, 430),
        st.integers(100, 10**9),
        st.sampled_from(sorted(PLEDGES.states)),
    ),
    max_size=40,
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gifts=GIFTS, states=st.lists(st.sampled_from(GIVEN_TO), min_size=4, max_size=4), pages=st.integers(1, 5))
def test_whatever_was_given_the_digest_says_what_a_plain_sum_says(
    crowd: tuple[Stage, list[int]], gifts: list[Any], states: list[str], pages: int
) -> None:
    stage, appeals = crowd
    with Database(stage.database) as db, db.begin():
        db.execute(delete(Notification))
        db.execute(delete(Pledge))
    for appeal, state in zip(appeals, states, strict=True):
        set_state(stage, appeal, state)
    since, end = year_to(MONTH)
    expected: dict[int, list[Any]] = {}
    for who, which, days, fen, state in gifts:
        at = since + timedelta(days=days)
        person = give(stage, appeals[which], f"o-{who}", at, amount_fen=fen, state=state)
        if since <= at < end and state in ("intended", *PAID):
            expected.setdefault(person, []).append((which, fen))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest, "PEOPLE", pages)
        assert write(stage) == len(expected)
        assert write(stage) == 0
    found = digests(stage)
    assert set(found) == set(expected)
    for person, gave in expected.items():
        [facts] = found[person]
        ends = [states[which] for which in {which for which, _ in gave}]
        assert facts == {
            "month": "2026-10",
            "gifts": len(gave),
            "gave_fen": sum(fen for _, fen in gave),
            "appeals": len(ends),
            **{fate: sum(state in those for state in ends) for fate, those in FATES.items()},
        }


@pytest.fixture
def crowd(stage: Stage) -> tuple[Stage, list[int]]:
    return stage, [stage.open_appeal() for _ in range(4)]


# --- To whom


def test_muted_left_and_erased_people_get_none(stage: Stage) -> None:
    appeal = stage.open_appeal()
    reached, muted, left, erased = (give(stage, appeal) for _ in range(4))
    with Database(stage.database) as db, db.begin():
        mute(db, muted, "digest", stage.clock())
        mute(db, reached, "progress", stage.clock())
        db.execute(update(Conversation).where(Conversation.id == left).values(following=False))
        erase_person(db, erased, stage.clock())
    assert write(stage) == 1
    assert list(digests(stage)) == [reached]
    with Database(stage.database) as db, db.begin():
        turn_off(db, reached, "digest", stage.clock())
    assert digests(stage) == {}
    assert write(stage) == 0


def test_the_next_one_takes_the_place_of_one_that_nobody_has_read(stage: Stage) -> None:
    appeal = stage.open_appeal()
    lazy, keen = give(stage, appeal), give(stage, appeal)
    write(stage)
    with Database(stage.database) as db, db.begin():
        [seen] = db.scalars(select(Notification.id).where(Notification.conversation_id == keen))
        claim_due(db, [seen], stage.clock())
        keep_outcomes(db, [Outcome(seen, "sent", "service")], stage.clock())
        notify(db, lazy, "milestone", FACTS["milestone"], "another", stage.clock())
    stage.clock.move(timedelta(days=14))
    assert write(stage) == 2
    found = digests(stage)
    assert [facts["month"] for facts in found[lazy]] == ["2026-11"]
    assert [facts["month"] for facts in found[keen]] == ["2026-10", "2026-11"]
    with Database(stage.database) as db:
        assert db.scalar(select(Notification.id).where(Notification.template == "milestone"))
    assert write(stage) == 0


def test_a_job_that_comes_a_month_late_tells_nothing(stage: Stage) -> None:
    give(stage, stage.open_appeal())
    stage.clock.move(timedelta(days=14))
    assert write_digests(stage.database, MONTH, stage.clock()) == 0
    assert digests(stage) == {}


# --- Once, and at volume


@pytest.mark.parametrize("fault", range(1, 4))
def test_a_kill_between_any_two_transactions(stage: Stage, fault: int) -> None:
    appeal = stage.open_appeal()
    people = sorted(give(stage, appeal) for _ in range(8))
    commits = count(1)

    def kill(_connection: Any) -> None:
        if next(commits) == fault:
            raise Killed

    event.listen(stage.database, "commit", kill)
    with pytest.raises(Killed):
        write(stage)
    event.remove(stage.database, "commit", kill)
    write(stage)
    assert sorted(digests(stage)) == people
    assert all(len(told) == 1 for told in digests(stage).values())


def test_several_walkers_at_once(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "PEOPLE", 3)
    stage = Stage(new_database())
    appeal = stage.open_appeal()
    people = sorted(give(stage, appeal) for _ in range(31))
    ready = threading.Barrier(4)

    def walk() -> int:
        ready.wait()
        return write(stage)

    with ThreadPoolExecutor(4) as pool:
        assert sum(one.result() for one in [pool.submit(walk) for _ in range(4)]) == 31
    assert sorted(digests(stage)) == people
    assert all(len(told) == 1 for told in digests(stage).values())
    stage.close()


CROWD, APPEALS_OF_A_YEAR = 100_000, 20_000
# As the first one, and over; then every donor's gift is to one of them all.
_APPEALS = """
INSERT INTO appeals (draft_id, kind, category, owner_id, household_id, title, story, region_code, target_fen, deadline,
                     state, created_at)
SELECT 'crowd-' || n, kind, category, owner_id, household_id, title, story, region_code, target_fen, deadline,
       'completed', created_at
FROM appeals, generate_series(2, :appeals) AS n
"""
_SPREAD = "UPDATE pledges SET appeal_id = (SELECT min(id) FROM appeals) + donor_id % :appeals"
_MUTES = """
INSERT INTO mutes (conversation_id, topic, subject_id, at)
SELECT id, 'progress', 0, now() FROM conversations WHERE id <= :appeals
"""


@pytest.mark.slow  # a hundred thousand donors
def test_a_page_of_a_hundred_thousand_donors_is_found_by_indexes(new_database: Callable[[], str]) -> None:
    """No statement of a page reads a table from end to end, wherever in the walk it stands."""
    url = new_database()
    stage = Stage(url)
    make_crowd(url, stage.database, CROWD)
    with stage.database.begin() as connection:
        for statement in ("SET LOCAL statement_timeout = 0", _APPEALS, _SPREAD, _MUTES):
            connection.execute(text(statement), {"appeals": APPEALS_OF_A_YEAR})
    with stage.database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("ANALYZE"))
    stage.clock.now = datetime.now(CHINA).replace(day=15) + timedelta(days=31)  # the crowd gave today
    month = month_before(stage.clock())
    with Database(stage.database) as db:
        first, last = db.execute(text("SELECT min(donor_id), max(donor_id) FROM pledges")).one()
    for after in (0, (first + last) // 2, last - 10):
        sent = _statements(stage.database, month, after, stage.clock())
        assert len(sent) == 5
        for statement, parameters in sent:
            assert _scans(_explain(stage.database, statement, parameters)["Plan"]) == [], statement[-600:]
    stage.close()


def _statements(database: Engine, month: int, after: int, now: datetime) -> list[tuple[str, Any]]:
    """What one page sends; nothing of it is kept."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(database, "before_cursor_execute", note)
    with Database(database) as db:
        page = write_page(db, month, after, now)
        assert len(page.ids) == min(PEOPLE, page.cursor - after) or after == 0
        db.rollback()
    event.remove(database, "before_cursor_execute", note)
    return sent
