"""The commands that open a conversation: each starts a flow, with what the person has already said."""

from flows.engine.flow import Answer
from handlers.routing.talk import Talk


def register(talk: Talk, then: str = "") -> Answer:
    """``then``: what the person wanted before they were told to register."""
    return talk.start("register", {"then": then})


def one_to_one(talk: Talk) -> Answer:
    return talk.start("start_appeal", {"kind": "one_to_one"}, kind="one_to_one")


def crowdfund(talk: Talk) -> Answer:
    return talk.start("start_appeal", {"kind": "crowdfund"}, kind="crowdfund")


def request(talk: Talk) -> Answer:
    return talk.start("request_goods")


def offer(talk: Talk) -> Answer:
    return talk.start("offer_goods")


def listing(talk: Talk) -> Answer:
    return talk.start("list_produce")
