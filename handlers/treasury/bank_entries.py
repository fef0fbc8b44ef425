"""冲正 [流水号]: list the fund holder's bank entries and reverse one. 到账, 充值 and 补手续费 start flows directly."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.treasury.reversal import standing_entries

MOST = 6


def entries(talk: Talk, words: str = "") -> Answer:
    """List the newest standing entries, or those with the bank reference that was typed."""
    reference = "".join(each for each in words.upper() if each.isalnum())
    found = standing_entries(talk.turn.db, staff_of(talk), MOST + 1, reference)
    lines = list(enumerate(found[:MOST], 1))
    options = [Option(n, "", ["command", "undo_this", str(entry.id)]) for n, entry in lines]
    values = {"lines": lines, "more": len(found) > MOST, "reference": reference}
    return Answer([Say("replies/treasury/which_bank_entry", None, values)], options)


def undo_this(talk: Talk, number: str) -> Answer:
    """Start the reversal of an entry; reached from a numbered line only. Raises NoSuchBankEntry."""
    return talk.start("reverse_entry", {"entry": int(number)})
