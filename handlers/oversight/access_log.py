"""Show a person who read their own data, when and for what purpose."""

from flows.engine.flow import Answer
from handlers.routing.answers import one_page
from handlers.routing.talk import Talk
from models.oversight.access_log import readings_of as readings
from models.people.user import get_user


def who_looked(talk: Talk, before: str = "") -> Answer:
    """List the readings, the newest first, a page at a time. Raises NotRegistered."""
    user = get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["who_looked"][0])
    page = readings(talk.turn.db, user.id, int(before) if before else None)
    turn = ["who_looked", str(page.after)] if page.after else None
    return one_page(talk, "replies/oversight/access_log", {"page": page.items, "later": bool(before)}, [], turn)
