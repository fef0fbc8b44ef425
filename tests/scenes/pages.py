"""Public pages of appeals on the stage: looked at and agreed to by the models alone, and read past every cache."""

from sqlalchemy.orm import Session as Database
from werkzeug.test import TestResponse

from models.appeals.appeal import Appeal
from models.core.state_machine import Actor
from models.public.appeal_page import agree, close, record_look
from tests.harness.stage import Stage


def agreed(stage: Stage, number: int) -> int:
    """The number of the appeal whose owner looked at its page and agreed to it."""
    with Database(stage.database) as db, db.begin():
        owner = Actor.owner(db.get_one(Appeal, number).owner_id)
        record_look(db, number, owner, stage.clock())
        agree(db, number, owner, stage.clock())
    return number


def closed(stage: Stage, number: int) -> None:
    """Close the page at its owner's word."""
    with Database(stage.database) as db, db.begin():
        close(db, number, Actor.owner(db.get_one(Appeal, number).owner_id), stage.clock())


def read(stage: Stage, number: int | str, **headers: str) -> TestResponse:
    """The page as a stranger reads it when nothing is kept of it."""
    stage.app.extensions["bangfu"]["kept_pages"].clear()
    return stage.app.test_client().get(f"/a/{number}", headers=headers)
