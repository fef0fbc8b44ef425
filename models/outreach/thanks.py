"""感谢: the rules for when an owner may send thanks to the donors of an appeal; an officer reads them first."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.giving.pledge import COUNTED, Pledge
from models.outreach.update import Update, update_waiting

# The least time between two thanks for one appeal, counted from the publication of the earlier one.
REST = timedelta(days=7)


class NobodyGave(Refusal):
    """The appeal has no counted gift yet."""

    code = "nobody_gave"
    final = True


class ThanksWait(Refusal):
    """Earlier thanks for this appeal still wait for an officer."""

    code = "thanks_wait"
    final = True


class ThankedLately(Refusal):
    """Thanks for this appeal were published less than REST ago; the next may be sent on ``day``."""

    code = "thanked_lately"
    final = True


def check_thanks(db: Session, appeal: Appeal, now: datetime) -> None:
    """Raise NobodyGave, ThanksWait or ThankedLately. Thanks that an officer sent back do not count."""
    gave = exists().where(Pledge.appeal_id == appeal.id, Pledge.state.in_(COUNTED))
    if not db.scalar(select(gave)):
        raise NobodyGave(number=appeal.id)
    if update_waiting(db, appeal.id, "thanks"):
        raise ThanksWait(number=appeal.id)
    thanked = (Update.appeal_id == appeal.id) & (Update.kind == "thanks") & (Update.state == "published")
    last = db.scalar(select(Update.decided_at).where(thanked).order_by(Update.id.desc()).limit(1))
    if last and last + REST > now:
        raise ThankedLately(number=appeal.id, day=last + REST)
