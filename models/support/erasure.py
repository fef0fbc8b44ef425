"""Forget what an erased person said to officers or reported, and what they answered."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.people.photo import Photo
from models.support.inquiry import Report
from models.support.ticket import Ticket, TicketMessage


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    theirs = Ticket.conversation_id == leaver.conversation_id
    db.execute(delete(TicketMessage).where(TicketMessage.ticket_id.in_(select(Ticket.id).where(theirs))))
    db.execute(update(Ticket).where(theirs).values(state="closed", closed_at=leaver.now, about=None))
    reported = Report.conversation_id == leaver.conversation_id
    # Not with the photos of what is theirs (models.rights.erasure.photos): who reports may never have registered.
    shown = (
        (Photo.subject == "report") & Photo.subject_id.in_(select(Report.id).where(reported)) & (Photo.state != "gone")
    )
    gone = update(Photo).where(shown).values(state="gone", media_id="", pic_url="").returning(Photo.id, Photo.path)
    leaver.files.extend(sorted(number for number, path in db.execute(gone) if path))
    db.execute(update(Report).where(reported).values(words=""))
