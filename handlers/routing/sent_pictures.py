"""Keep the pictures that a person has sent and that nothing shows yet, or delete them."""

from collections.abc import Iterable, Mapping

from handlers.routing.talk import Talk
from models.people.photo import add_draft_photo, discard_draft_photos


def keep_picture(talk: Talk, picture: Mapping[str, str]) -> None:
    """Have the picture fetched at once: WeChat keeps it for three days. Again changes nothing."""
    photo = add_draft_photo(talk.turn.db, talk.turn.person.conversation_id, picture, talk.world.now)
    talk.turn.jobs += [("fetch_photo", photo)] if photo else []


def discard_pictures(talk: Talk, pictures: Iterable[Mapping[str, str]]) -> None:
    photos = discard_draft_photos(talk.turn.db, talk.turn.person.conversation_id, pictures)
    talk.turn.jobs += [("forget_photo", photo) for photo in photos]
