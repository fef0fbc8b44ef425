"""Handle photos, voices, videos, places and links: as an answer to the current question, as a message of the
person's ticket, to be chosen for (photos), or with a friendly reply."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Draft
from handlers.routing import loose_photos
from handlers.routing.dispatch import finish
from handlers.routing.screen import stand
from handlers.routing.sent_pictures import discard_pictures, keep_picture
from handlers.routing.talk import Talk
from handlers.speech.listen import listen
from handlers.support import call
from models.people.message import MessageKind


def handle(talk: Talk) -> Answer:
    heard = listen(talk)
    if heard:
        return heard
    draft = talk.session.draft
    if draft:
        answer = talk.engine.read_message(talk.session, draft, talk.message, talk.world)
        _keep_picture(talk, draft)
        return finish(talk, answer)
    kept = call.add(talk)
    if kept:
        return kept
    offered = loose_photos.offer(talk)
    if offered:
        return offered
    return stand(talk, [Say("replies/routing/media", None, {"kind": str(talk.message.kind)})], [], "media")


def _keep_picture(talk: Talk, draft: Draft) -> None:
    """Fetch a picture that the question has accepted at once, not only when the draft is finished."""
    picture = {"media_id": talk.message.media_id, "pic_url": talk.message.pic_url}
    if talk.message.kind is MessageKind.IMAGE and picture in _pictures(draft):
        keep_picture(talk, picture)


def discard_pictures_of(talk: Talk, draft: Draft) -> None:
    """Delete the pictures of a draft that the person drops or begins anew."""
    discard_pictures(talk, _pictures(draft))


def _pictures(draft: Draft) -> list[dict[str, str]]:
    lists = [value for value in (*draft.so_far.values(), *draft.answers.values()) if isinstance(value, list)]
    return [each for value in lists for each in value if isinstance(each, dict) and "media_id" in each]
