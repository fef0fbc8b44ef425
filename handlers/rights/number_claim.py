"""号码被占, once it waits: the claimant takes back the claim, and with it the consent."""

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.rights.number_claim import waiting_claim, withdraw


def ask(talk: Talk) -> Answer:
    """Say what ends with the claim, and ask. Raises NoClaimWaits."""
    made = waiting_claim(talk.turn.db, talk.turn.person.conversation_id)
    ways = {"withdraw": ["command", "withdraw_claim"], "keep": ["command", "claim_number"]}
    return with_ways("replies/rights/withdraw_claim", {"number": made.id}, ways)


def end(talk: Talk) -> Answer:
    """Raises NoClaimWaits."""
    made = waiting_claim(talk.turn.db, talk.turn.person.conversation_id)
    talk.turn.jobs += [("forget_photo", photo) for photo in withdraw(talk.turn.db, made, talk.world.now)]
    return Answer([Say("replies/rights/claim_withdrawn", None, {"number": made.id})])
