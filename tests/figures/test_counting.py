"""What happens is counted once, where and when it happened, and the sums are what a recount finds."""

from collections.abc import Callable
from datetime import date
from threading import Thread

import pytest
from alembic import command
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from bot.figures.folding import fold_all
from models.appeals.appeal import Appeal
from models.disbursements.confirmation import answer
from models.disbursements.disbursement import Disbursement
from models.figures.delta import FigureDelta, FigureSum
from models.figures.fold import fold
from models.figures.recount import differences
from models.migrations import _config, upgrade
from models.people.user import Household, User
from models.places.region import COUNTRY
from tests.harness.erasing import erase_person
from tests.harness.money import gift_postings
from tests.harness.money.checking_books import unguarded
from tests.harness.racing import patient
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.money.disbursements import authorised, paid, people

HUNAN, DAOXIAN = "430000000000", "431124000000"


def sums(stage: Stage, region: str) -> dict[str, int]:
    with Database(stage.database) as db:
        theirs = select(FigureSum.figure, func.sum(FigureSum.amount)).where(FigureSum.region_code == region)
        return {figure: int(amount) for figure, amount in db.execute(theirs.group_by(FigureSum.figure))}


def wrong(stage: Stage) -> list[str]:
    with stage.database.connect() as connection:
        return [f"{found.code} {found.cause}" for found in differences(connection)]


def received(stage: Stage) -> None:
    """The household says that its payout has come; it may say so again."""
    with Database(stage.database) as db, db.begin():
        found = select(Disbursement.code, Appeal.owner_id).join(Appeal, Appeal.id == Disbursement.appeal_id)
        code, owner = db.execute(found).one()
        answer(db, db.get_one(User, owner), code, "received", stage.clock())


def test_people_and_verified_households_are_counted_up_to_the_whole_country(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    stage.register("o-li", "donor")
    assert fold_all(stage.database) == 3
    for region in (DAOXIAN_MEIHUA, DAOXIAN, HUNAN, COUNTRY):
        assert sums(stage, region)["registered_resident"] == sums(stage, region)["verified"] == 1, region
    assert sums(stage, COUNTRY)["registered_donor"] == 1
    assert fold_all(stage.database) == 0
    assert wrong(stage) == []


def test_money_and_who_was_helped_follow_a_gift_to_the_families_word(stage: Stage) -> None:
    staff = people(stage)
    _, use = authorised(stage, 30_000, 20_000, fen=40_000, staff=staff)
    fold_all(stage.database)
    assert "helped" not in sums(stage, COUNTRY)
    paid(stage, use, staff)
    received(stage)
    received(stage)
    fold_all(stage.database)
    assert sums(stage, DAOXIAN) | {"registered_donor": 0} == {
        **{"registered_resident": 1, "verified": 1, "registered_donor": 0},
        **{"helped": 1, "helping": 1, "money_in": 50_000, "money_out": 40_000},
    }
    assert wrong(stage) == []


def test_a_move_and_an_erasure_leave_the_counts_as_they_are(stage: Stage) -> None:
    user = stage.register("o-wang", "resident")
    fold_all(stage.database)
    before = sums(stage, DAOXIAN_MEIHUA)
    with Database(stage.database) as db, db.begin():
        person = db.get_one(User, user)
        person.region_code = "431124104000"
        db.execute(update(Household).values(region_code="431124104000"))
    assert (sums(stage, DAOXIAN_MEIHUA), wrong(stage)) == (before, [])
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person("o-wang"), stage.clock())
    assert (sums(stage, DAOXIAN_MEIHUA), wrong(stage)) == (before, [])
    with Database(stage.database) as db:
        causes = db.scalars(select(FigureDelta.cause)).all()
    assert not any(cause.startswith(("user:", "person:")) for cause in causes)


def test_a_month_is_one_of_china(stage: Stage) -> None:
    """Sixteen o'clock of the last day in UTC is the first of the month there."""
    number = stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        for at in ("2026-01-31T15:59:59+00:00", "2026-01-31T16:00:00+00:00"):
            gift_postings.payment_received(
                db, number, 100, f"order:{at[8:10]}{at[11:13]}", stage.clock().fromisoformat(at)
            )
        found = db.scalars(select(FigureDelta.month).where(FigureDelta.figure == "money_in").order_by(FigureDelta.id))
        assert found.all() == [date(2026, 1, 1), date(2026, 2, 1)]


def test_folds_at_once_count_nothing_twice_and_lose_nothing(stage: Stage) -> None:
    number = patient(stage).open_appeal()
    with Database(stage.database) as db, db.begin():
        for n in range(60):
            gift_postings.payment_received(db, number, 100 + n, f"order:{n + 1}", stage.clock())
    folds = [Thread(target=fold_all, args=(stage.database, 7)) for _ in range(4)]
    for each in folds:
        each.start()
    for each in folds:
        each.join()
    assert sums(stage, COUNTRY)["money_in"] == sum(range(100, 160))
    assert wrong(stage) == []


def test_a_fold_that_is_killed_before_its_commit_is_done_again(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    with Database(stage.database) as db:
        assert fold(db) == 2
        db.rollback()
    assert sums(stage, COUNTRY) == {}
    assert fold_all(stage.database) == 2
    assert wrong(stage) == []


@pytest.mark.parametrize(
    ("spoils", "found"),
    [
        ("UPDATE figure_sums SET amount = amount + 1 WHERE level = 0 AND figure = 'verified'", "figure_sum"),
        ("DELETE FROM figure_sums WHERE level = 3", "figure_sum"),
        ("DELETE FROM figure_deltas WHERE figure = 'verified'", "figure_missing"),
    ],
)
def test_what_was_spoilt_beside_the_program_is_found_and_repaired(stage: Stage, spoils: str, found: str) -> None:
    stage.register("o-wang", "resident")
    fold_all(stage.database)
    before = sums(stage, COUNTRY)
    with unguarded(stage) as connection:
        connection.execute(text(spoils))
    assert {each.split()[0] for each in wrong(stage)} >= {found}
    said = stage.app.test_cli_runner().invoke(args=["recount-figures"])
    assert said.exit_code == 0, said.output
    assert wrong(stage) == []
    assert sums(stage, COUNTRY) == before


def test_a_delta_is_neither_changed_nor_taken_away(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    for change in ("UPDATE figure_deltas SET amount = 2", "DELETE FROM figure_deltas"):
        with pytest.raises(IntegrityError), stage.database.begin() as connection:
            connection.execute(text(change))


@pytest.mark.slow  # a database of its own, whose schema goes back and forth
def test_an_upgrade_counts_what_was_there(new_database: Callable[[], str]) -> None:
    """The migration's own statements find the same as the turns did."""
    url = new_database()
    stage = Stage(url)
    staff = people(stage)
    number, use = authorised(stage, 30_000, fen=20_000, staff=staff)
    paid(stage, use, staff)
    received(stage)
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person(f"o-giver-{number}"), stage.clock())
    columns = "figure, region_code, month, amount"
    statement = text(f"SELECT {columns} FROM figure_deltas ORDER BY {columns}")  # noqa: S608
    with stage.database.connect() as connection:
        counted = connection.execute(statement).all()
    stage.seal()
    stage.close()
    command.downgrade(_config(url), "0045")
    upgrade(url)
    stage = Stage(url)
    with stage.database.connect() as connection:
        assert connection.execute(statement).all() == counted
    fold_all(stage.database)
    assert wrong(stage) == []
    stage.close()
