"""Photos, voices, videos, places and links: an answer to the question being asked, or a friendly word."""

from flows.flow import Answer, Say
from flows.session import Draft
from handlers import human
from handlers.dispatch import finish
from handlers.talk import Talk
from models.message import Kind
from models.photo import receive


def handle(talk: Talk) -> Answer:
    kept = human.add(talk)
    if kept:
        return kept
    draft = talk.session.draft
    if draft:
        answer = talk.engine.hear(talk.session, draft, talk.message, talk.world)
        _keep_picture(talk, draft)
        return finish(talk, answer)
    return Answer([Say("replies/media", None, {"kind": str(talk.message.kind)})], outcome="media")


def _keep_picture(talk: Talk, draft: Draft) -> None:
    """The picture that the question has taken is fetched now, and not when the draft is finished."""
    picture = {"media_id": talk.message.media_id, "pic_url": talk.message.pic_url}
    taken = [value for value in (*draft.so_far.values(), *draft.answers.values()) if isinstance(value, list)]
    if talk.message.kind is Kind.IMAGE and any(picture in value for value in taken):
        photo = receive(talk.desk.db, talk.desk.person.conversation_id, picture, talk.world.now)
        talk.desk.jobs += [("fetch_photo", photo)] if photo else []
