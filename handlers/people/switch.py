"""换人: list the people who share this phone, and begin to switch to one of them or to a new person."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.people.switch_person import FREE, KEPT, OWN, THEIRS
from handlers.routing.talk import Talk
from models.people.conversation import Conversation
from models.people.shared_phone import (
    MOST_PEOPLE,
    CannotSwitch,
    find_parked,
    names_of,
    needs_no_code,
    people_parked,
)
from models.staff.member import ever_held_seat


def show(talk: Talk) -> Answer:
    """List the people who are parked on this phone, and a new person, as numbers. Raises CannotSwitch."""
    db, person = talk.turn.db, talk.turn.person
    if ever_held_seat(db, person.account, person.openid):
        raise CannotSwitch("seat")
    parked = people_parked(db, person.account, person.openid)
    options = [Option(n, "", ["command", "switch_to", str(each.id)]) for n, each in enumerate(parked, 1)]
    line = len(parked) + 1
    if line < MOST_PEOPLE:
        options.append(Option(line, "", ["command", "new_person"]))
    me = names_of(db, [person.conversation_id]).get(person.conversation_id, "")
    values = {"me": me, "lines": list(enumerate(parked, 1)), "new": line if line < MOST_PEOPLE else None}
    return Answer([Say("replies/people/switch", None, values)], options)


def switch_to(talk: Talk, number: str) -> Answer:
    """Raises CannotSwitch or CodeLocked."""
    person = talk.turn.person
    coming = find_parked(talk.turn.db, person.account, person.openid, int(number))
    theirs = {THEIRS: FREE} if needs_no_code(coming, talk.world.now) else {}
    return talk.start("switch_person", {"to": coming.id}, **_own(talk), **theirs)


def new_person(talk: Talk) -> Answer:
    """Raises CannotSwitch."""
    return talk.start("switch_person", {"to": 0}, **_own(talk), **{THEIRS: FREE})


def _own(talk: Talk) -> dict[str, str]:
    """Answer for who goes, where they have a code to come back with."""
    going = talk.turn.db.get_one(Conversation, talk.turn.person.conversation_id)
    return {OWN: KEPT} if going.code else {}
