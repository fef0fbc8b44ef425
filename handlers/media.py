"""Photos, voices, videos, places and links: an answer to the question being asked, or a friendly word."""

from flows.flow import Answer, Say
from handlers import human
from handlers.dispatch import finish
from handlers.talk import Talk


def handle(talk: Talk) -> Answer:
    kept = human.add(talk)
    if kept:
        return kept
    draft = talk.session.draft
    if draft:
        return finish(talk, talk.engine.hear(talk.session, draft, talk.message, talk.world))
    return Answer([Say("replies/media", None, {"kind": str(talk.message.kind)})], outcome="media")
