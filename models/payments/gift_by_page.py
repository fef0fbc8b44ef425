"""Make the gift that a donor chose on a page: the same pledge as in the chat, to be paid at once."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, get_appeal
from models.core.money import LARGEST, SMALLEST_PLEDGE, YUAN
from models.core.refusal import Refusal
from models.giving.pledge import Pledge, make_pledge
from models.payments.collection import admit_donor, await_payment, is_payable
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import find_staff

# More gifts than these may not wait for their payment: a page is sent faster than a conversation.
MOST_UNPAID = 10
_YUAN = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")


class UnpaidGifts(Refusal):
    """The donor has ``most`` gifts that wait for their payment."""

    code = "unpaid_gifts"


@dataclass(frozen=True, slots=True)
class ChosenGift:
    """What was chosen. ``once``: names this choice (36 characters at most); sent twice it is one gift."""

    once: str
    fen: int
    anonymous: bool


def read_yuan(said: str) -> int | None:
    """Read yuan as a form sends them (20, 20.50) and return fen; None where it is no amount that can be given."""
    found = _YUAN.fullmatch(said)
    fen = int(found[1]) * YUAN + int((found[2] or "").ljust(2, "0")) if found else 0
    return fen if SMALLEST_PLEDGE <= fen <= LARGEST else None


def admit(db: Session, conversation: Conversation, number: int, now: datetime) -> tuple[Appeal, User]:
    """Return the appeal and the donor, who may give to it now.

    Raises NoSuchAppeal, and as ``admit_donor``.
    """
    appeal = get_appeal(db, number)
    return appeal, admit_donor(db, appeal, conversation.user_id, now)


def give_by_page(db: Session, conversation: Conversation, number: int, chosen: ChosenGift, now: datetime) -> int:
    """Make the pledge, which can be paid now, and return its number; one that waits and is the same is taken again.

    The person's conversation is locked, as in a turn of theirs. Raises what ``admit`` does, and UnpaidGifts.
    """
    db.get_one(Conversation, conversation.id, with_for_update=True)
    appeal, donor = admit(db, conversation, number, now)
    waiting = _waiting(db, donor)
    for pledge in waiting:
        same = (pledge.appeal_id, pledge.amount_fen, pledge.anonymous) == (appeal.id, chosen.fen, chosen.anonymous)
        if same and is_payable(db, pledge, now):
            return pledge.id
    if len(waiting) >= MOST_UNPAID:
        raise UnpaidGifts(most=MOST_UNPAID)
    appeal = get_appeal(db, number, lock=True)
    by_staff = find_staff(db, conversation.account, conversation.openid, now) is not None
    pledge = make_pledge(db, chosen.once, appeal, donor, chosen.fen, chosen.anonymous, now, by_staff=by_staff)
    await_payment(db, pledge, appeal, now)
    return pledge.id


def _waiting(db: Session, donor: User) -> list[Pledge]:
    """List the donor's gifts that wait for their payment."""
    theirs = (Pledge.donor_id == donor.id) & (Pledge.state == "awaiting_payment")
    return list(db.scalars(select(Pledge).where(theirs).order_by(Pledge.id.desc())))
