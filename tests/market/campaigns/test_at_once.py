"""Many who pledge at once, and who pledges in the moment in which the last day ends."""

from datetime import timedelta

import pytest

from models.core.state_machine import WrongState
from models.market.campaigns.dividing import close_campaigns, divide_campaign
from models.market.campaigns.refusals import CampaignOver, FirmPledged
from models.market.campaigns.stopping import stop
from models.staff.member import Staff
from tests.harness.money.checking_books import codes
from tests.harness.racing import at_once
from tests.harness.racing import stage as stage
from tests.harness.stage import Stage
from tests.scenes.campaigns import County

BUYERS = 64


@pytest.mark.slow  # 64 buyers and 64 transactions on a database of their own
def test_64_who_pledge_at_once_share_what_two_growers_have(stage: Stage) -> None:
    county = County(stage)
    for grower in ("hou", "peng"):
        county.grower(grower, 500)
    names = [f"buyer{n}" for n in range(BUYERS)]
    for name in names:
        county.buyer(name)
    number = county.open()
    for grower in ("hou", "peng"):
        county.join(grower, number)
    results = at_once([lambda name=name: county.pledge(name, number, 100) for name in names])  # type: ignore[misc]
    assert all(isinstance(result, int) for result in results), results
    county.wait()
    got = county.got(number)
    assert sum(got[name][1] or 0 for name in names) == 1_000
    assert {got[name][1] for name in names} == {15, 16}
    assert (got["hou"], got["peng"]) == (("served", 500), ("served", 500))
    assert len(county.orders(number)) < BUYERS + 2
    assert codes(stage) == []


@pytest.mark.slow  # a database of its own
def test_a_pledge_and_the_clock_in_one_moment_are_one_or_the_other_and_it_is_divided_once(stage: Stage) -> None:
    county = County(stage)
    county.grower("hou", 500)
    names = [f"buyer{n}" for n in range(6)]
    for name in ("li", *names):
        county.buyer(name)
    for name in names:
        number = county.open(least=1)
        county.join("hou", number)
        county.pledge("li", number, 5)
        later = stage.clock() + timedelta(days=11)

        def close() -> int:
            with county.session() as db:
                return close_campaigns(db, later)  # noqa: B023 - of this round

        pledged, closed = at_once([lambda: county.pledge(name, number, 5), close])  # noqa: B023 - of this round
        assert not isinstance(closed, Exception), closed
        assert isinstance(pledged, int | CampaignOver), pledged
        if county.state(number) == "open":
            close()

        def divide() -> bool:
            with county.session() as db:
                return divide_campaign(db, number, later)  # noqa: B023 - of this round

        assert sorted(at_once([divide, divide, divide]), key=str) == [False, False, True]
        given = sum(part.quantity for part in county.orders(number))
        assert given == (10 if isinstance(pledged, int) else 5) * 500
    assert codes(stage) == []


@pytest.mark.slow  # eight transactions at once on a database of their own
def test_of_many_who_pledge_for_one_firm_at_once_one_does(stage: Stage) -> None:
    county = County(stage)
    county.grower("hou")
    names = [f"buyer{n}" for n in range(8)]
    for name in names:
        county.buyer(name)
    number = county.open()
    results = at_once([lambda name=name: county.pledge(name, number, 2_000, "长沙鲜果商贸") for name in names])  # type: ignore[misc]
    assert sum(isinstance(result, int) for result in results) == 1
    assert sum(isinstance(result, FirmPledged) for result in results) == 7, results


@pytest.mark.slow  # two transactions at once on a database of their own
def test_a_stop_and_a_division_in_one_moment_are_one_or_the_other(stage: Stage) -> None:
    county = County(stage)
    county.grower("hou")
    county.buyer("wu")
    number = county.open()
    county.join("hou", number)
    county.pledge("wu", number, 100)
    county.stage.clock.move(timedelta(days=11))
    with county.session() as db:
        close_campaigns(db, county.stage.clock())

    def divides() -> None:
        with county.session() as db:
            divide_campaign(db, number, county.stage.clock())

    def stops() -> None:
        with county.session() as db:
            stop(db, db.get_one(Staff, county.li), number, ["crop_false"], county.stage.clock())

    results = at_once([divides, stops])
    county.sweep()
    stopped = not isinstance(results[1], Exception)
    assert isinstance(results[1], WrongState) or stopped
    assert county.state(number) == ("stopped" if stopped else "divided")
    assert bool(county.orders(number)) is not stopped
    assert codes(county.stage) == []
