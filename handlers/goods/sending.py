"""我来寄, 寄出, 包裹: a donor says which parcels they send, gets their labels, and says that they are sent."""

from flows.engine.flow import Answer
from flows.engine.session import Option
from flows.goods.send_parcel import sent_answer
from handlers.routing.answers import ask_which, one_page, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import parse_reference
from models.goods.matches import answers
from models.goods.matches.locks import Held
from models.goods.matches.record import record_of_donor
from models.goods.matches.sending import NoSuchParcel, read_parcel, send_parcels
from models.goods.matches.views import find_line, own_lines, waiting_of
from models.people.user import User, get_user

# Of so many parcels that wait to be sent, a list is offered.
_MOST = 9


def will_send(talk: Talk, reference: str) -> Answer:
    """Say yes to one match, or to the one of an offer that waits; of several, list them. Raises MatchMoved."""
    subject, number = parse_reference(reference)
    if subject == "match":
        return _agreed(talk, [answers.will_send(talk.turn.db, _donor(talk).id, number, talk.world.now)])
    waiting = waiting_of(talk.turn.db, _donor(talk).id, number)
    return will_send(talk, f"match:{waiting[0]}") if len(waiting) == 1 else to_answer(talk, str(number))


def will_send_all(talk: Talk, offer: str) -> Answer:
    """Say yes to all that waits of one offer. Only a numbered line leads here. Raises NoSuchThing."""
    helds = answers.will_send_all(talk.turn.db, _donor(talk).id, int(offer), talk.world.now)
    return _agreed(talk, helds) if helds else my_parcels(talk, offer)


def will_not_send(talk: Talk, reference: str, sure: str = "") -> Answer:
    """Say no to a match; of several of an offer, list them; take a yes back once the donor is sure.

    Raises NoSuchThing or MatchMoved.
    """
    subject, number = parse_reference(reference)
    user, db = _donor(talk), talk.turn.db
    if subject == "offer":
        waiting = waiting_of(db, user.id, number)
        return will_not_send(talk, f"match:{waiting[0]}") if len(waiting) == 1 else to_answer(talk, str(number))
    line = find_line(db, user.id, number)
    if line.state == "donor_ok" and not sure:
        ways = {
            "leave": ["command", "will_not_send", reference, "sure"],
            "keep": ["command", "view_match", str(number)],
        }
        return with_ways("replies/goods/leave_it", {"line": line}, ways)
    held = answers.will_not_send(db, user.id, number, talk.world.now, talk.world.lexicon.goods)
    values = {"line": line, "expired": held.offer.state == "expired"}
    return with_ways("replies/goods/not_sent", values, {"parcels": ["command", "my_parcels"]})


def to_answer(talk: Talk, offer: str, after: str = "") -> Answer:
    """List what waits for the donor's yes of one offer, with one line that says yes to all. Only numbers lead here."""
    user, db = _donor(talk), talk.turn.db
    states = ("recipient_ok",)
    found = own_lines(db, user.id, "donor", thing=int(offer), states=states, after=int(after) if after else None)
    count = len(waiting_of(db, user.id, int(offer)))
    if not count:
        return my_parcels(talk, offer)
    options = [Option(1, "", ["command", "will_send_all", offer])]
    lines = list(enumerate(found.items, 2))
    options += [Option(n, "", ["command", "view_match", str(line.number)]) for n, line in lines]
    turn = ["to_answer", offer, str(found.after)] if found.after else None
    values = {"lines": lines, "count": count, "item": found.items[0].item if found.items else ""}
    return one_page(talk, "replies/goods/to_answer", values, options, turn)


def my_parcels(talk: Talk, offer: str = "", after: str = "") -> Answer:
    """包裹: list the donor's parcels, of one offer or of all, with the link to their labels. Raises NotRegistered."""
    user, db = _donor(talk), talk.turn.db
    thing = int(offer) if offer else None
    found = own_lines(db, user.id, "donor", thing=thing, after=int(after) if after else None)
    lines = list(enumerate(found.items, 1))
    options = [Option(n, "", ["command", "view_match", str(line.number)]) for n, line in lines]
    turn = ["my_parcels", offer, str(found.after)] if found.after else None
    to_send = own_lines(db, user.id, "donor", thing=thing, states=("donor_ok", "in_transit"), most=1).items
    own = record_of_donor(db, user.id, talk.world.now)
    values = {"lines": lines, "link": _link(talk, user, thing) if to_send else "", "offer": thing, "own": own}
    return one_page(talk, "replies/goods/parcels", values, options, turn)


def ship(talk: Talk, code: str = "", rest: str = "") -> Answer:
    """寄出 <码> [单号]: note that parcels are sent. Without a code ask which; without a waybill ask for it.

    Raises NoSuchParcel, TwoPoints, BadWaybill, WaybillUsed or MatchMoved.
    """
    _donor(talk)
    codes, waybill = _read(" ".join((code, rest)).split())
    if not codes:
        return _ask_which_parcel(talk, waybill)
    if not waybill:
        return talk.start("send_parcel", {"codes": codes})
    said = "" if talk.world.lexicon.means("no_waybill", waybill) else waybill
    rules, now = talk.world.lexicon.goods, talk.world.now
    return sent_answer(send_parcels(talk.turn.db, talk.turn.person.user_id, codes, said, rules.carriers, now))


def _read(said: list[str]) -> tuple[list[str], str]:
    """Split what was written into the parcels' codes in front and the waybill behind them."""
    codes: list[str] = []
    while said and (code := read_parcel(said[0])):
        codes.append(code)
        said = said[1:]
    return codes, " ".join(said)


def _ask_which_parcel(talk: Talk, waybill: str) -> Answer:
    """Ask which parcel was sent. ``waybill``: what was written without a code. Raises NoSuchParcel where none waits."""
    user = _donor(talk)
    waiting = own_lines(talk.turn.db, user.id, "donor", states=("donor_ok",), most=_MOST)
    if not waiting.items:
        if waybill:
            raise NoSuchParcel(given=waybill[:24])
        return my_parcels(talk)
    again = [waybill] if waybill else []
    return ask_which(
        "replies/goods/which_parcel",
        waiting.items,
        lambda line: ["ship_goods", str(line.parcel), *again],
        waybill=waybill,
        more=waiting.after is not None,
    )


def _agreed(talk: Talk, helds: list[Held]) -> Answer:
    """Say where to send it and by when, with the link to the labels."""
    first = helds[0]
    lines = [find_line(talk.turn.db, first.match.donor_id, first.match.id)]
    values = {
        "line": lines[0],
        "count": len(helds),
        "quantity": sum(held.match.quantity for held in helds),
        "places": len({held.match.point_id for held in helds}),
        "link": _link(talk, _donor(talk), first.offer.id),
    }
    if len(helds) > 1:
        ways = {"parcels": ["command", "my_parcels", str(first.offer.id)]}
    else:
        ways = {"sent": ["command", "ship_goods", first.match.parcel]}
        ways["will_not_send"] = ["command", "will_not_send", f"match:{first.match.id}"]
    return with_ways("replies/goods/will_send", values, ways)


def _link(talk: Talk, user: User, offer: int | None) -> str:
    return talk.world.link("parcel", f"offer:{offer}" if offer else f"user:{user.id}")


def _donor(talk: Talk) -> User:
    return get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["my_parcels"][0])
