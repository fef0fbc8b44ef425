"""Who looked at one's own data, when and what for: everybody may ask that of what is theirs."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.answers import more
from handlers.routing.talk import Talk
from models.oversight.access_log import who_looked as readings
from models.people.user import get_user


def who_looked(talk: Talk, before: str = "") -> Answer:
    """The newest first, a page at a time. Raises NotRegistered."""
    user = get_user(talk.desk.db, talk.desk.person.user_id, then=talk.world.lexicon.words["who_looked"][0])
    page, after = readings(talk.desk.db, user.id, int(before) if before else None)
    options: list[Option] = more(talk, 1, "who_looked", str(after)) if after else []
    values = {"page": page, "later": bool(before), "more": 1 if after else None}
    return Answer([Say("replies/oversight/access_log", None, values)], options)
