"""End an erased person's other requests on their data."""

from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.rights.request import end_requests


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    if leaver.conversation_id:
        end_requests(db, leaver.conversation_id, leaver.now)
