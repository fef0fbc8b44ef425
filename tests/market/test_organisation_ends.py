"""An organisation is frozen, loses who speaks for it, or is no more, with orders in every state."""

from datetime import timedelta

import pytest

from models.market.in_name import ORDERS_LEFT, OrdersLeft, settle
from models.market.money.sub_merchant import Owner, add_sub_merchant, own_number
from models.organisations.representative import in_office
from models.staff.member import Staff
from models.staff.task import find_task
from tests.scenes.cooperative import Cooperative
from tests.scenes.cooperative import cooperative as cooperative
from tests.scenes.market import JIN

STATES = ("placed", "accepted", "shipped", "delivered", "completed", "after_sale")
# What happens -> the state of an order -> what becomes of it; of the others it stays as it was.
ENDS = {
    "freeze": {"placed": "cancelled", "accepted": "cancelled"},
    "end_term": {"placed": "cancelled"},
    "dissolve": {"placed": "cancelled", "accepted": "cancelled"},
}
WHY = {"freeze": "suspended", "end_term": "term_over", "dissolve": "suspended"}


def task_of(cooperative: Cooperative) -> str:
    with cooperative.session() as db:
        task = find_task(db, "organisation", cooperative.number)
        return task.step if task else ""


@pytest.mark.sampled(6)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("what", ENDS)
def test_what_is_not_sent_ends_and_what_is_under_way_runs_on(cooperative: Cooperative, what: str, state: str) -> None:
    listing = cooperative.sell_in_its_name()
    order = cooperative.order(listing, JIN)
    cooperative.bring(order, state)
    {"freeze": cooperative.freeze, "end_term": cooperative.end_term, "dissolve": cooperative.dissolve}[what]()
    found = cooperative.read(order)
    assert found.state == ENDS[what].get(state, state)
    assert found.why == (WHY[what] if found.state == "cancelled" else None)
    assert cooperative.listing(listing).state == ("withdrawn" if what == "dissolve" else "submitted")
    if state == "after_sale":
        assert cooperative.after_sale(order).state == ("township" if what == "dissolve" else "asked")
    if state == "shipped":
        cooperative.got(order)
        assert cooperative.state(order) == "delivered"
    assert cooperative.wrong() == []


def test_of_one_that_is_no_more_who_spoke_last_answers_and_complaints_are_the_townships(
    cooperative: Cooperative,
) -> None:
    order = cooperative.order(cooperative.sell_in_its_name(), JIN)
    cooperative.bring(order, "shipped")
    with cooperative.session() as db:
        add_sub_merchant(db, Owner("organisation", cooperative.number), "1900000208", cooperative.stage.clock())
    cooperative.dissolve()
    with cooperative.session() as db:
        assert own_number(db, Owner("organisation", cooperative.number)) is None
        assert in_office(db, cooperative.number) is None
    assert task_of(cooperative) == ""
    cooperative.send(order, "SF1234567890123")
    cooperative.got(order)
    cooperative.complain(order)
    assert cooperative.after_sale(order).state == "township"
    assert cooperative.wrong() == []


def test_where_nobody_spoke_for_it_the_county_sees_the_orders_to_their_end(cooperative: Cooperative) -> None:
    order = cooperative.order(cooperative.sell_in_its_name(), JIN)
    cooperative.bring(order, "shipped")
    cooperative.end_term()
    cooperative.dissolve()
    assert task_of(cooperative) == ORDERS_LEFT
    assert cooperative.wrong() == []
    with cooperative.session() as db, pytest.raises(OrdersLeft) as refused:
        settle(db, db.get_one(Staff, cooperative.officer), cooperative.number, cooperative.stage.clock())
    assert refused.value.values["codes"] == [cooperative.read(order).code]
    for _ in range(2):
        cooperative.stage.clock.move(timedelta(days=8))
        cooperative.sweep()
    assert cooperative.state(order) == "completed"
    with cooperative.session() as db:
        settle(db, db.get_one(Staff, cooperative.officer), cooperative.number, cooperative.stage.clock())
    assert task_of(cooperative) == ""
    assert cooperative.wrong() == []
