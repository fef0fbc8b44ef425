"""What was there before there were charities is kept: its people, its appeals and its money are one charity's."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

import models.migrations
from models.appeals.appeal import Appeal
from models.appeals.publication import begin_to_collect
from models.giving.pledge import NoCollector, check_open
from models.ledger import totals
from models.organisations.charity import Charity, name_charity
from models.organisations.filing import Filing, add_filing
from models.organisations.merchant import Merchant
from models.staff.member import Staff
from models.staff.task import Task
from tests.harness.money.merchant import MCHID
from tests.harness.stage import Stage
from tests.scenes.money.charities import AUTHORITY, CERTIFICATE, CREDIT_CODE, DAYS, FILING, NAME, PLATFORM
from tests.scenes.money.gifts import give
from tests.scenes.money.refunds import wrong_books


def again(stage: Stage) -> None:
    """Back to what there was before charities, and up again."""
    config = Config()
    config.set_main_option("script_location", str(Path(str(models.migrations.__file__)).parent))
    config.attributes["url"] = stage.database.url.render_as_string(hide_password=False)
    stage.seal()
    stage.database.dispose()
    command.downgrade(config, "0004")
    command.upgrade(config, "head")


def test_the_fund_holders_of_before_are_one_charitys(stage: Stage) -> None:
    seats = {stage.appoint("o-d", "fund_holder", "431124000000"), stage.appoint("o-l", "fund_holder", "430524000000")}
    plain, crowd = stage.open_appeal(), stage.open_appeal("crowdfund", 30_000_000)
    stage.register("o-wang", "resident")
    waits = stage.ask("o-wang")
    give(stage, plain, 5_000)
    again(stage)
    with Database(stage.database) as db, db.begin():
        [charity] = db.scalars(select(Charity)).all()
        assert (charity.id, charity.state, charity.region_code) == (0, "unnamed", "430000000000")
        assert {staff.id for staff in db.scalars(select(Staff).where(Staff.charity_id == 0))} == seats
        assert [db.get_one(Appeal, number).charity_id for number in (plain, crowd, waits)] == [0, 0, None]
        assert db.scalars(select(Task.charity_id).where(Task.charity_id.is_not(None))).all() == []
        assert totals(db, plain).paid == 5_000
        assert db.scalars(select(Merchant.number).where(Merchant.charity_id == 0)).all() == [MCHID]
    assert wrong_books(stage) == []


def test_it_collects_again_once_it_is_named_and_filed(stage: Stage) -> None:
    stage.appoint("o-d", "fund_holder", "431124000000")
    plain, crowd = stage.open_appeal(), stage.open_appeal("crowdfund", 30_000_000)
    again(stage)
    with Database(stage.database) as db, db.begin():
        now, appeals = stage.clock(), [db.get_one(Appeal, number) for number in (plain, crowd)]
        for appeal in appeals:
            with pytest.raises(NoCollector):
                check_open(db, appeal, None, now)
        name_charity(db, 0, NAME, CREDIT_CODE, CERTIFICATE, None, now)
        check_open(db, appeals[0], None, now)
        with pytest.raises(NoCollector):
            check_open(db, appeals[1], None, now)
        add_filing(db, 0, FILING, AUTHORITY, PLATFORM, DAYS, now)
        assert begin_to_collect(db, now) == 1
        check_open(db, appeals[1], None, now)


def test_where_nobody_was_there_is_no_charity(stage: Stage) -> None:
    stage.open_appeal()
    again(stage)
    with Database(stage.database) as db:
        assert db.scalars(select(Charity)).all() == []
        assert db.scalars(select(Filing)).all() == []
