"""Matching pools on the stage: opened by a county's charity, paid in, and what they have added to whom."""

from datetime import timedelta
from itertools import count

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal, freeze, get_appeal
from models.books import violations
from models.core.state_machine import Actor, By
from models.disbursements.disbursement import Disbursement
from models.giving.pool import MatchingPool, PoolMatch
from models.giving.pool_terms import PoolTerms, close_pool, open_pool
from models.giving.pool_transfer import pay_back, pay_in
from models.ledger.accounts import LedgerAccount
from models.payments.payout_return import enter_return
from models.payments.refund_run import live_runs, plan_page
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.scenes.money.refunds import BY_NOBODY, UNASKED, settle_all

COUNTY, QINGTANG = "431124000000", "431124104000"
SPONSOR = "道州爱心商会"
_serial = count(1)


def charity(stage: Stage, openid: str = "o-charity", region: str = COUNTY) -> int:
    """Its staff number."""
    return stage.appoint(openid, "fund_holder", region)


def pool(
    stage: Stage,
    staff: int,
    *,
    appeal: int | None = None,
    cap: int = 100_000,
    per_donor: int | None = None,
    per_appeal: int | None = None,
    paid: int | None = None,
    days: int = 30,
    region: str = COUNTY,
) -> int:
    """An open one with ``paid`` (None: its cap) in it; for the region's appeals of the stage's category, or for one."""
    now, serial = stage.clock(), next(_serial)
    terms = PoolTerms(
        draft_id=f"pool-{serial}",
        sponsor=SPONSOR,
        appeal_id=appeal,
        category=None if appeal else "industry",
        region_code=None if appeal else region,
        cap_fen=cap,
        per_donor_fen=per_donor or cap,
        per_appeal_fen=per_appeal or cap,
        open_until=now + timedelta(days=days),
    )
    with Database(stage.database) as db, db.begin():
        number = open_pool(db, db.get_one(Staff, staff), terms, now).id
    if paid is None or paid:
        put(stage, staff, number, cap if paid is None else paid)
    return number


def put(stage: Stage, staff: int, number: int, fen: int) -> None:
    serial = next(_serial)
    with Database(stage.database) as db, db.begin():
        pay_in(db, db.get_one(Staff, staff), number, f"in-{serial}", fen, f"IN{serial:06d}", stage.clock())


def shut(stage: Stage, staff: int, number: int) -> None:
    with Database(stage.database) as db, db.begin():
        close_pool(db, db.get_one(Staff, staff), number, stage.clock())


def take_rest(stage: Stage, staff: int, number: int, fen: int) -> None:
    serial = next(_serial)
    with Database(stage.database) as db, db.begin():
        settle_all(db, int(COUNTY), f"rest:{serial}", stage.clock())
    with Database(stage.database) as db, db.begin():
        pay_back(db, db.get_one(Staff, staff), number, f"out-{serial}", fen, f"OUT{serial:06d}", stage.clock())


def cancel(stage: Stage, appeal: int) -> None:
    """The county stops it for good, and all that was given has its refund."""
    county = Actor(By.COUNTY, "staff:0")
    with Database(stage.database) as db, db.begin():
        held = get_appeal(db, appeal, lock=True)
        freeze(db, held, county, stage.clock(), "other")
        APPEALS.move(db, held, "cancelled", county, stage.clock())
    with Database(stage.database) as db:
        runs = list(live_runs(db))
    for run in runs:
        while True:
            with Database(stage.database) as db, db.begin():
                if plan_page(db, run, stage.clock()) is None:
                    break


def bounce(stage: Stage, seats: tuple[int, int, int]) -> None:
    """The newest payment, which tests.scenes.money.refunds.spend has made, comes back from the bank.

    ``seats``: who is said to have endorsed and approved it, and the charity that paid it.
    """
    endorser, approver, payer = seats
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        use = db.scalars(select(Disbursement).where(Disbursement.state == "requested").order_by(Disbursement.id)).all()[
            -1
        ]
        use.endorsed_by, use.approved_by, use.authorised_by, use.paid_by = endorser, approver, payer, payer
        use.paid_at, use.payable_from, use.bank_reference = now, now, f"USE{use.id:06d}"
        use.holder_id, use.state = int(COUNTY), "not_received"
        db.flush()
        enter_return(db, db.get_one(Staff, payer), use.id, now)


def added(stage: Stage, pledge: int) -> int:
    """What pools have added to a gift, less what came back, in fen."""
    with Database(stage.database) as db:
        net = select(func.sum(PoolMatch.fen - PoolMatch.returned_fen)).where(PoolMatch.pledge_id == pledge)
        return int(db.scalar(net) or 0)


def in_pool(stage: Stage, number: int) -> int:
    """What is on its account."""
    account = LedgerAccount
    with Database(stage.database) as db:
        wanted = select(account.balance_fen).where(account.kind == "pool", account.subject_id == number)
        return int(db.scalar(wanted) or 0)


def matched_by(stage: Stage, number: int) -> int:
    with Database(stage.database) as db:
        return db.get_one(MatchingPool, number).matched_fen


def state_of_appeal(stage: Stage, number: int) -> str:
    with Database(stage.database) as db:
        return db.get_one(Appeal, number).state


def wrong_books(stage: Stage) -> list[str]:
    with stage.database.connect() as connection:
        found = [one for one in violations(connection, stage.clock()) if one.subject not in BY_NOBODY]
    return [str(one) for one in found if one.code != UNASKED]
