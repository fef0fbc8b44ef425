"""check-books holds who signed what, and when, against the trail: nobody changes a row beside it and goes unnoticed."""

from collections.abc import Callable, Iterator

import pytest
import structlog
from redis import Redis
from sqlalchemy.orm import Session as Database

from bot.books import check as books
from models.appeals import review
from models.appeals.file import open_appeal_file
from models.staff.member import Appointment, Staff, appoint
from models.staff.task import find_task, recuse
from models.verification import decisions
from models.verification.case import NOTICE_PERIOD, lock_case
from models.verification.lifecycle import to_township
from tests.harness.money.checking_books import codes, unguarded
from tests.harness.platform.wechat import ACCOUNT
from tests.harness.stage import DAOXIAN_MEIHUA, Stage, id_number
from tests.scenes.cases import case, registered, visited

COUNTY = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """Case 1, verified, and appeal 1, endorsed, by officers of their own; officer 3 stepped aside from the case."""
    stage = Stage(database_url)
    seats = [("ann", "village"), ("ben", "village"), ("cao", "village"), ("dai", "township")]
    staff = [stage.appoint(f"o-{name}", role) for name, role in seats]
    staff.append(stage.appoint("o-eve", "county", COUNTY))
    number = registered(stage, "o-wang")
    with Database(stage.database) as db, db.begin():
        task = find_task(db, "case", number)
        assert task
        recuse(db, task, db.get_one(Staff, staff[2]), "kin", stage.clock())
    visited(stage, number, staff[0])
    stage.clock.move(NOTICE_PERIOD)
    with Database(stage.database) as db, db.begin():
        found, now = lock_case(db, number), stage.clock()
        to_township(db, found, now, sampled=True)
        decisions.pass_to_county(db, found, db.get_one(Staff, staff[3]), now)
        decisions.verify(db, found, db.get_one(Staff, staff[4]), now)
    appeal = stage.ask("o-wang")
    with Database(stage.database) as db, db.begin():
        officer = db.get_one(Staff, staff[1])
        open_appeal_file(db, officer, appeal, stage.clock())
    with Database(stage.database) as db, db.begin():
        review.approve(db, db.get_one(Staff, staff[1]), appeal, stage.clock())
    assert case(stage, number).state == "verified"
    yield stage
    stage.close()


def test_what_went_its_way_is_right(stage: Stage) -> None:
    assert codes(stage) == []


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE verifications SET visited_by = 2", "signed_by_another case 1"),
        ("UPDATE verifications SET reviewed_by = 2", "signed_by_another case 1"),
        ("UPDATE verifications SET decided_by = 2", "signed_by_another case 1"),
        ("UPDATE appeals SET endorsed_by = 3", "signed_by_another appeal 1"),
        ("UPDATE appeals SET endorsed_by = 1", "endorsed_by_visitor appeal 1"),
        ("UPDATE decisions SET verdict = 'reject' WHERE id = 1", "decision_differs case 1"),
        ("UPDATE decisions SET staff_id = 3 WHERE id = 1", "decision_differs case 1"),
        ("UPDATE decisions SET round = 9 WHERE id = 1", "decision_differs case 1"),
        ("UPDATE decisions SET role = 'county' WHERE id = 1", "decision_differs case 1"),
        ("DELETE FROM decisions WHERE id = 1", "decision_gone decision 1"),
        ("UPDATE verifications SET expires_at = '2036-01-01 00:00:00+00:00'", "wrong_term case 1"),
        ("UPDATE verifications SET notice_until = notice_from", "short_notice case 1"),
        ("DELETE FROM recusals", "recusal_gone case 1"),
    ],
)
def test_nothing_is_signed_dated_or_decided_anew_beside_the_trail(stage: Stage, change: str, found: str) -> None:
    with stage.database.begin() as connection:
        connection.exec_driver_sql(change)
    assert found in codes(stage)


def test_nobody_is_given_another_role_beside_the_trail(stage: Stage) -> None:
    wanted = Appointment("9", ACCOUNT, "o-new", "township", DAOXIAN_MEIHUA, "李大山", id_number(73))
    with stage.database.begin() as connection:
        appoint(connection, wanted, stage.clock())
    assert codes(stage) == []
    with stage.database.begin() as connection:
        connection.exec_driver_sql("UPDATE staff SET role = 'village' WHERE work_no = '9'")
    assert [each.partition(" ")[0] for each in codes(stage)] == ["other_role"]


def test_a_chain_that_was_cut_is_told_every_night_after_one_that_was_right(
    new_database: Callable[[], str], redis_flushed: str
) -> None:
    stage = Stage(new_database())
    stage.open_appeal()
    stage.seal()
    redis = Redis.from_url(redis_flushed)
    books.check_and_tell(stage.settings.database_url, redis, stage.clock())
    with unguarded(stage) as connection:
        connection.exec_driver_sql("DELETE FROM audit_events")
        connection.exec_driver_sql("DELETE FROM audit_links")
        connection.exec_driver_sql("UPDATE audit_head SET length = 0, hash = ''")
        connection.exec_driver_sql("UPDATE appeals SET state = 'draft', endorsed_by = NULL")
    for _ in range(2):
        with structlog.testing.capture_logs() as logs:
            books.check_and_tell(stage.settings.database_url, redis, stage.clock())
        [line] = [each for each in logs if each["event"] == "books.wrong"]
        assert line["codes"]["not_as_noted"] == 1
    redis.close()
    stage.close()
