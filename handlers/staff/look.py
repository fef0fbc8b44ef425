"""看 <号>: what everybody may see of an appeal; staff of the region see what waits with who asked."""

from flows.engine.flow import Answer
from handlers.public import catalogue
from handlers.routing.talk import Talk
from handlers.staff.matter import matter_in


def look(talk: Talk, reference: str = "") -> Answer:
    """Without a number, the list of appeals."""
    if not reference:
        return catalogue.appeals(talk)
    matter, number = matter_in(talk, reference)
    return matter.look(talk, number)
