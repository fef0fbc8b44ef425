"""Answer words of suicide or immediate danger above everything else, and call the county."""

from flows.engine.flow import Answer, Say
from flows.language.danger import Danger, find_danger
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat
from handlers.support import call
from models.people.user import User, home_of
from models.support.urgent import open_urgent_ticket


def find(talk: Talk) -> Danger | None:
    """Return the danger that the text speaks of; None in a staff command, whose words are of somebody's case."""
    danger = find_danger(talk.message.text, talk.world.lexicon.danger)
    if danger is None:
        return None
    command = talk.commands.match(talk.message.text)
    return None if command and command[0].staff and find_seat(talk) else danger


def goes_first(talk: Talk, danger: Danger) -> bool:
    """Tell whether only the danger is answered: not in a story, which the words belong to, nor, for what is only
    mentioned, in a conversation with officers. Nobody's own death is the name or the title of anything."""
    if talk.engine.takes_any_words(talk.session):
        return danger is Danger.SELF and not talk.engine.takes_story(talk.session)
    return danger is not Danger.MENTION or not call.is_in_ticket(talk)


def answer(talk: Talk, danger: Danger) -> Answer:
    """Give the numbers at once. The numbered lines on the screen and the question stay as they are."""
    return Answer([_say(talk, danger)], keeps_screen=True)


def add_numbers(talk: Talk, danger: Danger, answer: Answer) -> Answer:
    """Add the numbers after what a story's question, or the ticket, has answered."""
    answer.says.append(_say(talk, danger))
    return answer


def _say(talk: Talk, danger: Danger) -> Say:
    numbers = dict(talk.world.lexicon.danger.numbers)
    if danger is Danger.MENTION:
        return Say("replies/support/danger", "mention", {"v": {"numbers": numbers}})
    db, person = talk.turn.db, talk.turn.person
    user = db.get(User, person.user_id) if person.user_id else None
    number, reached = _call_county(talk, danger)
    values = {
        "numbers": numbers,
        "number": number,
        "reached": reached,
        "known": bool(user and user.phone),
        "asked": talk.session.draft is not None,
    }
    return Say("replies/support/danger", str(danger), {"v": values})


def _call_county(talk: Talk, danger: Danger) -> tuple[int, bool]:
    """Put the words first in the county's queue; what the person says next, and nothing else takes, follows them.

    Returns the ticket's number, and whether an officer is there to see it.
    """
    db, person = talk.turn.db, talk.turn.person
    home, words = home_of(db, person.user_id), call.words_of(talk.message)
    ticket, reached = open_urgent_ticket(db, person.conversation_id, home, danger, words, talk.world.now)
    talk.session.ticket = ticket.id
    return ticket.id, reached
