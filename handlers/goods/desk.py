"""看, 通过, 退回, 驳回, 下架: officers review a request, an offer or a listing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from handlers.public import catalogue
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures
from handlers.staff.opened_first import opened_first
from handlers.staff.reasons import with_reasons
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import QueueLine, ReasonedDecision, SubjectActions
from models.goods import review
from models.goods.file import GoodsFile, find_readable, is_read, open_file
from models.goods.review import REVIEWED, NeedsReason
from models.staff.member import Staff

# The page that everybody else sees.
_PAGES: dict[str, Callable[..., Answer]] = {
    "request": catalogue.request,
    "offer": catalogue.offer,
    "listing": catalogue.listing,
}
# In these states an offer can have had no round.
_BEFORE_ROUNDS = ("submitted", "screened", "returned", "rejected")
_DECISIONS = ("approve", "send_back", "reject")


def take_down(talk: Talk, reference: str, words: str = "") -> Answer:
    """Take down a public request, offer or listing, with a reason. Only a numbered line leads here."""
    return with_reasons(talk, "take_down", reference, words)


def approve_shop(talk: Talk, reference: str, words: str = "") -> Answer:
    """Approve, with a reason, a listing whose shop is not on the list. Only a numbered line runs it."""
    return with_reasons(talk, "approve_shop", reference, words)


@dataclass(frozen=True, slots=True)
class More:
    """What one kind's desk has beyond the others'. ``facts`` adds values to its file, and numbered ways.

    ``reasoned``: decisions with reasons of its own, by their commands; ``checks``: what raises as those would.
    """

    facts: Callable[[Talk, Staff, GoodsFile], tuple[dict[str, Any], dict[str, list[str]]]]
    reasoned: Mapping[str, ReasonedDecision]
    checks: Mapping[str, Callable[[Talk, Staff, int], object]]


_NO_MORE = More(lambda _talk, _staff, _file: ({}, {}), {}, {})


def desk_actions(subject: str, more: More = _NO_MORE) -> SubjectActions:
    """Make what the staff's commands do to this kind of thing (models.goods.review.KINDS)."""
    reasoned = {
        "send_back": ReasonedDecision("goods_return_reason", partial(_return_or_reject, subject, "return")),
        "reject": ReasonedDecision("goods_reject_reason", partial(_return_or_reject, subject, "reject")),
        "take_down": ReasonedDecision("goods_reject_reason", partial(_take_down, subject)),
    }
    if subject == "listing":
        reasoned["approve_shop"] = ReasonedDecision("shop_reason", _approve_with_reasons)
    show = partial(_show_file, subject, more)
    return SubjectActions(
        subject,
        show,
        queue_line=partial(_queue_line, subject),
        must_read_first=partial(_must_read_first, subject, show),
        approve=partial(_approve, subject),
        reasoned={**reasoned, **more.reasoned},
        check=partial(_check, subject, more),
    )


def _show_file(subject: str, more: More, talk: Talk, number: int) -> Answer:
    """Show the file to an officer of the place, to others the public page. Raises NoSuchThing."""
    staff, db = find_seat(talk), talk.turn.db
    if staff is None or find_readable(db, staff, subject, number) is None:
        return _PAGES[subject](talk, str(number))
    file = open_file(db, staff, subject, number, talk.world.lexicon.goods, talk.world.now)
    reference = f"{subject}:{number}"
    ways = {name: ["command", name, reference] for name in (_DECISIONS if file.task.mine else ())}
    if subject == "offer" and file.state not in _BEFORE_ROUNDS:
        ways["rounds"] = ["command", "view_rounds", str(number)]
    if file.removable:
        ways["take_down"] = ["command", "take_down", reference]
    facts, others = more.facts(talk, staff, file)
    ways |= others
    named = labels(talk.world.lexicon, "goods_category", "produce_kind", "unit", "condition", "handover")
    values = {"file": file, "labels": named, **facts, **pictures(talk, subject, number)}
    return with_ways("replies/goods/file", values, ways)


def _queue_line(subject: str, db: Session, number: int) -> QueueLine:
    thing = db.get_one(REVIEWED[subject].subject.table, number)
    return ["look", f"{subject}:{number}"], {"item": thing.title}


def _must_read_first(
    subject: str, show_file: Callable[..., Answer], talk: Talk, command: str, number: int
) -> Answer | None:
    """Show the file instead of deciding, where the officer has not read it or, to approve, has not opened its photos.

    Raises as models.goods.review.check_decidable does.
    """
    db, staff = talk.turn.db, staff_of(talk)
    review.check_decidable(db, staff, subject, number)
    show = partial(show_file, talk, number)
    demand = partial(review.demand_pictures_opened, db, staff, subject, number) if command == "approve" else None
    return opened_first(show, is_read=is_read(db, staff, subject, number), demand=demand)


def _approve(subject: str, talk: Talk, number: int) -> Answer:
    try:
        thing = _approve_now(subject, talk, number)
    except NeedsReason:
        return approve_shop(talk, f"{subject}:{number}")
    return _decided(subject, thing)


def _approve_with_reasons(talk: Talk, _staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided("listing", _approve_now("listing", talk, number, reasons))


def _approve_now(subject: str, talk: Talk, number: int, reasons: Sequence[str] = ()) -> Any:
    rules, now = talk.world.lexicon.goods, talk.world.now
    return review.approve(talk.turn.db, staff_of(talk), subject, number, rules, now, reasons)


def _return_or_reject(
    subject: str, verdict: str, talk: Talk, staff: Staff, number: int, reasons: Sequence[str]
) -> Answer:
    thing = review.return_or_reject(talk.turn.db, staff, subject, number, verdict, reasons, talk.world.now)
    return _decided(subject, thing)


def _take_down(subject: str, talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    thing = review.take_down(talk.turn.db, staff, subject, number, reasons, talk.world.now)
    return _decided(subject, thing, taken_down=True)


def _check(subject: str, more: More, talk: Talk, staff: Staff, command: str, number: int) -> object:
    if command in more.checks:
        return more.checks[command](talk, staff, number)
    if command == "take_down":
        return review.check_may_take_down(talk.turn.db, staff, subject, number)
    return review.check_decidable(talk.turn.db, staff, subject, number)


def _decided(subject: str, thing: Any, *, taken_down: bool = False) -> Answer:
    values = {"subject": subject, "number": thing.id, "name": thing.title, "state": thing.state}
    return Answer([Say("replies/goods/decided", None, {**values, "taken_down": taken_down})])
