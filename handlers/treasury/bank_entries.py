"""到账, 充值, 补手续费: the fund holder enters what the bank shows. 冲正 [流水号]: a wrong entry is reversed."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.treasury.reversal import standing_entries

MOST = 6


def settle(talk: Talk) -> Answer:
    """到账."""
    return talk.start("enter_settlement")


def top_up(talk: Talk) -> Answer:
    """充值: money put with the channel, so that refunds can be paid."""
    return talk.start("top_up")


def cover_fees(talk: Talk) -> Answer:
    """补手续费: what the channel kept, paid in from elsewhere."""
    return talk.start("cover_fees")


def entries(talk: Talk, words: str = "") -> Answer:
    """The newest, or those under the bank's number that was said."""
    reference = "".join(each for each in words.upper() if each.isalnum())
    found = standing_entries(talk.desk.db, staff_of(talk), MOST + 1, reference)
    lines = list(enumerate(found[:MOST], 1))
    options = [Option(n, "", ["command", "undo_this", str(entry.id)]) for n, entry in lines]
    values = {"lines": lines, "more": len(found) > MOST, "reference": reference}
    return Answer([Say("replies/treasury/which_bank_entry", None, values)], options)


def undo_this(talk: Talk, number: str) -> Answer:
    """Only a numbered line leads here: why is asked, and it waits for the word. Raises NoSuchEntry."""
    return talk.start("reverse_entry", {"entry": int(number)})
