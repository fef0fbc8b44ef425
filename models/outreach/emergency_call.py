"""Disaster calls: the county or a fund holder asks a province's donors to give to one appeal of its own region."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, NoSuchAppeal
from models.core.calendar import CHINA
from models.core.refusal import Refusal
from models.giving.pledge import check_open
from models.notifications.broadcast import Audience, Broadcast, begin_broadcast
from models.places.region import Region, county_of
from models.staff.member import Staff
from models.staff.turn import demand_no_conflict, demand_region

CALLERS = ("county", "fund_holder")
# The least time between two calls for one appeal. A county also has at most one call a day, for whichever appeal.
BETWEEN_CALLS = timedelta(days=7)
TEMPLATE = "disaster_call"


class CalledLately(Refusal):
    """The appeal had a call less than BETWEEN_CALLS ago; the next may be made on ``day``."""

    code = "called_lately"
    final = True


class CalledToday(Refusal):
    """The county named ``region`` has had its call of today."""

    code = "called_today"
    final = True


def donors_of(appeal: Appeal) -> Audience:
    """Return the audience of a call: the donors of the appeal's province."""
    return Audience("donors_of", _province(appeal), TEMPLATE, appeal.id)


def province_of(db: Session, appeal: Appeal) -> str:
    """Return the name of the appeal's province."""
    return db.get_one(Region, _province(appeal)).name


def check_call(db: Session, staff: Staff, number: int, now: datetime) -> Appeal:
    """Lock and return the appeal if this member of staff may make a call for it now.

    Raises NoSuchAppeal, OutsideRegion, HasConflict, NotFunding, CalledLately or CalledToday.
    """
    appeal = db.get(Appeal, number, with_for_update=True, populate_existing=True)
    if appeal is None or appeal.published_at is None:
        raise NoSuchAppeal(number=number)
    demand_region(db, staff, appeal.matter)
    demand_no_conflict(db, staff, appeal.matter)
    check_open(db, appeal, None, now)
    about = (Broadcast.subject == "appeal") & (Broadcast.subject_id == number) & (Broadcast.template == TEMPLATE)
    last = db.scalar(select(Broadcast.created_at).where(about).order_by(Broadcast.id.desc()).limit(1))
    if last and last + BETWEEN_CALLS > now:
        raise CalledLately(number=number, day=last + BETWEEN_CALLS)
    today = db.scalar(select(Broadcast.id).where(Broadcast.dedupe_key == _key(appeal, now)))
    if today:
        raise CalledToday(region=_county(db, appeal))
    return appeal


def call(db: Session, staff: Staff, number: int, words: str, now: datetime) -> Broadcast:
    """Begin the call's broadcast. Raises what ``check_call`` does."""
    appeal = check_call(db, staff, number, now)
    place, county = db.get_one(Region, appeal.region_code).full_name, _county(db, appeal)
    facts = {"number": number, "title": appeal.title, "place": place, "words": words}
    try:
        return begin_broadcast(db, donors_of(appeal), facts, _key(appeal, now), now, by=staff.id)
    except IntegrityError as error:
        if "dedupe_key" in str(error.orig):
            raise CalledToday(region=county) from None  # a colleague was a moment earlier
        raise


def _province(appeal: Appeal) -> str:
    return f"{appeal.region_code[:2]}0000000000"


def _county(db: Session, appeal: Appeal) -> str:
    return db.get_one(Region, county_of(appeal.region_code)).name


def _key(appeal: Appeal, now: datetime) -> str:
    return f"call:{appeal.region_code[:6]}:{now.astimezone(CHINA):%Y%m%d}"
