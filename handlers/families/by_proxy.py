"""代办: an officer writes down for a resident who belongs to their household, by a mandate for that."""

from flows.engine.flow import Answer
from flows.proxy.common import lock_mandate
from handlers.families.members import ask_end, ended, list_members
from handlers.proxy.residents import ask_which_resident
from handlers.routing.talk import Talk
from models.families.by_mandate import end_for
from models.families.members import find_member
from models.proxy.mandate import FAMILY


def choose_resident(talk: Talk) -> Answer:
    """Offer the residents with a live mandate for their family, or a new mandate. Raises NotYours."""
    commands = ("proxy_family_of", "proxy_family_mandate")
    return ask_which_resident(talk, FAMILY, "replies/families/proxy_people", *commands)


def new_mandate(talk: Talk) -> Answer:
    """Record a resident's consent that the officer writes down their family. Raises NotYours."""
    return talk.start("proxy_mandate", {"scope": FAMILY})


def show(talk: Talk, mandate: str) -> Answer:
    """List who belongs to the resident's household. Raises NotYours or NoMandate."""
    _, held, user = lock_mandate(talk.turn, int(mandate), FAMILY)
    both = ["proxy_family_member", str(held.id)], ["proxy_family_add", str(held.id)]
    return list_members(talk, user, *both, of=user.masked_name)


def add(talk: Talk, mandate: str) -> Answer:
    """Begin to name a member for the resident. Raises NotYours, NoMandate or TooManyMembers."""
    return talk.start("add_family_member", {"mandate": int(mandate)})


def ask_why(talk: Talk, mandate: str, number: str) -> Answer:
    """Ask why the member belongs to the household no more. Raises NotYours, NoMandate or NoSuchMember."""
    user = lock_mandate(talk.turn, int(mandate), FAMILY)[2]
    ends, back = ["proxy_family_end", mandate, number], ["proxy_family_of", mandate]
    return ask_end(talk, user, int(number), ends, back)


def end(talk: Talk, mandate: str, number: str, why: str) -> Answer:
    """Raises NotYours, NoMandate or NoSuchMember."""
    staff, held, user = lock_mandate(talk.turn, int(mandate), FAMILY)
    name = find_member(talk.turn.db, user, int(number)).name
    end_for(talk.turn.db, staff, held, int(number), why, talk.world.now)
    return ended(name, why, ["proxy_family_of", mandate])
