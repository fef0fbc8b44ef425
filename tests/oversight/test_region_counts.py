"""What is kept of a county and of all above it is what its rows come to, whatever happens, in whatever order it is
folded."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session as Database

import models.migrations
from bot.figures.folding import fold_regions, recount_all_regions
from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.oversight.region_counts import RegionCount, RegionDelta, fold_counts, is_kept, last_year, read_counts
from models.oversight.region_rows import count_rows
from models.people.user import Household
from models.places.region import COUNTRY
from models.staff.decision import Decision
from models.verification.case import Verification
from tests.harness.money.checking_books import unguarded
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.tiers import examples

REGIONS = (COUNTRY, "430000000000", "431100000000", "431124000000", "430524000000")
LONGHUI_TOWN = "430524103000"


def filled(stage: Stage) -> None:
    """Appeals with gifts, of two households; a case that was decided, and one that waits."""
    stage.open_appeal()
    stage.open_appeal()
    for name in ("li", "ma"):
        stage.register(f"o-{name}", "donor")
        for words in ("捐 1 5", "2", "确认"):
            stage.say(f"o-{name}", words)
    stage.register("o-new", "resident", verified=False)


def check(stage: Stage) -> None:
    now = stage.clock()
    with Database(stage.database) as db:
        for region in REGIONS:
            kept, rows = read_counts(db, region, now), count_rows(db, region, now)
            assert kept == rows, region


def test_kept_and_counted_are_the_same(stage: Stage) -> None:
    filled(stage)
    check(stage)
    assert fold_regions(stage.database, batch=2) > 0
    assert fold_regions(stage.database) == 0
    check(stage)
    with Database(stage.database) as db:
        counts = read_counts(db, "431124000000", stage.clock())
        assert db.scalar(select(func.count()).select_from(RegionDelta)) == 0
    assert (counts.households, counts.verified, sum(counts.decided.values())) == (3, 2, 2)
    assert counts.appeals == {"funding": 2}
    assert counts.gifts == {(False, "intended"): (2, 1_000)}


CHANGES = {
    "a household moves": update(Household).where(Household.id == 1).values(region_code=LONGHUI_TOWN),
    "an appeal moves with its gifts": update(Appeal).where(Appeal.id == 1).values(region_code=LONGHUI_TOWN),
    "an appeal moves in its county": update(Appeal).where(Appeal.id == 1).values(region_code="431124102000"),
    "all appeals move": update(Appeal).values(region_code=LONGHUI_TOWN),
    "an appeal is over": update(Appeal).where(Appeal.id == 1).values(state="completed"),
    "gifts are paid": update(Pledge).values(state="paid"),
    "a gift is cancelled": update(Pledge).where(Pledge.id == 1).values(state="cancelled"),
    "a case is taken back": update(Verification).where(Verification.id == 1).values(state="withdrawn"),
    "a case took longer": update(Verification)
    .where(Verification.id == 2)
    .values(submitted_at=text("submitted_at - interval '9 days'")),
    "decided last year": update(Verification)
    .where(Verification.id == 2)
    .values(decided_at=text("decided_at - interval '400 days'")),
    "never decided": update(Verification).where(Verification.id == 1).values(decided_at=None),
    "a decision falls": update(Decision).values(overturned_by=Decision.id),
    "nothing": update(Appeal).values(title=Appeal.title),
}


@settings(max_examples=examples(), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.sampled_from(sorted(CHANGES)), max_size=8), folds=st.sets(st.integers(0, 7)))
def test_whatever_changes_in_whatever_order(
    changes: list[str], folds: set[int], database_again: Callable[[], str]
) -> None:
    stage = Stage(database_again())
    filled(stage)
    for place, change in enumerate(changes):
        with Database(stage.database) as db, db.begin():
            db.execute(CHANGES[change], execution_options={"synchronize_session": False})
            if place in folds:
                fold_counts(db, 3)
        check(stage)
    stage.close()


def test_nothing_is_written_where_no_count_changes(stage: Stage) -> None:
    filled(stage)
    fold_regions(stage.database)
    with Database(stage.database) as db, db.begin():
        db.execute(update(Appeal).values(update_reminded=1))
        db.execute(update(Pledge).values(anonymous=True))
        assert db.scalar(select(func.count()).select_from(RegionDelta)) == 0


@pytest.mark.parametrize(
    "spoils",
    [
        "UPDATE region_counts SET amount = amount + 1 WHERE level = 3",
        "UPDATE region_counts SET fen = fen + 1 WHERE level = 0",
        "DELETE FROM region_counts WHERE level = 2",
        "DELETE FROM region_counts",
        "INSERT INTO region_deltas (region_code, month, what, took, amount, fen)"
        " VALUES ('431124000000', '1970-01-01', 'households', 0, 5, 0)",
    ],
)
def test_what_was_spoilt_beside_the_program_is_put_right(stage: Stage, spoils: str) -> None:
    filled(stage)
    fold_regions(stage.database)
    assert recount_all_regions(stage.database) == 0
    with unguarded(stage) as connection:
        connection.execute(text(spoils))
    assert recount_all_regions(stage.database) > 0
    fold_regions(stage.database)
    recount_all_regions(stage.database)
    check(stage)
    assert recount_all_regions(stage.database) == 0


def test_the_upgrade_counts_what_is_there(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    filled(stage)
    stage.close()
    migrations = Config()
    migrations.set_main_option("script_location", str(Path(str(models.migrations.__file__)).parent))
    migrations.attributes["url"] = stage.settings.database_url
    command.downgrade(migrations, "0073")
    command.upgrade(migrations, "head")
    check(stage)
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).select_from(RegionDelta)) == 0
        assert db.scalar(select(func.count()).select_from(RegionCount))
    assert recount_all_regions(stage.database) == 0


def test_the_last_twelve_months_begin_with_a_month(stage: Stage) -> None:
    assert f"{last_year(stage.clock())}" == "2025-12-01"
    assert is_kept(COUNTRY)
    assert is_kept("431124000000")
    assert not is_kept(DAOXIAN_MEIHUA)
