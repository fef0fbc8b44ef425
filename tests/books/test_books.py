"""check-books says that the books are right when they are, and names what is wrong, each thing by its code."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session as Database

from bot.books import check as books
from bot.work.context import WorkerContext
from bot.work.jobs import JOBS
from bot.work.schedule import SCHEDULE
from bot.work.scheduler import Scheduler
from models.appeals.appeal import Appeal
from models.appeals.submission import NewAppeal, submit
from models.books import read_head, violations
from models.core.audit_trail import AuditEvent, AuditHead, AuditLink, UnsealedEvent, link_hash
from models.core.database import snapshot
from models.people.user import User
from models.staff.decision import Decision, decide
from models.staff.member import Staff
from models.staff.task import Task
from tests.harness.money.checking_books import check, codes, unguarded
from tests.harness.stage import DAOXIAN_MEIHUA, Stage, settings_for


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.open_appeal()
    stage.open_appeal("crowdfund", 30_000_000)
    stage.seal()
    yield stage
    stage.close()


def test_books_that_are_right(stage: Stage) -> None:
    result = check(stage)
    assert result.exit_code == 0, result.output
    told = re.search(r"^audit chain: (\d+) links, head ([0-9a-f]{64})$", result.output, re.MULTILINE)
    assert told
    with Database(stage.database) as db:
        assert db.execute(select(AuditHead.length, AuditHead.hash)).one() == (int(told[1]), told[2])
    assert int(told[1]) > 10
    assert check(stage, "--head", f"{told[1]}:{told[2]}").exit_code == 0


@pytest.mark.parametrize("wrong", ["", "x", "3", "3:abc", "3:" + "g" * 64, ":" + "0" * 64])
def test_a_head_that_nobody_could_have_noted_is_no_head(stage: Stage, wrong: str) -> None:
    assert check(stage, "--head", wrong).exit_code == 2


def test_a_link_that_was_changed_is_named_and_no_other(stage: Stage) -> None:
    with unguarded(stage) as connection:
        connection.execute(update(AuditEvent).where(AuditEvent.id == 3).values(actor="user:99"))
    assert codes(stage) == ["link_broken audit 3"]
    result = check(stage)
    assert result.exit_code == 1
    assert "link_broken: audit 3 was changed" in result.output


@pytest.mark.parametrize("field", ["at", "actor", "action", "detail", "about"])
def test_every_field_of_an_event_is_sealed(stage: Stage, field: str) -> None:
    new = {"at": stage.clock() - timedelta(microseconds=1), "about": 5}.get(field, "else")
    with unguarded(stage) as connection:
        connection.execute(update(AuditEvent).where(AuditEvent.id == 4).values({field: new}))
    assert codes(stage) == ["link_broken audit 4"]


def test_a_hash_that_was_changed_breaks_its_link_and_the_next(stage: Stage) -> None:
    with unguarded(stage) as connection:
        connection.execute(update(AuditLink).where(AuditLink.number == 4).values(hash="0" * 64))
    assert codes(stage) == ["link_broken audit 4", "link_broken audit 5"]


def test_links_and_events_that_are_gone(stage: Stage) -> None:
    last = _length(stage)
    with unguarded(stage) as connection:
        connection.execute(delete(AuditLink).where(AuditLink.number.in_([1, 4, 5, last])))
    chain = [each for each in codes(stage) if " audit " in each]
    assert chain == ["link_missing audit 1", "link_missing audit 4", f"links_cut audit {last - 1}"]
    assert "unsealed audit_event 1" in codes(stage)
    with unguarded(stage) as connection:
        connection.execute(delete(AuditEvent).where(AuditEvent.id == 2))
    assert "event_gone audit 2" in codes(stage)


def test_what_waits_for_its_link_for_long_or_for_none_is_told(stage: Stage) -> None:
    """A moment is nothing; ten minutes mean that no sealer runs; and what is on no list is never sealed."""
    stage.open_appeal()
    with stage.database.connect() as connection:
        waits = list(connection.scalars(select(UnsealedEvent.id).order_by(UnsealedEvent.id)))
    assert codes(stage) == []
    assert f"audit: {len(waits)} more wait for their links" in check(stage).output
    with stage.database.begin() as connection:
        connection.execute(update(UnsealedEvent).values(since=text("now() - interval '11 minutes'")))
    assert codes(stage) == [f"not_sealed_yet audit_event {number}" for number in waits]
    with stage.database.begin() as connection:
        connection.execute(delete(UnsealedEvent).where(UnsealedEvent.id == waits[0]))
        connection.execute(insert(UnsealedEvent).values(id=10**6))
    assert codes(stage) == [
        f"unsealed audit_event {waits[0]}",
        *(f"not_sealed_yet audit_event {number}" for number in waits[1:]),
        f"event_gone audit_event {10**6}",
    ]


def test_links_that_changed_places(stage: Stage) -> None:
    with unguarded(stage) as connection:
        for old, new in ((3, 999), (4, 3), (999, 4)):
            connection.execute(update(AuditEvent).where(AuditEvent.id == old).values(id=new))
    assert {"link_broken audit 3", "link_broken audit 4"} <= set(codes(stage))


def test_a_link_that_was_added_by_hand_and_a_head_that_was_moved(stage: Stage) -> None:
    last = _length(stage)
    event = {"at": stage.clock(), "actor": "x", "action": "x", "subject": "x", "subject_id": 1}
    with unguarded(stage) as connection:
        added = connection.execute(insert(AuditEvent).values(event).returning(AuditEvent.id)).scalar_one()
        connection.execute(insert(AuditLink).values(number=last + 1, event_id=added, hash="0" * 64))
    assert codes(stage) == [f"link_broken audit {last + 1}", f"links_unsealed audit {last + 1}"]
    with unguarded(stage) as connection:
        connection.execute(update(AuditHead).values(length=last + 1, hash="1" * 64))
    assert codes(stage) == [f"link_broken audit {last + 1}", f"head_wrong audit {last + 1}"]
    with unguarded(stage) as connection:
        connection.exec_driver_sql("DELETE FROM audit_head")
    assert codes(stage) == [f"link_broken audit {last + 1}", f"head_missing audit {last + 1}"]
    assert "head_missing" in check(stage).output


def test_a_chain_that_was_made_anew_as_a_whole_is_told_by_a_head_that_was_noted(stage: Stage) -> None:
    with Database(stage.database) as db:
        noted = db.execute(select(AuditLink.number, AuditLink.hash).where(AuditLink.number == 5)).one()
    with unguarded(stage) as connection:
        connection.execute(update(AuditEvent).where(AuditEvent.id == 3).values(actor="user:99"))
        last = "0" * 64
        links = select(AuditLink.number, AuditEvent.__table__).join(AuditEvent, AuditEvent.id == AuditLink.event_id)
        for link in connection.execute(links.order_by(AuditLink.number)).mappings().all():
            last = link_hash(last, link)
            connection.execute(update(AuditLink).where(AuditLink.number == link["number"]).values(hash=last))
        connection.execute(update(AuditHead).values(hash=last))
    assert check(stage).exit_code == 0
    result = check(stage, "--head", f"{noted.number}:{noted.hash}")
    assert result.exit_code == 1
    assert "not_as_noted: audit 5" in result.output
    assert "not_as_noted: audit 5000 was noted, and is not there" in check(stage, "--head", f"5000:{noted.hash}").output


def test_a_state_that_no_move_led_to(stage: Stage) -> None:
    with stage.database.begin() as connection:
        connection.execute(update(Appeal).where(Appeal.id == 1).values(state="funded"))
    assert codes(stage) == ["state_differs appeal 1"]


def test_a_move_that_there_is_not_and_a_trail_with_a_gap(stage: Stage) -> None:
    """The third of an appeal's links: village_review to endorsed."""
    with unguarded(stage) as connection:
        links = connection.scalars(
            select(AuditEvent.id)
            .where(AuditEvent.subject == "appeal", AuditEvent.subject_id == 1)
            .order_by(AuditEvent.id)
        )
        connection.execute(update(AuditEvent).where(AuditEvent.id == list(links)[2]).values(from_state="completed"))
    assert [each for each in codes(stage) if " appeal " in each] == [
        "no_such_move appeal 1",
        "trail_gap appeal 1",
        "signed_by_another appeal 1",
    ]


