"""感谢 for goods: households write them, officers read them first (看, 通过, 退回 谢意3), and donors read them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from handlers.people.own_things import Act, OwnedKind
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures
from handlers.staff.opened_first import opened_first
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import QueueLine, ReasonedDecision, SubjectActions
from models.goods.exchange import GoodsRequest, NoSuchThing
from models.goods.matches import thanking
from models.goods.matches.match import Match
from models.goods.matches.thanking import SUBJECT
from models.goods.matches.thanks import GoodsThanks
from models.staff.member import Staff


def thank_goods(talk: Talk, number: str) -> Answer:
    """Begin thanks for a match. Raises NoSuchThing, NotHandedOut or ThankedAlready."""
    return talk.start("thank_goods", {"match": int(number)})


def view_thanks(talk: Talk, number: str) -> Answer:
    """Show a donor the thanks for what they gave, with the link to the photos. Raises NoSuchThing."""
    found = thanking.thanks_for_donor(talk.turn.db, int(number))
    if found is None or found[0] != talk.turn.person.user_id:
        raise NoSuchThing(what=SUBJECT, number=int(number))
    thanks = found[1]
    link = talk.world.link("thanks", f"{SUBJECT}:{number}") if thanks.pictures else ""
    ways = {"mine": ["command", "mine"]}
    return with_ways("replies/goods/thanks", {"thanks": thanks, "link": link}, ways)


def _queue_line(db: Session, number: int) -> QueueLine:
    match = db.get_one(Match, db.get_one(GoodsThanks, number).match_id)
    return ["look", f"{SUBJECT}:{number}"], {"item": db.get_one(GoodsRequest, match.request_id).item}


def _show_file(talk: Talk, number: int) -> Answer:
    """Raises NoSuchThing."""
    staff = find_seat(talk)
    if staff is None:
        return view_thanks(talk, str(number))
    file = thanking.open_thanks(talk.turn.db, staff, number, talk.world.now)
    said = ("approve", "send_back") if file.task.mine else ()
    ways = {name: ["command", name, f"{SUBJECT}:{number}"] for name in said}
    return with_ways("replies/goods/thanks_file", {"file": file, **pictures(talk, SUBJECT, number)}, ways)


def _must_read_first(talk: Talk, command: str, number: int) -> Answer | None:
    """Show them instead of deciding, where the officer has not read them or, to approve, not opened the photos.

    Raises as models.goods.matches.thanking.check_decidable does.
    """
    db, staff = talk.turn.db, staff_of(talk)
    thanking.check_decidable(db, staff, number)
    demand = partial(thanking.demand_pictures_opened, db, staff, number) if command == "approve" else None
    return opened_first(partial(_show_file, talk, number), is_read=thanking.is_read(db, staff, number), demand=demand)


def _approve(talk: Talk, number: int) -> Answer:
    thanking.publish(talk.turn.db, staff_of(talk), number, talk.world.now)
    return _decided(number, published=True)


def _send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    dropped = thanking.send_back(talk.turn.db, staff, number, reasons, talk.world.now)
    talk.turn.jobs += [("forget_photo", photo) for photo in dropped]
    return _decided(number, published=False)


def _decided(number: int, *, published: bool) -> Answer:
    return Answer([Say("replies/goods/thanks_decided", None, {"number": number, "published": published})])


def _of_owner(user_id: int) -> Select[*tuple[Any, ...]]:
    asked = select(GoodsThanks.id, GoodsRequest.item.label("title"), GoodsThanks.state)
    joined = asked.join(Match, Match.id == GoodsThanks.match_id)
    return joined.join(GoodsRequest, GoodsRequest.id == Match.request_id).where(GoodsRequest.owner_id == user_id)


def _withdraw(talk: Talk, number: int) -> Answer:
    """Raises NoSuchThing or WrongState."""
    dropped = thanking.withdraw(talk.turn.db, talk.turn.person.user_id, number, talk.world.now)
    talk.turn.jobs += [("forget_photo", photo) for photo in dropped]
    return with_ways("replies/goods/thanks_withdrawn", {}, {"mine": ["command", "mine"]})


def _otherwise(talk: Talk, _word: str, number: int, _words: str) -> Answer | None:
    user_id = talk.turn.person.user_id
    own = _of_owner(user_id).where(GoodsThanks.id == number) if user_id else None
    if own is None or talk.turn.db.execute(own).first() is None:
        raise NoSuchThing(what=SUBJECT, number=number)
    return None


ACTIONS = SubjectActions(
    SUBJECT,
    _show_file,
    queue_line=_queue_line,
    must_read_first=_must_read_first,
    approve=_approve,
    reasoned={"send_back": ReasonedDecision("update_reason", _send_back)},
    check=lambda talk, staff, _command, number: thanking.check_decidable(talk.turn.db, staff, number),
)
OWNED = OwnedKind(SUBJECT, _of_owner, {"withdraw": Act(("submitted",), _withdraw)}, _otherwise, named_by_number=False)
