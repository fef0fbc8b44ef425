"""Show a thing by its number (看 <number>): the public page of an appeal, or for staff of the region the file."""

from flows.engine.flow import Answer
from handlers.public import catalogue
from handlers.routing.talk import Talk
from handlers.staff.matter import matter_in


def look(talk: Talk, reference: str = "") -> Answer:
    """Show the thing of this number; without a number, the list of appeals."""
    if not reference:
        return catalogue.appeals(talk)
    matter, number = matter_in(talk, reference)
    return matter.look(talk, number)
