"""留言: a donor writes a message to the family; an officer reads it before the family does."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Text
from flows.readers.words.friendly_words import CODES, friendly
from models.appeals.appeal import get_appeal
from models.donors.message import LONGEST
from models.donors.message_review import DAYS, check_takes_message, own_gift, sender_name, submit_message
from models.people.user import get_user


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``gift``, its code. Raises NotRegistered, NoSuchGift, GiftTakesNoMessage or MessageExists."""
    pledge = own_gift(turn.db, get_user(turn.db, turn.person.user_id), given["gift"])
    check_takes_message(turn.db, pledge)
    appeal = get_appeal(turn.db, pledge.appeal_id)
    return {"gift": pledge.code, "number": appeal.id, "title": appeal.title, "name": sender_name(turn.db, pledge)}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does."""
    donor = get_user(turn.db, turn.person.user_id)
    submit_message(turn.db, donor, draft.given["gift"], draft.answers["words"], draft.id, turn.world.now)
    facts = {"number": draft.given["number"], "gift": draft.given["gift"], "days": DAYS}
    return Answer([Say("flows/donors/message/done", None, facts)])


message = Flow(
    "message",
    room="donors",
    steps=(Step("words", Text(min=2, max=LONGEST, public=True), check=friendly, codes=CODES),),
    done=done,
    admit=admit,
)
