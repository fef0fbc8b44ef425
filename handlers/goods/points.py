"""取货点: officers and keepers see handover points and what waits there; officers close them and carry on what lies."""

from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.answers import labels, one_page, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.goods.points.arrival import NoPointKept
from models.goods.points.board import (
    LISTS,
    find_visible,
    list_parcels,
    list_points,
    list_shelves,
    open_parcel,
    waiting_at,
)
from models.goods.points.closing import carry, close_point
from models.goods.points.collection_card import print_card
from models.goods.points.keeping import decline, kept_point, offered_point
from models.goods.points.opening import lock_own_point
from models.goods.points.point import Point
from models.places.region import Region
from models.staff.member import Staff

PAGE = 5
_MOST_SHELVES = 5


def points(talk: Talk, number: str = "", after: str = "") -> Answer:
    """Show a point; without a number a keeper's own, or the list of an officer's place. Raises NoSuchThing."""
    db, staff = talk.turn.db, staff_of(talk)
    if staff.role == "keeper":
        return _own(talk, staff)
    if number and not after:
        return show(talk, find_visible(db, staff, int(number)))
    found = list_points(db, staff, int(after or 0), PAGE + 1)
    shown = list(enumerate(found[:PAGE], 1))
    lines = [(n, point, waiting_at(db, point.id)) for n, point in shown]
    options = [Option(n, "", ["command", "points", str(point.id)]) for n, point in shown]
    turn = ["points", "0", str(shown[-1][1].id)] if len(found) > PAGE else None
    if not turn and not after and len(shown) == 1:
        return show(talk, shown[0][1])
    return one_page(talk, "replies/goods/points", {"lines": lines}, options, turn)


def show(talk: Talk, point: Point) -> Answer:
    """Show an officer or its keeper a point: what it is, what waits there, and what can be done about it."""
    db, staff = talk.turn.db, staff_of(talk)
    waiting, keeps, number = waiting_at(db, point.id), staff.id == point.keeper_id, str(point.id)
    ways = {}
    if waiting.coming:
        ways["coming"] = ["command", "point_list", number, "coming"]
    if waiting.lying:
        ways["lying"] = ["command", "point_list", number, "lying"]
    if not keeps:
        if point.state == "closed" and (waiting.lying or waiting.shelves):
            for other in _open_beside(talk, staff, point):
                ways[f"carry:{other.name}"] = ["command", "carry_goods", number, str(other.id)]
        ways["change"] = ["command", "change_point", number]
    if not keeps and point.state != "closed":
        ways["close"] = ["command", "ask_close_point", number]
    keeper = db.get_one(Staff, point.keeper_id)
    values = {
        "point": point,
        "keeps": keeps,
        "region": db.get_one(Region, point.region_code).full_name,
        "keeper": keeper.work_no,
        "waiting": waiting,
        "shelves": list_shelves(db, point.id, _MOST_SHELVES),
        "labels": labels(talk.world.lexicon, "unit", "point_place"),
        "link": "" if keeps else talk.world.link("point", f"point:{point.id}"),
    }
    return with_ways("replies/goods/point", values, ways)


def point_list(talk: Talk, number: str, which: str, after: str = "") -> Answer:
    """List what comes to a point, or lies there. Only a numbered line leads here. Raises NoSuchThing.

    A keeper's numbers take in what comes; what lies is handed out by its digits alone. An officer's open the parcel.
    """
    db, staff = talk.turn.db, staff_of(talk)
    point = find_visible(db, staff, int(number))
    found = list_parcels(db, point.id, LISTS[which], int(after or 0), PAGE + 1)
    shown = list(enumerate(found[:PAGE], 1))
    options = []
    for n, line in shown:
        if staff.role != "keeper":
            options.append(Option(n, "", ["command", "view_parcel", str(line.match)]))
        elif which == "coming":
            options.append(Option(n, "", ["command", "parcel_here", line.parcel]))
    turn = ["point_list", number, which, str(shown[-1][1].match)] if len(found) > PAGE else None
    values = {
        "lines": shown,
        "which": which,
        "name": point.name,
        "keeps": staff.role == "keeper",
        "numbered": bool(options),
        "labels": labels(talk.world.lexicon, "unit"),
    }
    return one_page(talk, "replies/goods/point_list", values, options, turn)


