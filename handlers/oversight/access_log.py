"""Who looked at one's own data, when and what for: everybody may ask that of what is theirs."""

from flows.engine.flow import Answer
from handlers.routing.answers import one_page
from handlers.routing.talk import Talk
from models.oversight.access_log import who_looked as readings
from models.people.user import get_user


def who_looked(talk: Talk, before: str = "") -> Answer:
    """The newest first, a page at a time. Raises NotRegistered."""
    user = get_user(talk.desk.db, talk.desk.person.user_id, then=talk.world.lexicon.words["who_looked"][0])
    page = readings(talk.desk.db, user.id, int(before) if before else None)
    turn = ["who_looked", str(page.after)] if page.after else None
    return one_page(talk, "replies/oversight/access_log", {"page": page.items, "later": bool(before)}, [], turn)
