"""走访 <号>: an officer records a visit to a household, or reads a recorded one."""

import json

from flows.engine.flow import Answer
from flows.verification.visit import QUESTIONS
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.reasons import recuse_first
from handlers.staff.seat import parse_reference, staff_of
from handlers.staff.todo import todo
from models.staff.turn import HasConflict
from models.verification.case import NoSuchCase, lock_case
from models.verification.decisions import demand_visit_task
from models.verification.file import open_visit_record


def visit(talk: Talk, reference: str = "") -> Answer:
    """Start the visit of a case; the number is always a case's. Without one, show the officer's tasks."""
    if not reference:
        return todo(talk)
    db, staff, (_, number) = talk.turn.db, staff_of(talk), parse_reference(reference)
    try:
        demand_visit_task(db, lock_case(db, number), staff)
    except HasConflict:
        recused = recuse_first(talk, f"case:{number}")
        if recused is None:
            raise
        return recused
    return talk.start("visit", {"case": number})


def view_visit(talk: Talk, reference: str) -> Answer:
    """Show the newest visit of a case with every answer. Raises NoSuchCase without one, or if it was erased."""
    number = parse_reference(reference)[1]
    found = open_visit_record(talk.turn.db, staff_of(talk), number, talk.world.now)
    if found is None or not found.findings:
        raise NoSuchCase(number=number)
    said = json.loads(found.assessment)
    lexicon = talk.world.lexicon
    values = {
        "number": number,
        "visit": found,
        "label": json.loads(found.place)["label"],
        "people": said["people"],
        "answers": {name: lexicon.choices[f"assess_{name}"].get(said.get(name), [""])[0] for name in QUESTIONS},
    }
    return with_ways("replies/verification/visit", values, {"case": ["command", "look", reference]})
