"""Close the pages of an erased person's appeals, and delete what followed their own looks at appeals.

The days of showing and agreeing stay, and name nobody.
"""

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.leaver import Leaver
from models.public.appeal_page import AppealPage
from models.public.follow_up import FollowUp


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    theirs = Appeal.id == AppealPage.appeal_id
    open_ones = AppealPage.agreed_at.is_not(None) & AppealPage.closed_at.is_(None)
    closed = update(AppealPage).where(theirs, Appeal.owner_id == leaver.user_id, open_ones)
    db.execute(closed.values(closed_at=leaver.now).execution_options(synchronize_session=False))
    db.execute(delete(FollowUp).where(FollowUp.conversation_id == leaver.conversation_id))
