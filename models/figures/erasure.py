"""Cut the figures from an erased person: they stay as numbers, and no row says whose they were or where they lived."""

from sqlalchemy import String, cast, literal, update
from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.figures.delta import FigureDelta


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Give the person's deltas causes that name nobody. What is counted stays counted, once."""
    if leaver.user_id:
        theirs = FigureDelta.cause.in_([f"user:{leaver.user_id}", f"person:{leaver.user_id}"])
        nobodys = literal("gone:") + cast(FigureDelta.id, String)
        db.execute(
            update(FigureDelta).where(theirs).values(cause=nobodys), execution_options={"synchronize_session": False}
        )
