"""A change that cannot be read keeps nobody else waiting, and its person can still stop it."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database
from structlog.testing import capture_logs

from bot.work.sweeps import apply_deadlines
from models.people.user import User
from models.rights.phone_change import ask_for_phone
from models.rights.request import RightsRequest, stop_waiting
from tests.harness.stage import Stage


def asks(stage: Stage, name: str, phone: str) -> int:
    number = stage.register(name, "donor")
    with Database(stage.database) as db, db.begin():
        user, now = db.get_one(User, number), stage.clock()
        return ask_for_phone(db, user, stage.person(name), phone, now, proved=True).id


def damage(stage: Stage, number: int) -> None:
    with stage.database.begin() as connection:
        sealed = connection.exec_driver_sql("SELECT wish FROM rights_requests WHERE id = %s", (number,)).scalar_one()
        spoiled = bytes(sealed)[:-1] + bytes([bytes(sealed)[-1] ^ 1])
        connection.exec_driver_sql("UPDATE rights_requests SET wish = %s WHERE id = %s", (spoiled, number))


def test_one_damaged_row_is_logged_and_the_others_go_on(stage: Stage) -> None:
    bad, good = asks(stage, "o-bad", "13600000001"), asks(stage, "o-good", "13600000002")
    damage(stage, bad)
    stage.clock.move(timedelta(hours=25))
    with capture_logs() as logs:
        apply_deadlines(stage.database, stage.clock())
        apply_deadlines(stage.database, stage.clock())
    assert [entry["request"] for entry in logs if entry["event"] == "request.cannot_open"] == [bad]
    assert "1360000" not in str(logs)
    assert [entry for entry in logs if entry["event"] == "deadline.failed"] == []
    with Database(stage.database) as db:
        states = select(RightsRequest.id, RightsRequest.state)
        assert dict(db.execute(states).all()) == {bad: "waiting", good: "done"}
        assert "13600000002" in set(db.scalars(select(User.phone)))
    with Database(stage.database) as db, db.begin():
        assert stop_waiting(db, stage.person("o-bad"), stage.clock()) == ["phone"]


def test_a_wish_of_another_shape_keeps_nobody_waiting(stage: Stage) -> None:
    bad, good = asks(stage, "o-bad", "13600000001"), asks(stage, "o-good", "13600000002")
    with Database(stage.database) as db, db.begin():
        for number, wish in ((bad, '{"of": "an earlier release"}'), (good, None)):
            request = db.get_one(RightsRequest, number)
            request.kind, request.wish = "payee", wish or '{"appeal": 1}'
    stage.clock.move(timedelta(hours=25))
    with capture_logs() as logs:
        apply_deadlines(stage.database, stage.clock())
    assert {entry["request"] for entry in logs if entry["event"] == "request.cannot_open"} == {bad, good}
    assert [entry for entry in logs if entry["event"] == "deadline.failed"] == []


def test_a_payee_a_copy_and_an_erasure_wait_for_no_damaged_one(stage: Stage) -> None:
    for kind, state in (
        ("payee", "waiting"),
        ("consent", "waiting"),
        ("home", "waiting"),
        ("export", "waiting"),
        ("erasure", "cooling"),
    ):
        bad = asks(stage, f"o-{kind}", "13600000001")
        damage(stage, bad)
        due = {"kind": kind, "state": state, "until": stage.clock()}
        with Database(stage.database) as db, db.begin():
            db.execute(update(RightsRequest).where(RightsRequest.id == bad).values(due))
        with capture_logs() as logs:
            apply_deadlines(stage.database, stage.clock())
        assert [entry for entry in logs if entry["event"] == "deadline.failed"] == [], kind
