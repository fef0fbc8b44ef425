"""32 donors at once at a pool's last yuan, and one donor everywhere at once: no cap is passed, nothing is lost."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.giving.pledge import Pledge
from models.giving.pool import PoolMatch
from models.ledger import totals
from models.payments.order import PayOrder
from models.payments.refund import Refund
from tests.harness.racing import DONORS, assert_books_close, at_once, outcome
from tests.harness.racing import stage as stage
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give, ordered, payment_of, promise
from tests.scenes.money.matching import added, charity, in_pool, matched_by, pool, put, shut, take_rest
from tests.scenes.money.refunds import want_back


@pytest.mark.slow  # it is a race; the last yuan of an appeal is one in the fast tier
def test_32_gifts_at_the_pools_last_yuan(stage: Stage) -> None:
    """¥1 is left, each gives ¥3: one of them, or two in parts, is matched; every gift is kept, and none is lost."""
    staff = charity(stage)
    appeals = [stage.open_appeal(target_fen=300_000), stage.open_appeal(target_fen=300_000)]
    number = pool(stage, staff, cap=10_000)
    give(stage, appeals[0], 9_900, "oFirst")
    orders = [ordered(stage, promise(stage, appeals[n % 2], 300, f"oDonor{n}")) for n in range(DONORS)]
    payments = [payment_of(stage, order) for order in orders]
    results = at_once([partial(outcome, stage, payment) for payment in payments * 2])
    assert Counter(map(str, results)) == {"committed": DONORS, "repeated": DONORS}
    assert (in_pool(stage, number), matched_by(stage, number)) == (0, 10_000)
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).select_from(PoolMatch)) == 2
        assert sum(totals(db, appeal).public for appeal in appeals) == 9_900 + DONORS * 300 + 10_000
    assert_books_close(stage)


@pytest.mark.slow  # it is a race, and another stays
def test_32_gifts_that_fill_an_appeal_with_their_matches(stage: Stage) -> None:
    """What a match takes of the room, the next gift does not find: it goes back whole, never over the target."""
    staff = charity(stage)
    appeal = stage.open_appeal(target_fen=10_000)
    pool(stage, staff)
    orders = [ordered(stage, promise(stage, appeal, 700, f"oDonor{n}")) for n in range(DONORS)]
    results = at_once([partial(outcome, stage, payment_of(stage, order)) for order in orders])
    assert Counter(map(str, results)) == {"committed": 7, "refund_owed": DONORS - 7}
    with Database(stage.database) as db:
        assert (totals(db, appeal).public, totals(db, appeal).matched) == (9_800, 4_900)
        assert Counter(db.scalars(select(Refund.amount_fen))) == {700: DONORS - 7}
        assert Counter(db.scalars(select(PayOrder.state))) == {"paid": DONORS}
        assert Counter(db.scalars(select(Pledge.state))) == {"committed": 7, "refund_pending": DONORS - 7}
    assert_books_close(stage)


def test_one_donor_who_pays_several_appeals_at_once_stays_within_the_cap(stage: Stage) -> None:
    staff = charity(stage)
    number = pool(stage, staff, per_donor=1_000)
    appeals = [stage.open_appeal() for _ in range(4)]
    orders = [ordered(stage, promise(stage, appeal, 600)) for appeal in appeals * 2]
    results = at_once([partial(outcome, stage, payment_of(stage, order)) for order in orders])
    assert Counter(map(str, results)) == {"committed": 8}
    assert (in_pool(stage, number), matched_by(stage, number)) == (99_000, 1_000)
    assert_books_close(stage)


@pytest.mark.slow  # it is a race, and another stays
def test_gifts_refunds_closing_and_paying_in_at_once_wait_for_nobody_for_ever(stage: Stage) -> None:
    """Two pools, two appeals, everything together: no deadlock, and the sums are those of the matches."""
    staff = charity(stage)
    appeals = [stage.open_appeal(), stage.open_appeal()]
    pools = [pool(stage, staff, cap=5_000, paid=2_000), pool(stage, staff, appeal=appeals[1], cap=90_000)]
    gifts = [give(stage, appeals[n % 2], 700, f"oEarly{n}") for n in range(8)]
    orders = [ordered(stage, promise(stage, appeals[n % 2], 500, f"oDonor{n}")) for n in range(8)]
    acts: list[Callable[[], object]] = [
        *(partial(outcome, stage, payment_of(stage, order)) for order in orders),
        *(partial(want_back, stage, gift) for gift in gifts),
        *(partial(put, stage, staff, pools[0], 100) for _ in range(3)),
        partial(shut, stage, staff, pools[1]),
    ]
    assert [one for one in at_once(acts) if isinstance(one, Exception)] == []
    assert [added(stage, gift) for gift in gifts] == [0] * 8
    take_rest(stage, staff, pools[1], in_pool(stage, pools[1]))
    assert_books_close(stage)