def test_a_trail_of_nothing(stage: Stage) -> None:
    with unguarded(stage) as connection:
        moved = (AuditEvent.subject == "appeal") & (AuditEvent.subject_id == 2)
        connection.execute(update(AuditEvent).where(moved).values(subject_id=99))
    assert [each for each in codes(stage) if "broken" not in each] == [
        "state_differs appeal 2",
        "no_such_thing appeal 99",
        "signed_by_another appeal 2",
    ]


def test_tasks_are_open_for_what_waits_and_for_nothing_else(stage: Stage) -> None:
    stage.register("o-new", "resident", verified=False)
    assert codes(stage) == []
    with stage.database.begin() as connection:
        fields = {"region_code": DAOXIAN_MEIHUA, "role": "village", "opened_at": stage.clock(), "due_at": stage.clock()}
        for number in (1, 77):
            connection.execute(insert(Task).values(subject="appeal", subject_id=number, step="endorse", **fields))
    assert codes(stage) == ["task_needless appeal 1", "task_needless appeal 77"]


def test_something_that_waits_and_stands_in_no_queue(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        owner = db.get_one(User, db.get_one(Appeal, 1).owner_id)
        story = "家里的屋顶漏雨，想换瓦。" * 10
        wanted = NewAppeal(
            draft_id="waits",
            kind="one_to_one",
            category="housing",
            title="修屋顶",
            story=story,
            region_code=DAOXIAN_MEIHUA,
            target_fen=500_000,
            deadline=stage.clock() + timedelta(days=60),
            budget=(("瓦", 500_000),),
        )
        number = submit(db, wanted, owner, stage.clock()).id
    assert codes(stage) == []
    with stage.database.begin() as connection:
        connection.execute(update(Task).where(Task.closed_at.is_(None)).values(step="visit"))
    assert codes(stage) == [f"task_missing appeal {number}"]
    with stage.database.begin() as connection:
        connection.execute(update(Task).where(Task.closed_at.is_(None)).values(closed_at=stage.clock()))
    assert codes(stage) == [f"task_missing appeal {number}"]


def test_three_people_and_nobody_of_the_household(stage: Stage) -> None:
    officer = stage.appoint("o-zhou", "village")
    with Database(stage.database) as db, db.begin():
        owner = db.get_one(User, db.get_one(Appeal, 1).owner_id)
        decision = {"subject": "appeal", "region_code": DAOXIAN_MEIHUA, "staff_id": officer, "role": "village"}
        for number in (1, 2):
            decide(db, db.get_one(Appeal, number).matter, 1, db.get_one(Staff, officer), "pass", stage.clock())
        assert owner.household_id
        household = owner.household_id
    assert codes(stage) == []
    with stage.database.begin() as connection:
        connection.exec_driver_sql("DROP INDEX uq_decisions_one_pass")
        connection.execute(insert(Decision).values(subject_id=2, round=1, verdict="pass", at=stage.clock(), **decision))
        connection.execute(update(Staff).where(Staff.id == officer).values(household_id=household))
    assert codes(stage) == ["passed_by_one appeal 2", "own_household appeal 1", "decision_unsealed appeal 2"]


def test_an_officer_is_of_their_household_also_as_a_user(stage: Stage) -> None:
    officer = stage.appoint("o-owner-0", "village")
    with Database(stage.database) as db, db.begin():
        for number in (1, 2):
            decide(db, db.get_one(Appeal, number).matter, 1, db.get_one(Staff, officer), "reject", stage.clock())
    assert codes(stage) == ["own_household appeal 1"]


def test_checking_keeps_nobody_waiting_and_sees_one_picture(stage: Stage) -> None:
    with snapshot(stage.settings.database_url) as connection:
        assert list(violations(connection, stage.clock())) == []
        stage.open_appeal()
        with stage.database.begin() as other:
            other.execute(update(Appeal).where(Appeal.id == 3).values(state="funded"))
        assert list(violations(connection, stage.clock())) == []
    assert codes(stage) == ["state_differs appeal 3"]


def figures(stage: Stage) -> dict[str, float]:
    page = stage.client.get("/metrics").get_data(as_text=True)
    told = re.findall(r"^(bangfu_books_\w+) (\S+)$", page, re.MULTILINE)
    return {name: float(value) for name, value in told}


def test_every_night_the_worker_checks_once_and_tells_how_many_and_of_what_kind(
    new_database: Callable[[], str], redis_flushed: str, tmp_path: Path
) -> None:
    url = new_database()
    stage = Stage(url, redis_url=redis_flushed)
    stage.open_appeal()
    assert {str(value) for value in figures(stage).values()} == {"nan"}
    ours = settings_for(url, redis_flushed).model_copy(update={"media_dir": str(tmp_path)})
    context = WorkerContext(ours)
    night = datetime(2026, 11, 24, 19, 20, tzinfo=UTC)
    scheduler = Scheduler(context, redis_flushed, {"books": SCHEDULE["books"]})
    for hours in (-1, 1, 12):
        assert scheduler.tick(night + timedelta(hours=hours)) == []
    assert scheduler.tick(night) == ["books"]
    assert scheduler.tick(night + timedelta(minutes=1)) == []
    assert asked(context) == [("check_books", (20261124,), JOBS["check_books"].seconds)]
    scheduler.close()
    books.check_and_tell(context.database.url, context.jobs.redis, night)
    assert figures(stage)["bangfu_books_violations"] == 0
    with stage.database.connect() as connection:
        noted = read_head(connection)
    assert noted
    with stage.database.begin() as connection:
        connection.execute(update(Appeal).values(state="funded"))
    with structlog.testing.capture_logs() as logs:
        books.check_and_tell(context.database.url, context.jobs.redis, night)
    [line] = [each for each in logs if each["event"].startswith("books.")]
    assert (line["event"], line["violations"], line["codes"]) == ("books.wrong", 1, {"state_differs": 1})
    assert context.jobs.redis.get("bangfu:books_head") == f"{noted[0]}:{noted[1]}".encode()
    told = figures(stage)
    assert told == {"bangfu_books_violations": 1, "bangfu_books_checked_timestamp_seconds": night.timestamp()}
    context.close()
    stage.close()


def asked(context: WorkerContext) -> list[tuple[str | None, Any, float | None]]:
    """The jobs of this kind that lie in the queue."""
    queue = Queue("slow", connection=context.jobs.redis, serializer=JSONSerializer)
    return [(job.func_name, tuple(job.args), job.timeout) for job in queue.jobs if "check_books" in str(job.func_name)]


def _length(stage: Stage) -> int:
    with Database(stage.database) as db:
        return db.scalars(select(AuditHead.length)).one()
