"""Commit paid gifts: match them, notify owners and donors, end appeals that have enough, and post the money."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.base import write_columns
from models.core.money import SMALLEST_PLEDGE
from models.core.state_machine import SYSTEM
from models.giving.funding import mark_funded
from models.giving.gift_notifications import GiftNews, notify_of_gifts, payment_facts
from models.giving.matching import SponsorMatch, lock_pools, match_gifts
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import Pledge, Raised, raised
from models.ledger import Account, moves
from models.ledger.moves import ToAppeal
from models.notifications.notify import NewForUser, conversations_of, notify_users
from models.payments.order import PayOrder
from models.people.user import User


@dataclass(frozen=True, slots=True)
class ArrivedGift:
    """A pledge that was paid, and its appeal, both held. ``source``: the account that has the money; ``cause``: why."""

    appeal: Appeal
    pledge: Pledge
    donor: User
    source: Account
    cause: str


def commit_gifts(
    db: Session,
    gifts: Sequence[ArrivedGift],
    kind: str,
    now: datetime,
    notify: Callable[[ArrivedGift, Sequence[SponsorMatch]], None] | None = None,
    *,
    orders: Sequence[PayOrder] = (),
    had: Mapping[int, Raised] | None = None,
) -> None:
    """Commit paid pledges, in the order in which they came; in as many statements as for one.

    ``kind``: as what the ledger posts their money. ``notify`` writes to a donor; without it they hear that the payment
    arrived. ``orders``: those that paid, to be written with the pledges. ``had``: what the appeals had before, of which
    nothing was promised by these pledges; read here without it.

    Posted last: all gifts to a charity add to one account, whose lock then waits for little but the commit.
    """
    appeals = {gift.appeal.id: gift.appeal for gift in gifts}
    pledges = [gift.pledge for gift in gifts]
    with db.no_autoflush:
        pools, held = lock_pools(db, appeals.values(), now, {gift.source for gift in gifts})
        for pledge in pledges:
            PLEDGES.move(db, pledge, "committed", SYSTEM, now)
        write_columns(db, (pledges, ["state"]), (orders, ["state", "transaction_id", "paid_at"]))
    db.flush()
    has = _before(db, pledges) if had is None else dict(had)
    rooms = {number: appeal.target_fen - has[number].paid_fen for number, appeal in appeals.items()}
    added = match_gifts(db, pools, held, pledges, rooms, now)
    news = []
    for gift in gifts:
        number, fen = gift.appeal.id, gift.pledge.amount_fen
        matched = sum(each.fen for each in added.get(gift.pledge.id, ()))
        has[number] = has[number].plus(fen + matched, 1)
        name = None if gift.pledge.anonymous else gift.donor.display_name
        news.append(GiftNews(gift.appeal, gift.pledge.id, fen, name, has[number], matched))
    writes = conversations_of(db, [*(each.owner_id for each in appeals.values()), *(gift.donor.id for gift in gifts)])
    if notify:
        for gift in gifts:
            notify(gift, added.get(gift.pledge.id, ()))
    else:
        _notify_donors(db, gifts, added, now, writes)
    notify_of_gifts(db, news, now, writes)
    for number, appeal in appeals.items():
        if appeal.target_fen - has[number].paid_fen < SMALLEST_PLEDGE:
            mark_funded(db, appeal, now)
    db.flush()
    money = {gift.cause: ToAppeal(gift.source, gift.appeal.id, gift.pledge.amount_fen) for gift in gifts}
    moves.given_to_appeals(db, kind, money, now, held)


def _before(db: Session, pledges: Sequence[Pledge]) -> dict[int, Raised]:
    """Return what each appeal had before these pledges; they are committed, and their money is not posted yet."""
    has = raised(db, [pledge.appeal_id for pledge in pledges])
    for pledge in pledges:
        has[pledge.appeal_id] = has[pledge.appeal_id].plus(0, -1)
    return has


def _notify_donors(
    db: Session,
    gifts: Sequence[ArrivedGift],
    added: Mapping[int, list[SponsorMatch]],
    now: datetime,
    writes: Mapping[int, list[int]],
) -> None:
    news = [
        NewForUser(
            gift.pledge.donor_id,
            gift.appeal.id,
            payment_facts(gift.appeal, gift.pledge, added.get(gift.pledge.id, ())),
            f"payment_received:{gift.pledge.id}",
        )
        for gift in gifts
    ]
    notify_users(db, "payment_received", "appeal", news, now, writes)
