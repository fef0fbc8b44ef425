"""公开账本: sum up the public ledger, and give the page on which anybody reads its entries."""

from flows.engine.flow import Answer
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.public.ledger import overall


def public_ledger(talk: Talk) -> Answer:
    values = {"whole": overall(talk.turn.db), "link": talk.world.link("ledger", "")}
    ways = {"trace": ["command", "trace"], "appeals": ["command", "browse_appeals"]}
    return with_ways("replies/public/ledger", values, ways)
