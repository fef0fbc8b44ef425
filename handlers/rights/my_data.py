"""我的资料: show a person what is on record in short, with name and phone masked, and lead to what can be changed."""

from flows.engine.flow import Answer
from flows.readers import Phone
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.people.user import User, get_user
from models.places.region import Region
from models.rights.consents import consents_of
from models.verification.case import newest_case_of


def show(talk: Talk) -> Answer:
    """Raises NotRegistered."""
    db = talk.turn.db
    user = get_user(db, talk.turn.person.user_id, then=talk.world.lexicon.words["my_data"][0])
    region = db.get(Region, user.region_code) if user.region_code else None
    case = newest_case_of(db, user.id)
    values = {
        "role": user.role,
        "name": user.masked_name or user.display_name,
        "phone": Phone().shown(user.phone, talk.world) if user.phone else None,
        "home": region.full_name if region else None,
        "case": case.state if case else None,
        "consents": consents_of(db, user.id, talk.turn.person.conversation_id),
    }
    return with_ways("replies/rights/my_data", values, _ways(user))


def _ways(user: User) -> dict[str, list[str]]:
    ways = {"phone": ["command", "change_phone"], "home": ["command", "change_home"]}
    ways["name"] = ["command", "change_name"]
    consents = {"consents": ["command", "consents"]}
    return {**ways, **consents, "family": ["command", "family"]} if user.role == "resident" else consents
