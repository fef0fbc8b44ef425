"""抽查: what villages passed is drawn for those above them; all of it can be, none of it twice, and nobody can pick."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.books import violations
from models.core.database import snapshot
from models.oversight.spot_check import SpotCheckedAlready, draw, record_doubt, record_sound
from models.staff.decision import Decision, decide
from models.staff.member import Staff
from models.staff.task import find_task
from models.staff.turn import HasConflict, NotYourTurn, OutsideRegion
from models.verification.case import Verification, lock_case
from models.verification.decisions import suspend
from models.verification.lifecycle import expire_and_remind
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.appeals import pass_appeals

DAOXIAN = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.appoint("o-zhou", "village")
    stage.appoint("o-town", "township")
    stage.appoint("o-county", "county", DAOXIAN)
    yield stage
    stage.close()


def staff(db: Database, name: str) -> Staff:
    return db.scalars(select(Staff).where(Staff.openid == f"o-{name}")).one()


def visit_and_verify(stage: Stage) -> int:
    """A verified case whose visit an officer of the village has decided on, and of which the township knows nothing."""
    stage.register("o-li", "resident")
    with Database(stage.database) as db, db.begin():
        case = db.scalars(select(Verification).order_by(Verification.id.desc())).first()
        assert case is not None
        decide(db, case.matter, case.round, staff(db, "zhou"), "pass", stage.clock())
        decide(db, case.matter, case.round, staff(db, "county"), "pass", stage.clock())
        return case.id


def test_everything_is_drawn_once_and_the_same_one_until_it_is_decided_on(stage: Stage) -> None:
    passed = {*pass_appeals(stage, 6), ("case", visit_and_verify(stage))}
    drawn = []
    for _ in passed:
        with Database(stage.database) as db, db.begin():
            found = draw(db, staff(db, "town"), stage.clock())
            assert found is not None
            assert draw(db, staff(db, "town"), stage.clock()) == found
            record_sound(db, staff(db, "town"), *found, stage.clock())
            drawn.append(found)
    assert sorted(drawn) == sorted(passed)
    with Database(stage.database) as db:
        for name in ("town", "county"):
            assert draw(db, staff(db, name), stage.clock()) is None
    # Nobody who counts numbers knows what comes first, and it is not the same for everybody, nor every day.
    assert drawn != sorted(passed)


def test_who_draws_and_when_decides_what_comes_first(stage: Stage) -> None:
    pass_appeals(stage, 6)
    firsts = set()
    with Database(stage.database) as db:
        for day in range(12):
            for name in ("town", "county"):
                firsts.add(draw(db, staff(db, name), stage.clock() + timedelta(days=day)))
    assert len(firsts) > 2


def test_what_somebody_above_has_seen_is_not_drawn(stage: Stage) -> None:
    (appeal,) = pass_appeals(stage, 1)
    case = visit_and_verify(stage)
    with Database(stage.database) as db:
        town, county = staff(db, "town"), staff(db, "county")
        # The county's word on a case is on paper; of its own decisions nobody draws any.
        assert draw(db, county, stage.clock()) == appeal
        assert draw(db, town, stage.clock()) in (appeal, ("case", case))
        row = db.get_one(Verification, case)
        decide(db, row.matter, row.round, town, "pass", stage.clock())
        assert draw(db, town, stage.clock()) == appeal
        appeal_row = db.get_one(Appeal, appeal[1])
        appeal_row.state, appeal_row.was = "frozen", "funding"
        db.flush()
        assert draw(db, town, stage.clock()) is None


def test_nobody_looks_again_at_their_own_people_or_at_another_region(stage: Stage) -> None:
    (appeal,) = pass_appeals(stage, 1)
    stage.appoint("o-far", "township", "431124104000")
    with Database(stage.database) as db:
        town = staff(db, "town")
        town.household_id = db.get_one(Appeal, appeal[1]).household_id
        db.flush()
        assert draw(db, town, stage.clock()) is None
        with pytest.raises(HasConflict):
            record_sound(db, town, *appeal, stage.clock())
        assert draw(db, staff(db, "far"), stage.clock()) is None
        with pytest.raises(OutsideRegion):
            record_doubt(db, staff(db, "far"), *appeal, ("complaint",), stage.clock())


def test_a_doubt_waits_for_the_county_which_decides_on_it_once(stage: Stage) -> None:
    (appeal,) = pass_appeals(stage, 1)
    case = ("case", visit_and_verify(stage))
    for what in (appeal, case):
        with Database(stage.database) as db, db.begin():
            record_doubt(db, staff(db, "town"), *what, ("money_doubtful",), stage.clock())
        with Database(stage.database) as db, pytest.raises(NotYourTurn):
            record_doubt(db, staff(db, "town"), *what, ("money_doubtful",), stage.clock())
    with snapshot(stage.settings.database_url) as connection:
        assert list(violations(connection, stage.clock())) == []
    with Database(stage.database) as db, db.begin():
        record_sound(db, staff(db, "county"), *appeal, stage.clock())
        assert find_task(db, *appeal) is None
        with pytest.raises(SpotCheckedAlready):
            record_sound(db, staff(db, "county"), *appeal, stage.clock())
        suspend(db, lock_case(db, case[1]), staff(db, "county"), "identity_doubtful", stage.clock())
        stopped = find_task(db, *case)
        assert stopped is not None
        assert stopped.step == "suspended"
    with Database(stage.database) as db:
        verdicts = db.scalars(select(Decision.verdict).order_by(Decision.id)).all()
        assert list(verdicts) == ["pass", "pass", "pass", "doubt", "doubt", "sound", "freeze"]


def test_what_ends_meanwhile_leaves_no_doubt_waiting(stage: Stage) -> None:
    case = ("case", visit_and_verify(stage))
    with Database(stage.database) as db, db.begin():
        record_doubt(db, staff(db, "town"), *case, ("complaint",), stage.clock())
        db.execute(update(Verification).where(Verification.id == case[1]).values(expires_at=stage.clock()))
    with Database(stage.database) as db, db.begin():
        assert expire_and_remind(db, stage.clock() + timedelta(seconds=1)) == 1
        assert find_task(db, *case) is None
    with snapshot(stage.settings.database_url) as connection:
        assert list(violations(connection, stage.clock())) == []


def test_only_what_was_passed_lately_and_in_the_own_place(stage: Stage) -> None:
    pass_appeals(stage, 1)
    with Database(stage.database) as db:
        town = staff(db, "town")
        assert town.region_code == DAOXIAN_MEIHUA
        assert draw(db, town, stage.clock() + timedelta(days=29))
        assert draw(db, town, stage.clock() + timedelta(days=30)) is None
