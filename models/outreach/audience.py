"""Choose the recipients of a broadcast: an appeal's donors, or donors who gave to or live in a province.

Donors are paged by their id, so that an index finds each page however many there are.
"""

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from models.appeals.appeal import Appeal
from models.giving.pledge import UNPAID, Pledge, counted
from models.notifications.broadcast import Audience, AudiencePage
from models.notifications.kinds import KINDS
from models.notifications.mute import Mute
from models.people.conversation import Conversation
from models.people.user import User
from models.places.region import inside

# The most donors in a page, and the most user ids that one page of a province's donors scans.
PEOPLE = 500
SPAN = 20_000
# Who has promised and not paid is told as well that the appeal stopped: they need not pay any more.
_ALSO_PROMISED = frozenset({"appeal_failed"})


def next_backers(db: Session, audience: Audience, after: int) -> AudiencePage:
    """Find the next page of donors of the appeal ``audience.of``, from above the user id ``after``."""
    found = list(db.scalars(_page(db, audience, after)))
    return _stretch(audience, found, max(found, default=after), last=len(found) < PEOPLE)


def next_donors(db: Session, audience: Audience, after: int) -> AudiencePage:
    """Find the next page of donors of the province ``audience.of``, from above the user id ``after``.

    The province may have few of all donors, so no page scans more than SPAN user ids.
    """
    end = after + SPAN
    found = list(db.scalars(_page(db, audience, after).where(Pledge.donor_id <= end)))
    if len(found) == PEOPLE:
        return _stretch(audience, found, found[-1], last=False)
    return _stretch(audience, found, end, last=end >= (db.scalar(select(func.max(Pledge.donor_id))) or 0))


def anybody_gave(number: int) -> ColumnElement[bool]:
    """Condition: the appeal has a pledge in any state."""
    return exists().where(Pledge.appeal_id == number)


def recipients(audience: Audience, donors: Select[int] | list[int]) -> Select[int]:
    """Select the conversations of these donors that are notified: active, not muted, not the appeal's household."""
    kind = KINDS[audience.template]
    household = select(Appeal.household_id).where(Appeal.id == audience.appeal).scalar_subquery()
    people = (
        select(Conversation.id)
        .join(User, User.id == Conversation.user_id)
        .where(User.id.in_(donors), User.state == "active")
        .where(or_(User.household_id.is_(None), User.household_id != household))
    )
    if kind.topic:
        theirs = (Mute.conversation_id == Conversation.id) & (Mute.topic == kind.topic)
        people = people.where(~select(Mute.topic).where(theirs, Mute.subject_id.in_((0, audience.appeal))).exists())
    if kind.marketing:
        # A person who unfollowed the account cannot be sent to, and a call is out of date when they come back. Once
        # the appeal takes no gifts any more, the rest of a call's people are not called.
        open_ = select(Appeal.id).where(Appeal.id == audience.appeal, Appeal.state == "funding")
        people = people.where(Conversation.following, open_.exists())
    return people


def count_people(db: Session, audience: Audience) -> int:
    """Count the conversations that would be notified now."""
    people = recipients(audience, _gave(db, audience)).subquery()
    return db.scalar(select(func.count()).select_from(people)) or 0


def _page(db: Session, audience: Audience, after: int) -> Select[int]:
    return _gave(db, audience).where(Pledge.donor_id > after).distinct().order_by(Pledge.donor_id).limit(PEOPLE)


def _stretch(audience: Audience, donors: list[int], until: int, *, last: bool) -> AudiencePage:
    return AudiencePage(recipients(audience, donors) if donors else None, until, last)


def _gave(db: Session, audience: Audience) -> Select[int]:
    states = {*counted(db), *(UNPAID if audience.template in _ALSO_PROMISED else ())}
    gave = select(Pledge.donor_id).where(Pledge.state.in_(states))
    if audience.kind == "backers":
        return gave.where(Pledge.appeal_id == int(audience.of))
    donor, given_to = aliased(User), aliased(Appeal)
    gave = gave.join(given_to, given_to.id == Pledge.appeal_id).join(donor, donor.id == Pledge.donor_id)
    return gave.where(or_(inside(given_to.region_code, audience.of), inside(donor.region_code, audience.of)))
