"""到点, 领走: a keeper takes parcels in and hands out what lies at the point."""

from flows.engine.flow import Answer, Say
from handlers.goods import points
from handlers.routing.answers import ask_which, labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.core.refusal import Refusal
from models.goods.matches.holding import CODE_DIGITS
from models.goods.matches.locks import lock_matches
from models.goods.points.arrival import Parcel, demand_point, find_parcel, take_in, view_parcel
from models.goods.points.board import waiting_at
from models.goods.points.handing_out import MOST_TRIES, find_by_digits, wrong_digits_today

_MOST_AT_ONCE = 8


def parcel_here(talk: Talk, codes: str = "") -> Answer:
    """到点 <包裹码>: show what should be in each parcel, and ask if it is; without a code list what is coming.

    Raises NoPointKept; with one code, as models.goods.points.arrival.find_parcel.
    """
    db, keeper = talk.turn.db, staff_of(talk)
    wanted = list(dict.fromkeys(codes.upper().split()))[:_MOST_AT_ONCE]
    point = demand_point(db, keeper)
    if not wanted:
        if waiting_at(db, point.id).coming:
            return points.point_list(talk, str(point.id), "coming")
        return Answer([Say("replies/goods/nothing_coming", None, {"name": point.name})])
    if len(wanted) == 1:
        return _ask(talk, [find_parcel(db, keeper, wanted[0])], [])
    found, wrong = [], []
    for code in wanted:
        try:
            found.append(find_parcel(db, keeper, code))
        except Refusal:
            wrong.append(code)
    return _ask(talk, found, wrong)


def take_all(talk: Talk, numbers: str) -> Answer:
    """Take in parcels of which all came. Only a numbered line leads here. Raises as take_in."""
    db, keeper, now = talk.turn.db, staff_of(talk), talk.world.now
    wanted = [int(each) for each in numbers.split(",")]
    lock_matches(db, wanted)
    # All are checked before any is taken in.
    parcels = [view_parcel(db, keeper, number) for number in wanted]
    taken = [(parcel, take_in(db, keeper, parcel.match, {"came": parcel.quantity}, None, now)) for parcel in parcels]
    lines = [(parcel, held.match.state) for parcel, held in taken]
    named = labels(talk.world.lexicon, "unit")
    return Answer([Say("replies/goods/taken_in", None, {"lines": lines, "labels": named})])


def one_by_one(talk: Talk, numbers: str) -> Answer:
    """Ask which parcel is amiss. Only a numbered line leads here."""
    parcels = [view_parcel(talk.turn.db, staff_of(talk), int(each)) for each in numbers.split(",")]
    named = labels(talk.world.lexicon, "unit")
    return ask_which("replies/goods/which_amiss", parcels, lambda one: ["parcel_here", one.code], labels=named)


def take_amiss(talk: Talk, number: str) -> Answer:
    """Start the conversation in which a keeper records what came of a parcel. Only a numbered line leads here."""
    return talk.start("receive_parcel", {"match": int(number)})


def hand_out(talk: Talk, digits: str = "") -> Answer:
    """领走 <六位数>: find what lies under the digits, and ask for its photo; an officer picks it from the list.

    Wrong digits are counted, so they are no refusal, which would roll the count back. Raises NoPointKept,
    TooManyWrongDigits, or as models.goods.points.handing_out.check_may_hand_out.
    """
    db, staff, now = talk.turn.db, staff_of(talk), talk.world.now
    if staff.role != "keeper":
        return points.points(talk)
    demand_point(db, staff)
    if len(digits) != CODE_DIGITS or not digits.isdigit():
        return Answer([Say("replies/goods/which_digits", None, {"said": bool(digits)})])
    # This try is in the trail once the turn commits.
    left = MOST_TRIES - wrong_digits_today(db, staff, now) - 1
    lying = find_by_digits(db, staff, digits, now)
    if lying is None:
        return Answer([Say("replies/goods/wrong_digits", None, {"left": left})], outcome="wrong_digits")
    given = {"match": lying.match, "mark": lying.mark, "item": lying.item}
    return talk.start("hand_out_goods", {**given, "quantity": lying.quantity, "unit": lying.unit})


def _ask(talk: Talk, found: list[Parcel], wrong: list[str]) -> Answer:
    """Show the parcels, with the ways to say that all came or not."""
    numbers = ",".join(str(parcel.match) for parcel in found)
    ways: dict[str, list[str]] = {}
    if found:
        ways["all"] = ["command", "take_all", numbers]
    if len(found) > 1:
        ways["each"] = ["command", "one_by_one", numbers]
    elif found and not found[0].lies:
        ways["amiss"] = ["command", "take_amiss", numbers]
    values = {"parcels": found, "wrong": wrong, "labels": labels(talk.world.lexicon, "unit")}
    return with_ways("replies/goods/arrival", values, ways)
