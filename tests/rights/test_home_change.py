"""A home moves with what nobody has looked at; what was visited, is suspended, or lies in another county waits."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.goods.submission import NewRequest, make_request
from models.people.user import Household, User
from models.rights.home_change import MovesLater, SameHome, move_home
from models.rights.name_change import NameChange, ask_for_name
from models.staff.task import find_task
from models.verification.case import Verification
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

SHOUYAN, HUXINGSHAN = "431124102000", "430524100000"


@pytest.mark.parametrize("state", ["visited", "public_notice", "county_review", "suspended"])
def test_a_case_between_visit_and_decision_keeps_the_home(stage: Stage, state: str) -> None:
    user = stage.register("o-wang", "resident")
    with Database(stage.database) as db, db.begin():
        db.scalars(select(Verification)).one().state = state
        db.flush()
        with pytest.raises(MovesLater):
            move_home(db, db.get_one(User, user), SHOUYAN, stage.clock())
        with pytest.raises(SameHome):
            move_home(db, db.get_one(User, user), DAOXIAN_MEIHUA, stage.clock())


def test_a_verified_household_moves_with_its_unseen_appeal_and_leaves_a_public_one(stage: Stage) -> None:
    stage.open_appeal()
    stage.ask("o-owner-0", category="education")
    with Database(stage.database) as db, db.begin():
        user = db.scalars(select(User).join(Appeal, Appeal.owner_id == User.id).limit(1)).one()
        with pytest.raises(MovesLater):
            move_home(db, user, HUXINGSHAN, stage.clock())
        moved = move_home(db, user, SHOUYAN, stage.clock())
        assert (moved.case, moved.appeals) == (None, [2])
        places = select(Appeal.region_code).order_by(Appeal.id)
        assert list(db.scalars(places)) == [DAOXIAN_MEIHUA, SHOUYAN]
        assert db.scalars(select(Verification.region_code)).one() == SHOUYAN
        assert db.get_one(Household, user.household_id).region_code == user.region_code == SHOUYAN


def test_what_waits_for_the_villages_officer_goes_to_the_new_villages(stage: Stage) -> None:
    owner = stage.register("o-wang", "resident")
    stage.appoint("o-old", "village")
    new = stage.appoint("o-new", "village", SHOUYAN)
    with Database(stage.database) as db, db.begin():
        user, now = db.get_one(User, owner), stage.clock()
        wanted = NewRequest("r", "clothes", "厚被子", "piece", 2, "家里冷", DAOXIAN_MEIHUA)
        request = make_request(db, wanted, user, now)
        name: NameChange = ask_for_name(db, user, "n", "王秀英", now)
        move_home(db, user, SHOUYAN, now)
        for subject, thing in (("request", request), ("name_change", name)):
            task = find_task(db, subject, thing.id)
            assert task is not None
            assert (thing.region_code, task.region_code, task.assignee) == (SHOUYAN, SHOUYAN, new)
