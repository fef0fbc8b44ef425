"""Pay's callbacks gone wrong: lost, late, twice, out of order."""

import pytest

from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.notify import PLACE, State
from tests.harness.money.merchant import DAY, NOON, Merchant, Shop, outcomes, pay
from tests.harness.money.merchant import called_back as called_back
from tests.harness.money.merchant import shop as shop


@pytest.mark.parametrize(
    ("kind", "expected", "heard"),
    [
        (Kind.DROP, ["dropped", "taken"], 1),
        (Kind.LATE, ["late", "taken"], 2),
        (Kind.FORGE, ["refused", "taken"], 1),
    ],
)
def test_a_fault_of_one_try_is_made_good_by_the_next(
    merchant: Merchant, shop: Shop, kind: Kind, expected: list[str], heard: int
) -> None:
    merchant.simulator.faults.add(Fault(kind, times=1, where=PLACE))
    pay(merchant, shop)
    merchant.simulator.timeline.move(15)
    (notice,) = merchant.simulator.pay.notices.all()
    assert (outcomes(notice), len(shop.heard)) == (expected, heard)
    assert notice.attempts[0].faults == (kind,)


def test_two_copies_a_second_apart(merchant: Merchant, shop: Shop) -> None:
    merchant.simulator.faults.add(Fault(Kind.DUPLICATE, times=1, where=PLACE))
    pay(merchant, shop)
    merchant.simulator.timeline.move(1)
    (notice,) = merchant.simulator.pay.notices.all()
    assert [attempt.at - NOON for attempt in notice.attempts] == [0, 1]
    assert shop.heard[0]["id"] == shop.heard[1]["id"]
    merchant.simulator.timeline.move(2 * DAY)
    assert len(shop.heard) == 2


def test_a_second_copy_can_be_the_one_that_is_taken(merchant: Merchant, shop: Shop) -> None:
    merchant.simulator.faults.add(Fault(Kind.DUPLICATE, times=1, where=PLACE))
    merchant.simulator.faults.add(Fault(Kind.DROP, times=1, where=PLACE))
    pay(merchant, shop)
    merchant.simulator.timeline.move(2 * DAY)
    (notice,) = merchant.simulator.pay.notices.all()
    assert (outcomes(notice), notice.state) == (["dropped", "taken"], State.TAKEN)


def test_copies_at_the_same_moment(merchant: Merchant, shop: Shop) -> None:
    pay(merchant, shop)
    merchant.simulator.timeline.move(0)
    (notice,) = merchant.simulator.pay.notices.all()
    again = merchant.simulator.pay.notices.send_again(notice, copies=4)
    assert [attempt.outcome for attempt in again] == ["taken"] * 4
    assert len(shop.heard) == len(notice.attempts) == 5
    with pytest.raises(ValueError, match="copies"):
        merchant.simulator.pay.notices.send_again(notice, copies=9)


def test_one_that_is_held_back_comes_after_the_next(merchant: Merchant, shop: Shop) -> None:
    merchant.simulator.faults.add(Fault(Kind.REORDER, times=1, where=PLACE, seconds=60))
    first, second = pay(merchant, shop, 2)
    merchant.simulator.timeline.move(0)
    assert shop.numbers() == [second, first]
    merchant.simulator.timeline.move(DAY)
    assert len(shop.heard) == 2


def test_one_that_is_held_back_comes_in_the_end(merchant: Merchant, shop: Shop) -> None:
    merchant.simulator.faults.add(Fault(Kind.REORDER, times=1, where=PLACE, seconds=60))
    numbers = pay(merchant, shop)
    merchant.simulator.timeline.move(59)
    assert shop.heard == []
    merchant.simulator.timeline.move(1)
    assert shop.numbers() == numbers


def test_callbacks_that_come_late(merchant: Merchant, shop: Shop) -> None:
    """By a fault up to a minute, by ``lag`` as late as one likes: even after the refund."""
    merchant.simulator.faults.add(Fault(Kind.DELAY, times=1, where=PLACE, seconds=40))
    pay(merchant, shop)
    merchant.simulator.timeline.move(39)
    assert shop.heard == []
    merchant.simulator.timeline.move(1)
    assert len(shop.heard) == 1
    merchant.simulator.pay.notices.lag = 2 * DAY
    order = merchant.paid(notify_url=shop.url)
    merchant.simulator.pay.notices.lag = 0
    merchant.refund(order, "R1", 1, notify_url=shop.url)
    merchant.simulator.timeline.move(2 * DAY)
    assert [heard["event_type"] for heard in shop.heard[1:]] == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]


def test_a_fault_of_chats_alone_does_not_befall_callbacks(merchant: Merchant, shop: Shop) -> None:
    merchant.simulator.faults.add(Fault(Kind.DROP, where="oAunt"))
    pay(merchant, shop)
    merchant.simulator.timeline.move(0)
    assert len(shop.heard) == 1
