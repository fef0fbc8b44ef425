"""Let any person, registered or not, turn notifications off and on by numbers (退订)."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from models.appeals.appeal import Appeal, titles_of
from models.notifications.kinds import TOPICS
from models.notifications.mute import muted_topics, unmute
from models.notifications.opt_out import muted_appeals, turn_off

# How many appeals turned off one by one are listed; the next appear when these are turned on again.
MOST_APPEALS = 3
# The topics that can be turned off for one appeal, since it has several notifications of them; others only as a whole.
GOES_ON = ("progress", "gifts", "messages")


def topics(talk: Talk, changed: str = "", number: str = "") -> Answer:
    """List the topics with their states; a number turns one off, or on again.

    ``changed``: the topic that was just changed; ``number``: the appeal for which alone it was; "" for all.
    """
    db, conversation = talk.turn.db, talk.turn.person.conversation_id
    off = muted_topics(db, conversation)
    single, count = muted_appeals(db, conversation, MOST_APPEALS)
    lines = [(n, topic, topic in off) for n, topic in enumerate(TOPICS, 1)]
    titles = titles_of(db, [one.number for one in single])
    more = [(n, one, titles[one.number]) for n, one in enumerate(single, len(TOPICS) + 1)]
    options = [Option(n, "", ["command", "turn_on" if is_off else "turn_off", topic]) for n, topic, is_off in lines]
    options += [Option(n, "", ["command", "turn_on", one.topic, str(one.number)]) for n, one, _ in more]
    values = {
        "lines": lines,
        "appeals": more,
        "left": count - len(more),
        "changed": changed,
        "is_off": changed in off,
        "number": number,
        "labels": labels(talk.world.lexicon, "topic"),
    }
    return Answer([Say("replies/notifications/opt_out", None, values)], options)


def off(talk: Talk, topic: str) -> Answer:
    turn_off(talk.turn.db, talk.turn.person.conversation_id, topic, talk.world.now)
    return topics(talk, topic)


def on(talk: Talk, topic: str, number: str = "") -> Answer:
    """Turn the topic on again, altogether or about this appeal."""
    unmute(talk.turn.db, talk.turn.person.conversation_id, topic, int(number or 0))
    return topics(talk, topic, number)


def mute_appeal(talk: Talk, number: str, topic: str) -> Answer:
    """Turn a topic off for one appeal, as a push offers; altogether where it cannot be turned off for one appeal."""
    appeal = talk.turn.db.get(Appeal, int(number))
    if appeal is None or topic not in GOES_ON:
        return off(talk, topic)
    turn_off(talk.turn.db, talk.turn.person.conversation_id, topic, talk.world.now, appeal.id)
    values = {"number": appeal.id, "title": appeal.title, "topic": topic}
    return with_ways("replies/notifications/muted", values, {"on": ["command", "turn_on", topic, number]})
