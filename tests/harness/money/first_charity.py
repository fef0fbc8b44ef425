"""The ledger's accounts of the charity that most tests' money belongs to."""

from models.ledger.accounts import FIRST_CHARITY, channel_of, refunds_of, unassigned_of

CHANNEL = channel_of(FIRST_CHARITY)
REFUNDS = refunds_of(FIRST_CHARITY)
UNASSIGNED = unassigned_of(FIRST_CHARITY)
