"""感谢: an owner thanks those who gave, in words that an officer reads first, and not so often that they grow stale."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.giving.pledge import COUNTED, Pledge
from models.outreach.update import Update, update_waiting

# Between two for one appeal, from the day on which the first went out.
REST = timedelta(days=7)


class NobodyGave(Refusal):
    """To this appeal, so far."""

    code = "nobody_gave"
    final = True


class ThanksWait(Refusal):
    """There are words for this appeal that no officer has read yet."""

    code = "thanks_wait"
    final = True


class ThankedLately(Refusal):
    """The next may be said on ``day``."""

    code = "thanked_lately"
    final = True


def check_thanks(db: Session, appeal: Appeal, now: datetime) -> None:
    """Raises NobodyGave, ThanksWait or ThankedLately. What an officer sent back does not count."""
    gave = exists().where(Pledge.appeal_id == appeal.id, Pledge.state.in_(COUNTED))
    if not db.scalar(select(gave)):
        raise NobodyGave(number=appeal.id)
    if update_waiting(db, appeal.id, "thanks"):
        raise ThanksWait(number=appeal.id)
    thanked = (Update.appeal_id == appeal.id) & (Update.kind == "thanks") & (Update.state == "published")
    last = db.scalar(select(Update.decided_at).where(thanked).order_by(Update.id.desc()).limit(1))
    if last and last + REST > now:
        raise ThankedLately(number=appeal.id, day=last + REST)
