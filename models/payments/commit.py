"""Commit gifts whose money has come: post it for the appeals, match it, notify, and end what has enough."""

from collections.abc import Callable, Sequence
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
from models.giving.pledge import Pledge, raised
from models.ledger import Account, moves
from models.ledger.moves import ToAppeal
from models.notifications.notify import NewForUser, notify_users
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
) -> None:
    """Commit paid pledges, in the order in which they came; in as many statements as for one.

    ``kind``: as what the ledger posts their money. ``notify`` writes to a donor; without it they hear that the payment
    arrived.
    """
    appeals = {gift.appeal.id: gift.appeal for gift in gifts}
    pledges = [gift.pledge for gift in gifts]
    with db.no_autoflush:
        pools, held = lock_pools(db, appeals.values(), now, (gift.source for gift in gifts))
        money = {gift.cause: ToAppeal(gift.source, gift.appeal.id, gift.pledge.amount_fen) for gift in gifts}
        moves.given_to_appeals(db, kind, money, now, held)
        for pledge in pledges:
            PLEDGES.move(db, pledge, "committed", SYSTEM, now)
        write_columns(db, pledges, "state")
    db.flush()
    has = raised(db, list(appeals))
    for pledge in pledges:  # as it was before them
        has[pledge.appeal_id] = has[pledge.appeal_id].plus(-pledge.amount_fen, -1)
    rooms = {number: appeal.target_fen - has[number].paid_fen for number, appeal in appeals.items()}
    added = match_gifts(db, pools, held, pledges, rooms, now)
    news = []
    for gift in gifts:
        number, fen = gift.appeal.id, gift.pledge.amount_fen
        matched = sum(each.fen for each in added.get(gift.pledge.id, ()))
        has[number] = has[number].plus(fen + matched, 1)
        name = None if gift.pledge.anonymous else gift.donor.display_name
        news.append(GiftNews(gift.appeal, gift.pledge.id, fen, name, has[number], matched))
    if notify:
        for gift in gifts:
            notify(gift, added.get(gift.pledge.id, ()))
    else:
        _notify_donors(db, gifts, added, now)
    notify_of_gifts(db, news, now)
    for number, appeal in appeals.items():
        if appeal.target_fen - has[number].paid_fen < SMALLEST_PLEDGE:
            mark_funded(db, appeal, now)
    db.flush()


def _notify_donors(
    db: Session, gifts: Sequence[ArrivedGift], added: dict[int, list[SponsorMatch]], now: datetime
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
    notify_users(db, "payment_received", "appeal", news, now)
