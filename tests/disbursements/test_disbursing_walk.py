"""Any order of asking, passing, paying, refunding, stopping and giving back: after every step the sums are right."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import LIVE, Appeal, freeze, get_appeal, resume
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By
from models.disbursements.acquittal import acquit, hand_in_receipts
from models.disbursements.allocation import GIVING
from models.disbursements.approval import pass_on, turn_away, withdraw
from models.disbursements.confirmation import OUTCOMES, answer, record_call, settle_doubt
from models.disbursements.disbursement import SPENT, UNDER_WAY, Disbursement
from models.disbursements.payee import payees_of
from models.disbursements.payout import pay
from models.disbursements.payout_claim import (
    ask_about_transfers,
    check_not_transferring,
    claim_payout,
    release_claim,
)
from models.giving.allocation import DisbursementShare
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import Pledge
from models.ledger import held, moves, totals
from models.payments.payout_return import enter_return
from models.staff.member import Staff
from models.support.inquiry import Inquiry
from models.support.payout_hold import HOLD_LASTS
from tests.harness.racing import patient
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.tiers import examples
from tests.scenes.money.disbursements import asked, at, authorised, fixed, funded, owner_of, people, seen, wrong

LINE = 60_000
GIFTS = (10_001, 333, 25_000, 101, 24_565)
PASSERS = ("endorser", "township", "holder")
STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(100, 40_000)),
    st.tuples(st.just("pass"), st.sampled_from(PASSERS)),
    st.tuples(st.just("claim"), st.sampled_from(("holder", "endorser"))),
    st.tuples(st.just("release"), st.none()),
    st.tuples(st.just("pay"), st.sampled_from(("holder", "endorser"))),
    st.tuples(st.just("hold"), st.none()),
    st.tuples(st.just("turn_away"), st.sampled_from(("requested", "refused"))),
    st.tuples(st.just("withdraw"), st.none()),
    st.tuples(st.just("refund"), st.integers(0, len(GIFTS) - 1)),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("payee"), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 60)),
    st.tuples(st.just("answer"), st.sampled_from(OUTCOMES)),
    st.tuples(st.just("call"), st.sampled_from(OUTCOMES)),
    st.tuples(st.just("clear"), st.none()),
    st.tuples(st.just("receipts"), st.none()),
    st.tuples(st.just("acquit"), st.none()),
    st.tuples(st.just("bounce"), st.none()),
)
# So that most walks come to a payment.
LEAD = (
    ("ask", 20_000),
    ("wait", 49),
    ("pass", "endorser"),
    ("pass", "township"),
    ("pass", "holder"),
    ("claim", "holder"),
    ("pay", "holder"),
)


@pytest.fixture
def stage(request: pytest.FixtureRequest, new_database: Callable[[], str]) -> Iterator[Stage]:
    stage = patient(Stage(new_database()))
    yield stage
    stage.close()


@pytest.mark.slow  # a long walk
@pytest.mark.search
def test_whatever_is_done_in_whichever_order_the_sums_are_right(stage: Stage) -> None:
    staff = people(stage)

    @settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, len(LEAD)), st.lists(STEPS, max_size=14))
    def walk(lead: int, steps: list[tuple[str, Any]]) -> None:
        number = funded(stage, *GIFTS, holder=staff["holder"])
        fixed(stage, number)
        for name, value in (*LEAD[:lead], *steps):
            # Money that has left the bank is recorded, whatever has come between.
            must = (name, value) == ("pay", "holder") and _newest_state(stage, number) == "transferring"
            with suppress(*() if must else (Refusal,)):  # nothing is to have changed: the check says whether it has
                _take(stage, staff, number, name, value)
            _check(stage, number)

    walk()
    with at(stage) as db:
        db.execute(delete(Inquiry))  # nobody has them as tasks
    # Who asked for a gift back, and when, is another table's.
    assert wrong(stage) <= {"no_such_refund", "gift_and_refund"}


def _take(stage: Stage, staff: dict[str, int], number: int, name: str, value: Any) -> None:
    if name == "ask":
        asked(stage, number, value)
        return
    if name == "wait":
        stage.clock.move(timedelta(hours=value))
        with at(stage) as db:
            ask_about_transfers(db, stage.clock())
        return
    if name == "hold":
        now = stage.clock()
        facts = {"about": "appeal", "about_id": number, "region_code": DAOXIAN_MEIHUA, "opened_at": now}
        with at(stage) as db:
            db.execute(delete(Inquiry))
            db.add(Inquiry(**facts, appeal_id=number, held_until=now + HOLD_LASTS))
        return
    if name == "payee":
        with at(stage) as db:
            old = payees_of(db, number)[0].id
        fixed(stage, number, replaces=old)
        return
    with at(stage) as db:
        newest = select(Disbursement.id).where(Disbursement.appeal_id == number).order_by(Disbursement.id.desc())
        last = db.scalars(newest).first()
    if last is not None and name in ("pass", "claim", "pay", "acquit"):
        seen(stage, last, staff[value if name != "acquit" else "endorser"])
    with at(stage) as db:
        if name in ("stop", "resume", "refund"):
            _do_with_appeal(db, staff, number, name, value, stage)
        elif last is not None:
            _do_with_use(db, staff, last, name, value, stage)


def _do_with_appeal(db: Database, staff: dict[str, int], number: int, name: str, value: Any, stage: Stage) -> None:
    appeal, now, county = get_appeal(db, number, lock=True), stage.clock(), Actor(By.COUNTY, f"staff:{staff['county']}")
    if name == "stop" and appeal.state in LIVE:
        freeze(db, appeal, county, now, "complaint")
    elif name == "resume":
        resume(db, appeal, county, now)
    elif name == "refund":
        pledge = db.scalars(select(Pledge).where(Pledge.appeal_id == number).order_by(Pledge.id)).all()[value]
        spent = select(func.coalesce(func.sum(DisbursementShare.amount_fen), 0))
        left = pledge.amount_fen - int(db.scalar(spent.where(DisbursementShare.pledge_id == pledge.id)) or 0)
        check_not_transferring(db, number)
        if pledge.state in GIVING and left:
            PLEDGES.move(db, pledge, "refund_pending", SYSTEM, now, "asked")
            moves.refund_owed(db, number, left, f"refund:{pledge.id}", now)


def _do_with_use(db: Database, staff: dict[str, int], use: int, name: str, value: Any, stage: Stage) -> None:
    now = stage.clock()
    who = {key: db.get_one(Staff, number) for key, number in staff.items()}
    disbursement = db.get_one(Disbursement, use)
    user = owner_of(db, db.get_one(Appeal, disbursement.appeal_id))
    match name:
        case "pass":
            pass_on(db, who[value], use, now)
        case "claim":
            claim_payout(db, who[value], use, now)
        case "release":
            release_claim(db, who["holder"], use, now)
        case "pay":
            pay(db, who[value], use, f"T{use}", now)
        case "turn_away":
            turn_away(db, who["endorser"], use, value, ("evidence_unclear",), now)
        case "withdraw":
            withdraw(db, disbursement, Actor(By.OWNER, f"user:{user.id}"), now)
        case "answer":
            answer(db, user, disbursement.code, value, now)
        case "call":
            record_call(db, who["caller"], use, value, now)
        case "clear":
            settle_doubt(db, who["county"], use, now)
        case "receipts":
            hand_in_receipts(db, use, [{"media_id": f"r{use}", "pic_url": "http://127.0.0.1/r.jpg"}], 1, now)
        case "acquit":
            acquit(db, who["endorser"], use, now)
        case "bounce":
            enter_return(db, who["holder"], use, now)


def _newest_state(stage: Stage, number: int) -> str | None:
    newest = select(Disbursement.state).where(Disbursement.appeal_id == number).order_by(Disbursement.id.desc())
    with at(stage) as db:
        return db.scalars(newest.limit(1)).first()


def _check(stage: Stage, number: int) -> None:
    with at(stage) as db:
        theirs = select(func.coalesce(func.sum(Disbursement.amount_fen), 0)).where(Disbursement.appeal_id == number)
        spent = db.scalar(theirs.where(Disbursement.state.in_(SPENT))) or 0
        asked_for = db.scalar(theirs.where(Disbursement.state.in_(UNDER_WAY))) or 0
        sums = totals(db, number)
        assert sums.paid == sum(GIFTS)
        assert sums.disbursed == spent
        assert sums.held == sums.paid - sums.refunded - spent >= 0
        assert spent + asked_for <= sum(GIFTS)
        shares = dict(db.execute(_shares(number)).all())
        assert sum(shares.values()) == spent
        for pledge in db.scalars(select(Pledge).where(Pledge.appeal_id == number)):
            given = shares.get(pledge.id, 0)
            assert given <= pledge.amount_fen
            said = "settled" if given == pledge.amount_fen else "partly_disbursed" if given else "committed"
            assert pledge.state in (said, "refund_pending")
        left = [p.amount_fen - shares.get(p.id, 0) for p in db.scalars(_giving(number))]
        assert sum(left) == held(db, [number])[number]


def _shares(number: int) -> Any:
    share = DisbursementShare
    joined = select(share.pledge_id, func.sum(share.amount_fen)).join(Pledge, Pledge.id == share.pledge_id)
    return joined.where(Pledge.appeal_id == number).group_by(share.pledge_id)


def _giving(number: int) -> Any:
    return select(Pledge).where(Pledge.appeal_id == number, Pledge.state.in_(GIVING))


def test_eight_hands_at_once_pay_it_once(new_database: Callable[[], str]) -> None:
    """On PostgreSQL: the fund holder's word eight times at once is one transfer, and two requests one line."""
    stage = patient(Stage(new_database()))
    staff = people(stage)
    number, use = authorised(stage, *[1_000] * 20, fen=9_999, staff=staff)

    def once(serial: int) -> str:
        try:
            with Database(stage.database) as db, db.begin():
                pay(db, db.get_one(Staff, staff["holder"]), use, f"T-{serial % 2}", stage.clock())
        except Refusal as refusal:
            return refusal.code
        return "paid"

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(once, range(8)))
    assert said == ["not_your_turn"] * 4 + ["paid"] * 4
    with at(stage) as db:
        assert totals(db, number).disbursed == 9_999

    def ask(_: int) -> str:
        try:
            asked(stage, number, 6_000)
        except Refusal as refusal:
            return refusal.code
        return "asked"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4))) == ["asked", "over_line", "over_line", "over_line"]
    assert wrong(stage) == set()
    stage.close()
