"""Keep photos that no question asked for, and offer them, as numbers, to what could use them.

Several in a row gather in one offer. They are kept like a draft's, until a number is chosen or two days have passed.
"""

from collections.abc import Iterator
from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.photo_steps import add_photos, photo_step
from flows.engine.session import Option
from handlers.routing.sent_pictures import discard_pictures, keep_picture
from handlers.routing.talk import Talk
from models.appeals.correction import own_appeals
from models.disbursements.file import awaiting_pictures
from models.outreach.update_review import TAKES_UPDATES
from models.people.message import MessageKind
from models.people.user import User

MOST_PHOTOS = 9
# Uses of one kind that are offered, and uses at all: the last number deletes the photos.
MOST_OF_A_KIND, MOST_USES = 2, 8
# What can be begun with photos, by the person's role: (the line's name, its command, its flow).
_NEW = {
    "resident": (
        ("appeal", "start_one_to_one", "start_appeal"),
        ("listing", "start_listing", "list_produce"),
        ("offer", "start_offer", "offer_goods"),
    ),
    "donor": (("offer", "start_offer", "offer_goods"),),
}
# A line of the offer: what its template needs, and the arguments of ``use``.
_Use = tuple[dict[str, Any], list[str]]


def offer(talk: Talk) -> Answer | None:
    """Keep a photo and offer all that wait; None for any other message, or where nothing could use it."""
    if talk.message.kind is not MessageKind.IMAGE or not talk.message.media_id:
        return None
    uses = list(_uses(talk))[:MOST_USES]
    if not uses:
        return None
    _keep(talk)
    lines = [*(line for line, _ in uses), {"name": "drop"}]
    does = [*(["command", "use_photos", *arguments] for _, arguments in uses), ["command", "drop_photos"]]
    values = {"count": len(talk.session.loose), "most": MOST_PHOTOS, "lines": list(enumerate(lines, 1))}
    options = [Option(number, "", do) for number, do in enumerate(does, 1)]
    return Answer([Say("replies/routing/photos", None, values)], options, outcome="offered_photos")


def use(talk: Talk, what: str, *arguments: str) -> Answer:
    """Give the waiting photos to a draft, or to one that a command begins. Only a numbered line leads here.

    Raises what the command does.
    """
    session = talk.session
    if what == "draft":
        answer = talk.engine.resume(session, talk.world, arguments[0])
    else:
        answer = talk.commands.table[what].run(talk, *arguments)
    draft = session.draft
    step = photo_step(talk.engine.flows[draft.flow], draft) if draft else None
    if draft is None or step is None or not session.loose:
        return answer
    pictures, session.loose = session.loose, []
    left = add_photos(draft, step, pictures)
    discard_pictures(talk, left)
    values = {"count": len(pictures) - len(left), "left": len(left), "flow": draft.flow, "given": draft.given}
    answer = talk.engine.ask(session, draft, talk.world)
    answer.says.insert(0, Say("replies/routing/photos_used", None, values))
    return answer


def drop(talk: Talk) -> Answer:
    """Delete the waiting photos. Only a numbered line leads here."""
    discard_pictures(talk, talk.session.loose)
    talk.session.loose = []
    return Answer([Say("replies/routing/photos_dropped")])


def _uses(talk: Talk) -> Iterator[_Use]:
    """Yield what could use a photo: drafts, payments that wait for pictures, updates, and what can be begun."""
    flows, drafts, db = talk.engine.flows, talk.session.drafts, talk.turn.db
    for draft in drafts:
        if photo_step(flows[draft.flow], draft):
            yield {"name": "draft", "flow": draft.flow, "given": draft.given}, ["draft", draft.id]
    user = db.get(User, talk.turn.person.user_id) if talk.turn.person.user_id else None
    if user is None:
        return
    begun = {(draft.flow, draft.given.get("use") or draft.given.get("tells")) for draft in drafts}
    for payment in awaiting_pictures(db, user)[:MOST_OF_A_KIND]:
        if ("disbursement_evidence", payment.id) not in begun:
            yield {"name": "evidence", "payment": payment}, ["evidence", str(payment.id)]
    for appeal in own_appeals(db, user, TAKES_UPDATES)[:MOST_OF_A_KIND]:
        if ("post_update", appeal.id) not in begun:
            yield {"name": "update", "appeal": appeal}, ["update", str(appeal.id)]
    for name, command, flow in _NEW.get(user.role or "", ()):
        if flow not in {draft.flow for draft in drafts}:
            yield {"name": name}, [command]


def _keep(talk: Talk) -> None:
    session = talk.session
    picture = {"media_id": talk.message.media_id, "pic_url": talk.message.pic_url}
    session.loose_at = int(talk.world.now.timestamp())
    if picture in session.loose or len(session.loose) >= MOST_PHOTOS:
        return
    session.loose.append(picture)
    keep_picture(talk, picture)