def view_parcel(talk: Talk, number: str) -> Answer:
    """Show an officer a parcel at a point of their place. Only a numbered line leads here. Raises NoSuchThing."""
    db, now = talk.turn.db, talk.world.now
    file = open_parcel(db, staff_of(talk), int(number), talk.world.lexicon.goods.many_collections, now)
    ways = {}
    if file.card:
        ways["card"] = ["command", "print_collection_card", number]
    if file.word:
        ways["word"] = ["command", "give_word", number]
    ways["point"] = ["command", "points", str(file.point)]
    values: dict[str, Any] = {"file": file, "labels": labels(talk.world.lexicon, "unit", "received_reason")}
    values["link"] = talk.world.link("pictures", f"match:{number}") if file.proof and file.mine else ""
    return with_ways("replies/goods/parcel", values, ways)


def print_collection_card(talk: Talk, number: str) -> Answer:
    """Link to the card to print. Only a numbered line leads here. Raises as print_card."""
    card = print_card(talk.turn.db, staff_of(talk), int(number), talk.world.now)
    link = talk.world.link("collection_card", f"card:{card.id}")
    return Answer([Say("replies/goods/collection_card", None, {"link": link})])


def give_word(talk: Talk, number: str) -> Answer:
    """Begin to hand out by the officer's word. Only a numbered line leads here."""
    return talk.start("hand_out_goods", {"match": int(number)})


def change(talk: Talk, number: str) -> Answer:
    """Begin to change a point. Only a numbered line leads here."""
    return talk.start("change_point", {"point": int(number)})


def keep(talk: Talk, number: str) -> Answer:
    """Begin to agree to keep a point. Only a numbered line leads here."""
    return talk.start("keep_point", {"point": int(number)})


def decline_point(talk: Talk, number: str) -> Answer:
    """Answer that one does not keep the point. Only a numbered line leads here. Raises NoSuchThing."""
    point = decline(talk.turn.db, staff_of(talk), int(number), talk.world.now)
    return Answer([Say("replies/goods/point_declined", None, {"name": point.name})])


def ask_close(talk: Talk, number: str = "") -> Answer:
    """关取货点: ask once more before it closes; without a number a keeper's own. Raises NoSuchThing or NoPointKept."""
    db, staff = talk.turn.db, staff_of(talk)
    if not number and staff.role != "keeper":
        return points(talk)
    own = kept_point(db, staff) if not number else None
    if not number and own is None:
        raise NoPointKept
    point = own or find_visible(db, staff, int(number))
    values = {"name": point.name, "waiting": waiting_at(db, point.id), "closed": point.state == "closed"}
    ways = {} if point.state == "closed" else {"close": ["command", "close_now", str(point.id)]}
    return with_ways("replies/goods/ask_close", values, {**ways, "back": ["command", "points", str(point.id)]})


def close_now(talk: Talk, number: str) -> Answer:
    """Close the point. Only a numbered line leads here. Raises NoSuchThing or WrongState."""
    db, staff = talk.turn.db, staff_of(talk)
    point = lock_own_point(db, staff, int(number))
    close_point(db, point, staff.actor, talk.world.now)
    values = {"name": point.name, "waiting": waiting_at(db, point.id), "keeps": staff.role == "keeper"}
    return Answer([Say("replies/goods/point_closed", None, values)])


def carry_goods(talk: Talk, number: str, to: str) -> Answer:
    """Note that what lay at a closed point was carried to another. Only a numbered line leads here."""
    db, staff = talk.turn.db, staff_of(talk)
    carried, stays = carry(db, staff, int(number), int(to), talk.world.now)
    values = {"name": find_visible(db, staff, int(to)).name, "carried": carried, "stays": stays}
    return Answer([Say("replies/goods/carried", None, values)])


def _own(talk: Talk, keeper: Staff) -> Answer:
    """Show a keeper the point that they keep, after what they were asked to keep."""
    db = talk.turn.db
    offered, kept = offered_point(db, keeper), kept_point(db, keeper)
    if offered is not None:
        number = str(offered.id)
        ways = {"keep": ["command", "keep_point", number], "leave": ["command", "decline_point", number]}
        named = labels(talk.world.lexicon, "point_place")
        return with_ways("replies/goods/point_offered", {"point": offered, "labels": named}, ways)
    if kept is None:
        raise NoPointKept
    return show(talk, kept)


def _open_beside(talk: Talk, staff: Staff, point: Point) -> list[Point]:
    found = list_points(talk.turn.db, staff, 0, 50)
    return [other for other in found if other.state == "open" and other.id != point.id][:PAGE]
