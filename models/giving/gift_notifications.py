"""Notifications about gifts: to the owner and the donor, and to all donors when the target is reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.giving.matching import SponsorMatch
from models.giving.notification_kinds import join_gifts
from models.giving.pledge import Pledge, Raised, raised
from models.notifications.broadcast import notify_backers
from models.notifications.notify import NewNotification, conversations_of, notify, notify_each, notify_user

# Percent of the target; if one gift passes both, only the first here is told.
MILESTONES = (100, 50)


def funding_progress(db: Session, appeal: Appeal) -> dict[str, int]:
    """Return what the appeal has in fen, the number of gifts and the target, for templates."""
    return {**raised(db, [appeal.id])[appeal.id].facts, "target_fen": appeal.target_fen}


@dataclass(frozen=True, slots=True)
class GiftNews:
    """What an owner is told of a gift. ``name``: the donor's, None if anonymous; ``matched_fen``: what pools added.

    ``has``: what the appeal has with both.
    """

    appeal: Appeal
    pledge_id: int
    amount_fen: int
    name: str | None
    has: Raised
    matched_fen: int = 0
    paid: bool = True

    @property
    def reached(self) -> dict[str, int]:
        return {**self.has.facts, "target_fen": self.appeal.target_fen}

    @property
    def facts(self) -> dict[str, Any]:
        gift = {"new_gifts": 1, "amount_fen": self.amount_fen, "name": self.name}
        return {**_known(self.appeal), **self.reached, **gift, "matched_fen": self.matched_fen, "paid": self.paid}


def notify_of_gift(db: Session, appeal: Appeal, pledge: Pledge, name: str | None, now: datetime) -> dict[str, int]:
    """Notify the owner of a promised gift as of ``notify_of_gifts``. Returns the progress (``funding_progress``)."""
    has = raised(db, [appeal.id])[appeal.id]
    news = GiftNews(appeal, pledge.id, pledge.amount_fen, name, has, paid=pledge.state != "intended")
    notify_of_gifts(db, [news], now)
    return news.reached


def notify_of_gifts(
    db: Session, gifts: Sequence[GiftNews], now: datetime, writes: Mapping[int, list[int]] | None = None
) -> None:
    """Notify the owners of gifts, in the order in which they came: of all to one appeal at once; of milestones once.

    The caller holds the appeals, so that of two gifts at once the second counts the first. ``writes``: the owners'
    conversations, where the caller knows them.
    """
    writes = conversations_of(db, (gift.appeal.owner_id for gift in gifts)) if writes is None else writes
    owners = {user: numbers[0] for user, numbers in writes.items()}
    news: dict[int, NewNotification] = {}
    for gift in gifts:
        number, owner = gift.appeal.id, owners.get(gift.appeal.owner_id)
        if owner is None:
            continue
        before = news.get(number)
        facts = join_gifts(before.facts, gift.facts) if before else gift.facts
        news[number] = NewNotification(owner, number, facts, before.key if before else f"pledged:{gift.pledge_id}")
    notify_each(db, "pledged", "appeal", list(news.values()), now)
    for gift in gifts:
        came = gift.amount_fen + gift.matched_fen
        if percent := _passed(gift.has.raised_fen, came, gift.appeal.target_fen):
            _notify_milestone(db, gift, owners.get(gift.appeal.owner_id), percent, now)


def notify_of_late_payment(db: Session, appeal: Appeal, pledge: Pledge, now: datetime) -> None:
    """Tell the donor that the payment came too late and is refunded."""
    facts = {**_gift(appeal, pledge), "fallback": pledge.fallback}
    key = f"payment_late:{pledge.id}"
    notify_user(db, pledge.donor_id, "payment_late", facts, key, now, ("appeal", appeal.id))


def payment_facts(appeal: Appeal, pledge: Pledge, added: Sequence[SponsorMatch] = ()) -> dict[str, Any]:
    """Return what a donor is told of a payment that arrived, with what pools ``added``."""
    return {**_gift(appeal, pledge), "matches": match_facts(added)}


def _gift(appeal: Appeal, pledge: Pledge) -> dict[str, Any]:
    return {**_known(appeal), "amount_fen": pledge.amount_fen, "code": pledge.code}


def match_facts(added: Sequence[SponsorMatch]) -> list[list[Any]]:
    """Turn additions into the (sponsor, fen) pairs that notifications store."""
    return [[each.sponsor, each.fen] for each in added]


def _passed(fen: int, amount_fen: int, target_fen: int) -> int | None:
    """Return the milestone (percent) that this gift passed; None if it passed none."""
    before = fen - amount_fen
    passed = (each for each in MILESTONES if before * 100 < each * target_fen <= fen * 100)
    return next(passed, None)


def _notify_milestone(db: Session, gift: GiftNews, owner: int | None, percent: int, now: datetime) -> None:
    number, title = gift.appeal.id, gift.appeal.title
    if owner:
        facts = {**_known(gift.appeal), **gift.reached, "percent": percent}
        notify(db, owner, "milestone", facts, f"milestone:{number}:{percent}", now, ("appeal", number))
    if percent == 100:
        notify_backers(db, "appeal_funded", number, title, f"appeal_funded:{number}", now, **gift.reached)


def _known(appeal: Appeal) -> dict[str, Any]:
    return {"number": appeal.id, "title": appeal.title}
