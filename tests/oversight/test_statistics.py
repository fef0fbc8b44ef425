"""A region's figures: how long half of the last year's decisions took, rounded up to whole days."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session as Database

from models.verification.case import Verification
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

COUNTY, QINGTANG = "431124000000", "431124104000"


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ([], ""),
        ([24], "定下认证的：1 户\n其中一半在：1 天内办完"),
        ([25], "定下认证的：1 户\n其中一半在：2 天内办完"),
        # Of an even number, the lower of the two in the middle: half were decided by then.
        ([24, 72, 240, 480], "定下认证的：4 户\n其中一半在：3 天内办完"),
        ([480, 24, 240, 72, 96], "定下认证的：5 户\n其中一半在：4 天内办完"),
    ],
    ids=str,
)
def test_half_of_the_decisions_took_no_longer_than_is_said(stage: Stage, hours: Sequence[int], said: str) -> None:
    _decided(stage, "o-near", hours)
    stage.appoint("o-county", "county", COUNTY)
    reply = stage.say("o-county", "统计")
    assert said in reply if said else "其中一半" not in reply


def test_what_was_decided_elsewhere_or_more_than_a_year_ago_is_left_out(stage: Stage) -> None:
    _decided(stage, "o-near", [48])
    _decided(stage, "o-far", [480, 480], region=QINGTANG)
    _decided(stage, "o-long-ago", [240, 240], ago=timedelta(days=365))
    stage.appoint("o-township", "township", DAOXIAN_MEIHUA)
    assert "定下认证的：1 户\n其中一半在：2 天内办完" in stage.say("o-township", "统计")


def _decided(
    stage: Stage, who: str, hours: Sequence[int], region: str = DAOXIAN_MEIHUA, ago: timedelta = timedelta(hours=1)
) -> None:
    """Verified households whose cases took so many hours, and were decided so long ago."""
    for place, taken in enumerate(hours):
        user = stage.register(f"{who}-{place}", "resident", region)
        decided = stage.clock() - ago
        with Database(stage.database) as db, db.begin():
            db.execute(
                update(Verification)
                .where(Verification.user_id == user)
                .values(submitted_at=decided - timedelta(hours=taken), decided_at=decided)
            )
