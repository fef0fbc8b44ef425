"""Show one match to its household or its donor: where it is, what comes next, and what they may do."""

from flows.engine.flow import Answer
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.goods.matches.answers import DONOR_MAY_LEAVE, HOUSEHOLD_MAY_LEAVE
from models.goods.matches.views import MatchLine

Ways = dict[str, list[str]]


def page(talk: Talk, line: MatchLine) -> Answer:
    """Show it, with the ways that its state leaves open."""
    ways = household_ways(line.number, line.state, unwanted=line.unwanted, parts=line.parts)
    ways = ways if line.side == "household" else donor_ways(line)
    thing = "request" if line.side == "household" else "offer"
    ways |= {thing: ["command", f"view_{thing}", str(line.thing)], "mine": ["command", "mine"]}
    return with_ways("replies/goods/match", {"line": line}, ways)


def household_ways(number: int, state: str, *, unwanted: bool = False, parts: bool = False) -> Ways:
    """Offer what the household may say to a match in this state."""
    match = str(number)
    if state == "proposed":
        part = {"part": ["command", "want_part", match]} if parts else {}
        return {"want": ["command", "want_goods", match], "no": ["command", "leave_goods", match], **part}
    if state in ("collected", "confirmed"):
        have = {"have": ["command", "have_goods", match]} if state == "collected" else {}
        return {**have, "thank": ["command", "thank_goods", match], "wrong": ["command", "not_got", match]}
    return {"leave": ["command", "leave_goods", match]} if state in HOUSEHOLD_MAY_LEAVE and not unwanted else {}


def donor_ways(line: MatchLine) -> Ways:
    """Offer what the donor may do with their own match."""
    reference, ways = f"match:{line.number}", Ways()
    if line.state == "recipient_ok":
        ways["will_send"] = ["command", "will_send", reference]
    if line.state == "donor_ok":
        ways["sent"] = ["command", "ship_goods", str(line.parcel)]
        ways["labels"] = ["command", "my_parcels", str(line.thing)]
    if line.state == "in_transit":
        ways["waybill"] = ["command", "ship_goods", str(line.parcel)]
    if line.state in DONOR_MAY_LEAVE:
        ways["will_not_send"] = ["command", "will_not_send", reference]
    return ways
