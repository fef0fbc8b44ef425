"""进展, 感谢, 发布: owners write updates and thanks, anyone reads them, officers publish them or send them back."""

from collections.abc import Sequence

from flows.engine.flow import Answer, Say
from handlers.goods.complaints import ask_for_which_goods
from handlers.public.catalogue import ways_to_give
from handlers.routing.answers import ask_which_appeal, with_ways
from handlers.routing.talk import Talk
from handlers.staff.reasons import recuse_first, with_reasons
from handlers.staff.seat import find_seat
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.appeals.appeal import Appeal, NoSuchAppeal
from models.appeals.correction import own_appeals
from models.giving.pledge import raised
from models.outreach import update_review
from models.outreach.update import kind_of
from models.outreach.update_review import TAKES_UPDATES, NoSuchUpdate, open_update
from models.people.user import User
from models.public.views import find_update
from models.staff.member import Staff


def update(talk: Talk, number: str = "") -> Answer:
    """进展 <号>: let the owner write an update, and show all others the published ones.

    Without a number, ask which of the owner's appeals, unless there is only one.
    """
    db, user_id = talk.turn.db, talk.turn.person.user_id
    user = db.get(User, user_id) if user_id else None
    own = own_appeals(db, user, TAKES_UPDATES) if user else ()
    if not number and len(own) != 1:
        return ask_which_appeal("replies/outreach/which_update", own, "update")
    wanted = int(number) if number else own[0].id
    if wanted in [one.id for one in own]:
        return talk.start("post_update", {"tells": wanted})
    return view_updates(talk, str(wanted))


def thank(talk: Talk, number: str = "") -> Answer:
    """感谢 <号>: let the owner write thanks, and show all others the appeal's updates.

    Without a number, ask which of the owner's appeals that have gifts, unless there is only one.
    """
    db, user_id = talk.turn.db, talk.turn.person.user_id
    user = db.get(User, user_id) if user_id else None
    if number:
        appeal = db.get(Appeal, int(number))
        own = appeal is not None and appeal.owner_id == user_id
        return talk.start("thank", {"thanks_for": int(number)}) if own else view_updates(talk, number)
    if user and (goods := ask_for_which_goods(talk)):
        return goods
    theirs = own_appeals(db, user, TAKES_UPDATES) if user else ()
    sums = raised(db, [one.id for one in theirs])
    given = [one for one in theirs if sums[one.id].gifts]
    if len(given) == 1:
        return talk.start("thank", {"thanks_for": given[0].id})
    return ask_which_appeal("replies/outreach/which_thanks", given, "thank")


def view_updates(talk: Talk, number: str, before: str = "") -> Answer:
    """Show one published update, the newest, or the next older than the number ``before``. Raises NoSuchAppeal."""
    found = find_update(talk.turn.db, int(number), int(before) if before else None)
    if found is None:
        raise NoSuchAppeal(number=int(number))
    ways = {"older": ["command", "view_updates", number, str(found.number)]} if found.older else {}
    ways |= {"appeal": ["command", "view_appeal", number], **ways_to_give(talk, number)}
    if found.number:
        ways["report"] = ["command", "report", f"update:{found.number}"]
    return with_ways("replies/outreach/updates", {"item": found}, ways)


def show_file(talk: Talk, number: int) -> Answer:
    """Show an update to staff, with the decisions they may take. Raises NoSuchUpdate."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchUpdate(number=number)
    file = open_update(talk.turn.db, staff, number, talk.world.now)
    ways = {}
    if file.task.mine:
        ways = {
            "publish": ["command", "publish", str(number)],
            "send_back_update": ["command", "send_back_update", f"update:{number}"],
        }
    ways["appeal"] = ["command", "look", f"appeal:{file.appeal}"]
    link = talk.world.link("pictures", f"appeal:{file.appeal}") if file.pictures else ""
    return with_ways("replies/outreach/update", {"file": file, "link": link}, ways)


def publish(talk: Talk, number: str = "") -> Answer:
    """发布 <号>: start the publication of an update; without a number, explain how."""
    if not number:
        return Answer([Say("replies/outreach/which_to_publish")])
    return recuse_first(talk, f"update:{number}") or talk.start("publish", {"update": int(number)})


def send_back_update(talk: Talk, reference: str, words: str = "") -> Answer:
    """Send an update back to its owner, after asking for the reason."""
    return with_reasons(talk, "send_back_update", reference, words)


def _send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    appeal, dropped = update_review.send_back(talk.turn.db, staff, number, reasons, talk.world.now)
    talk.turn.jobs += [("forget_photo", photo) for photo in dropped]
    values = {"number": number, "kind": kind_of(talk.turn.db, number), "appeal": appeal.id}
    return Answer([Say("replies/outreach/update_sent_back", None, values)])


ACTIONS = SubjectActions(
    "update",
    show_file,
    reasoned={"send_back_update": ReasonedDecision("update_reason", _send_back)},
    check=lambda talk, staff, _command, number: update_review.check_decidable(talk.turn.db, staff, number),
    kind=kind_of,
)
