"""Tell a household where it stood in a round and why, and show officers a round with its requests and bars."""

from flows.engine.flow import Answer
from flows.engine.session import Option
from handlers.routing.answers import labels, one_page, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.goods.rounds.why import rounds_for_officer, why_of


def why_place(talk: Talk, request: str) -> Answer:
    """Say where the person's request stood in its newest round, and why. Only a numbered line leads here.

    Raises NoSuchThing.
    """
    why = why_of(talk.turn.db, int(request), talk.turn.person.user_id)
    values = {"why": why, "number": int(request), "labels": labels(talk.world.lexicon, "unit")}
    ways = {"request": ["command", "view_request", request], "mine": ["command", "mine"]}
    return with_ways("replies/goods/why", values, ways)


def view_rounds(talk: Talk, offer: str, after: str = "") -> Answer:
    """Show an officer of the place how an offer's newest round went. Only a numbered line leads here.

    Raises NoSuchThing.
    """
    page = rounds_for_officer(talk.turn.db, staff_of(talk), int(offer), int(after or 0), talk.world.now)
    turn = ["view_rounds", offer, str(page.after)] if page.after else None
    values = {"page": page, "offer": int(offer), "labels": labels(talk.world.lexicon, "unit")}
    back = [Option(1, "", ["command", "look", f"offer:{offer}"])]
    return one_page(talk, "replies/goods/rounds", values, back, turn)
