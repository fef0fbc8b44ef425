"""走访 <号>: an officer goes to see a household, and writes it down on the spot."""

from flows.flow import Answer, Say
from handlers.seat import parse, staff_of
from handlers.talk import Talk
from handlers.todo import todo
from models.task import HasAPart, step_aside
from models.verdict import take_visit
from models.verification import get_case


def visit(talk: Talk, reference: str = "") -> Answer:
    """The number is always a case's, with a word for that before it or not; without one, what there is to do."""
    if not reference:
        return todo(talk)
    db, staff, (_, number) = talk.desk.db, staff_of(talk), parse(reference)
    try:
        take_visit(db, get_case(db, number), staff)
    except HasAPart as refusal:
        # It has found somebody else by itself; that is kept, unlike a refusal.
        step_aside(db, staff, "case", number, talk.world.now)
        facts = {"subject": "case", "id": number, "reason": refusal.values["reason"]}
        return Answer([Say("replies/recused", None, facts)], outcome="recused")
    return talk.start("visit", {"case": number})
