"""改: take up one's own request, offer or listing; its earlier answers are kept, and it is reviewed again.

The draft's ``given`` has ``mends``, the thing's number, and ``round``, its round when the mending began.
"""

from typing import Any

from flows.engine.turn import TurnContext
from models.goods.ending import begin_mending
from models.people.photo import attach_photos, replace_photos


def with_round(turn: TurnContext, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Add the round of what is mended. Raises NoSuchThing or WrongState."""
    if "mends" not in given:
        return given
    return {**given, "round": begin_mending(turn.db, turn.person.user_id, name, given["mends"]).round}


def keep_photos(turn: TurnContext, name: str, number: int, pictures: list[dict[str, str]], *, mended: bool) -> None:
    """Attach the photos of a finished draft, in the place of the earlier ones where it was mended."""
    conversation, now = turn.person.conversation_id, turn.world.now
    if mended:
        owed, dropped = replace_photos(turn.db, name, number, conversation, pictures, now)
        turn.jobs += [("forget_photo", photo) for photo in dropped]
    else:
        owed = attach_photos(turn.db, name, number, conversation, pictures, now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
