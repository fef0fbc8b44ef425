"""代办: an officer answers for a resident without a phone, by the resident's live mandate for goods.

They say whether the resident wants what is proposed, what is wrong with what was handed out, and the thanks for it.
"""

from flows.engine.flow import Answer
from flows.goods.part import part_flow
from flows.proxy.common import lock_mandate
from handlers.goods.complaints import ask_what
from handlers.proxy.residents import ask_which_resident
from handlers.routing.answers import ask_which, with_ways
from handlers.routing.talk import Talk
from models.goods.matches.answers import check_part, hold_own_match
from models.goods.matches.by_mandate import complain_for, leave_for, want_for
from models.goods.matches.issues import check_complaint
from models.goods.matches.match import GOT
from models.goods.matches.views import find_line, own_lines, proposals_of
from models.people.user import User
from models.proxy.mandate import GOODS


def choose_resident(talk: Talk) -> Answer:
    """Offer the residents with a live mandate for goods, or a new mandate. Raises NotYours."""

    def proposals_of_resident(user: User) -> tuple[int]:
        return (len(proposals_of(talk.turn.db, user.id)),)

    commands = ("proxy_goods_of", "proxy_goods_mandate")
    return ask_which_resident(talk, GOODS, "replies/goods/proxy_people", *commands, proposals_of_resident)


def new_mandate(talk: Talk) -> Answer:
    """Record a resident's consent that the officer answers for them. Raises NotYours."""
    return talk.start("proxy_mandate", {"scope": GOODS})


def proposals(talk: Talk, mandate: str) -> Answer:
    """List what is proposed to the resident, and what was handed out lately. Raises NotYours or NoMandate."""
    _, held, user = lock_mandate(talk.turn, int(mandate), GOODS)
    listed = [own_lines(talk.turn.db, user.id, "household", states=states).items for states in (("proposed",), GOT)]
    found = [line for lines in listed for line in lines]
    values = {"name": user.masked_name}
    return ask_which(
        "replies/goods/proxy_proposals",
        found,
        lambda line: ["proxy_got" if line.state in GOT else "proxy_proposal", str(held.id), str(line.number)],
        **values,
    )


def proposal(talk: Talk, mandate: str, number: str) -> Answer:
    """Show one proposal with the resident's answers. Raises NotYours, NoMandate or NoSuchThing."""
    _, held, user = lock_mandate(talk.turn, int(mandate), GOODS)
    line = find_line(talk.turn.db, user.id, int(number))
    if line.state != "proposed":
        return proposals(talk, mandate)
    with_both = [str(held.id), str(line.number)]
    ways = {"want": ["command", "proxy_want", *with_both], "no": ["command", "proxy_leave", *with_both]}
    if line.parts:
        ways["part"] = ["command", "proxy_part", *with_both]
    return with_ways("replies/goods/proxy_proposal", {"line": line, "name": user.masked_name}, ways)


def want(talk: Talk, mandate: str, number: str) -> Answer:
    """Say yes for the resident. Raises NotYours, NoMandate, NoSuchThing or MatchMoved."""
    staff, held, user = lock_mandate(talk.turn, int(mandate), GOODS)
    match = want_for(talk.turn.db, staff, held, int(number), None, talk.world.now)
    return _said(mandate, user, wanted=True, offered=match.offer.item)


def want_part(talk: Talk, mandate: str, number: str) -> Answer:
    """Ask how much of it the resident wants. Raises as ``want`` does, or CannotPart."""
    _, held, user = lock_mandate(talk.turn, int(mandate), GOODS)
    match = check_part(talk.turn.db, user.id, int(number))
    return talk.start(part_flow(match.offer.unit), {"match": match.match.id, "mandate": held.id})


def leave(talk: Talk, mandate: str, number: str) -> Answer:
    """Say no for the resident. Raises as ``want`` does."""
    staff, held, user = lock_mandate(talk.turn, int(mandate), GOODS)
    match = leave_for(talk.turn.db, staff, held, int(number), talk.world.now)
    return _said(mandate, user, wanted=False, offered=match.offer.item)


def got(talk: Talk, mandate: str, number: str) -> Answer:
    """Show what was handed out, with what may be said of it. Raises NotYours, NoMandate or NoSuchThing."""
    _, held, user = lock_mandate(talk.turn, int(mandate), GOODS)
    line = find_line(talk.turn.db, user.id, int(number))
    if line.state not in GOT:
        return proposals(talk, mandate)
    with_both = [str(held.id), str(line.number)]
    ways = {"wrong": ["command", "proxy_wrong", *with_both], "thank": ["command", "proxy_thank", *with_both]}
    return with_ways("replies/goods/proxy_got", {"line": line, "name": user.masked_name}, ways)


def wrong(talk: Talk, mandate: str, number: str) -> Answer:
    """Ask what is wrong with what was handed out to the resident.

    Raises NotYours, NoMandate, NoSuchThing, NotHandedOut, ComplaintTooLate or SaidBefore.
    """
    _, held, user = lock_mandate(talk.turn, int(mandate), GOODS)
    match = hold_own_match(talk.turn.db, user.id, int(number), "household")
    check_complaint(talk.turn.db, match.match, talk.world.now)
    both = [str(held.id), number]
    return ask_what(talk, user.id, int(number), ["proxy_say_wrong", *both], ["proxy_got", *both])


def say_wrong(talk: Talk, mandate: str, number: str, what: str) -> Answer:
    """Record it for the resident, for the township to look into. Raises as ``wrong`` does."""
    staff, held, user = lock_mandate(talk.turn, int(mandate), GOODS)
    complain_for(talk.turn.db, staff, held, int(number), what, talk.world.now)
    line = find_line(talk.turn.db, user.id, int(number))
    more = {"more": ["command", "proxy_goods_of", mandate]}
    return with_ways("replies/goods/proxy_said_wrong", {"line": line, "name": user.masked_name}, more)


def thank(talk: Talk, mandate: str, number: str) -> Answer:
    """Begin thanks for the resident. Raises NotYours, NoMandate, NoSuchThing, NotHandedOut or ThankedAlready."""
    return talk.start("thank_goods", {"match": int(number), "mandate": int(mandate)})


def _said(mandate: str, user: User, *, wanted: bool, offered: str) -> Answer:
    values = {"name": user.masked_name, "wanted": wanted, "offered": offered}
    return with_ways("replies/goods/proxy_said", values, {"more": ["command", "proxy_goods_of", mandate]})
