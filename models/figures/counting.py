"""Write the delta of what has just happened, in its transaction; lower rooms call these by hooks (models.wiring).

Each is one statement, and writes nothing for what was counted before. A person counts once ever, as what they were
first: helped, or helping.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Select, String, Text, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.core.base import listed
from models.disbursements.disbursement import Disbursement
from models.figures.delta import FigureDelta, month_of
from models.giving.allocation import DisbursementShare
from models.giving.pledge import Pledge
from models.goods.exchange import GoodsRequest
from models.goods.matches.match import Match
from models.ledger.kinds import DISBURSED, MATCHED, MOVES, PAID, REFUNDED
from models.ledger.posting import Posted
from models.people.user import Household, User
from models.places.region import COUNTRY
from models.verification.case import Verification

OF_MONEY = {PAID: "money_in", MATCHED: "money_in", REFUNDED: "money_back", DISBURSED: "money_out"}
_COLUMNS = ("cause", "figure", "region_code", "month", "amount")


def count_registered(db: Session, user: User, now: datetime) -> None:
    """Count a person who has just registered."""
    region = user.region_code or COUNTRY
    _write(db, select(*_delta(literal(f"user:{user.id}"), f"registered_{user.role}", literal(region), now)))


def count_verified(db: Session, case_id: int, _state: str, now: datetime) -> None:
    """Count the household of a case that has just been verified."""
    found = select(*_delta(_cause("household", Household.id), "verified", Household.region_code, now))
    found = found.join(Verification, func.coalesce(Verification.counted_as, Verification.household_id) == Household.id)
    _write(db, found.where(Verification.id == case_id))


def count_posted(db: Session, posted: Sequence[Posted], now: datetime) -> None:
    """Count what postings of the ledger move into or out of appeals, in fen."""
    moved: list[tuple[str, str, int, int]] = []
    for posting in posted:
        move = MOVES[posting.kind]
        for account, fen in posting.amounts.items():
            if account.kind == "appeal" and move.counts_as:
                moved.append((f"posting:{posting.id}", OF_MONEY[move.counts_as], account.subject_id, move.part(fen)))
    if not moved:
        return
    columns: dict[str, TypeEngine[Any]] = {
        "cause": Text(),
        "figure": Text(),
        "appeal": BigInteger(),
        "amount": BigInteger(),
    }
    rows = listed(columns, moved)
    region = func.coalesce(Appeal.region_code, COUNTRY)
    wanted = select(rows.c.cause, rows.c.figure, region, literal(month_of(now), Date), rows.c.amount)
    _write(db, wanted.select_from(rows.outerjoin(Appeal, Appeal.id == rows.c.appeal)))


def count_received(db: Session, disbursement_id: int, _state: str, now: datetime) -> None:
    """Count the owner of an appeal that confirms a payout, and the donors whose gifts paid for it.

    Gifts of staff are left out: they may give to appeals that they passed.
    """
    owner = select(*_delta(_cause("person", User.id), "helped", Appeal.region_code, now)).select_from(Disbursement)
    owner = owner.join(Appeal, Appeal.id == Disbursement.appeal_id).join(User, User.id == Appeal.owner_id)
    _write(db, owner.where(Disbursement.id == disbursement_id, User.state != "erased"))
    _write(db, _donors(now).where(DisbursementShare.disbursement_id == disbursement_id))


def count_allocated(db: Session, disbursement_id: int, pledges: Sequence[int]) -> None:
    """Count the donors of these gifts, where the payout that they paid for was confirmed before it was allocated."""
    confirmed = db.scalar(
        select(func.min(AuditEvent.at)).where(
            AuditEvent.subject == "disbursement",
            AuditEvent.subject_id == disbursement_id,
            AuditEvent.to_state == "received",
        )
    )
    if confirmed:
        theirs = (DisbursementShare.disbursement_id == disbursement_id) & DisbursementShare.pledge_id.in_(pledges)
        _write(db, _donors(confirmed).where(theirs))


def count_collected(db: Session, match_id: int, _state: str, now: datetime) -> None:
    """Count goods that were handed out, the person who got them, and their donor."""
    goods = select(*_delta(_cause("match", Match.id), "goods", Household.region_code, now))
    goods = goods.join(Household, Household.id == Match.household_id).where(Match.id == match_id)
    people = (("helped", GoodsRequest.owner_id), ("helping", Match.donor_id))
    each = [
        select(*_delta(_cause("person", User.id), figure, Household.region_code, now))
        .select_from(Match)
        .join(Household, Household.id == Match.household_id)
        .join(GoodsRequest, GoodsRequest.id == Match.request_id)
        .join(User, User.id == person)
        .where(Match.id == match_id, User.state != "erased")
        for figure, person in people
    ]
    _write(db, union_all(goods, *each))


def _donors(now: datetime) -> Select[Any]:
    found = select(*_delta(_cause("person", User.id), "helping", Appeal.region_code, now)).distinct()
    found = found.select_from(DisbursementShare).join(Pledge, Pledge.id == DisbursementShare.pledge_id)
    found = found.join(Appeal, Appeal.id == Pledge.appeal_id).join(User, User.id == Pledge.donor_id)
    return found.where(Pledge.by_staff.is_(False), User.state != "erased")


def _cause(kind: str, number: Any) -> Any:
    return literal(f"{kind}:") + cast(number, String)


def _delta(cause: Any, figure: str, region: Any, at: datetime, amount: int = 1) -> tuple[Any, ...]:
    return (cause, literal(figure), region, literal(month_of(at), Date), literal(amount))


def _write(db: Session, rows: Any) -> None:
    into = insert(FigureDelta).from_select(_COLUMNS, rows, include_defaults=False)
    db.execute(into.on_conflict_do_nothing(index_elements=["cause"]))
