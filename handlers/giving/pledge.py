"""捐 <number> [amount], 捐 <amount> 给 <number>: opens a pledge to one appeal; without a number, lists them."""

from dataclasses import replace

from flows.engine.flow import Answer, Say
from flows.language.numerals import Unread
from flows.readers.numbers.money import read_fen
from handlers.routing.dispatch import finish, run_command
from handlers.routing.matching import head_number
from handlers.routing.talk import Talk
from models.people.message import Kind


def pledge(talk: Talk, said: str = "") -> Answer:
    """Opens the pledge; without a number lists the appeals."""
    return begin_gift(talk, "pledge", said) if said else run_command(talk, "browse_appeals", [])


def begin_gift(talk: Talk, flow: str, said: str) -> Answer:
    """``said``: a number, an amount or both; the flow's first question reads the amount as if it were its answer.

    ``flow``: its name, which is its command's too.
    """
    gift = _read(talk, said)
    if gift is None:
        answer = run_command(talk, "browse_appeals", [])
        answer.says.insert(0, Say("replies/giving/which_appeal", None, {"flow": flow}))
        return answer
    appeal_id, amount = gift
    if amount:
        _drop_earlier(talk, flow, appeal_id)
    again = " ".join(filter(None, (talk.world.lexicon.words[flow][0], str(appeal_id), amount)))
    answer = talk.start(flow, {"appeal_id": appeal_id, "said": again})
    draft = talk.session.draft
    if not amount or draft is None:
        return answer
    message = replace(talk.message, kind=Kind.TEXT, text=amount)
    heard = finish(talk, talk.engine.hear(talk.session, draft, message, talk.world))
    if draft.misses:
        heard.says += answer.says
    return heard


def is_gift(talk: Talk, said: str) -> bool:
    """Are these words a gift and nothing else, and not the beginning of somebody's story (捐三千元买的种子)?"""
    gift = _read(talk, said)
    return gift is not None and (not gift[1] or not isinstance(read_fen(gift[1], talk.world), Unread))


def _read(talk: Talk, said: str) -> tuple[int, str] | None:
    """The appeal's number and the words for the amount; None when it stays open which of the two a number is."""
    before, to, after = said.partition(talk.world.lexicon.words["pledge_to"][0])
    if before.strip() and to:
        return _either_way(talk, before.strip(), after.strip())
    head = head_number(after if to else said)
    if head is None or (head[1] and _is_amount(talk, str(head[0]), head[1])):
        return None
    return head


def _either_way(talk: Talk, one: str, other: str) -> tuple[int, str] | None:
    """捐3块给4号, 捐4号给3块: one must be a number only and the other an amount only."""
    ways = []
    for number, amount in ((one, other), (other, one)):
        head = head_number(number)
        if head and not head[1] and read_fen(amount, talk.world) is not Unread.NOT_A_NUMBER:
            ways.append((head[0], amount))
    return ways[0] if len(ways) == 1 else None


def _is_amount(talk: Talk, number: str, words: str) -> bool:
    """捐100元: the number belongs to the money, and nobody has said who it is for."""
    if read_fen(words, talk.world) is not Unread.NOT_A_NUMBER:
        return False
    return read_fen(number + words, talk.world) is not Unread.NOT_A_NUMBER


def _drop_earlier(talk: Talk, flow: str, appeal_id: int) -> None:
    """An amount said anew replaces the gift to the same appeal that was left unfinished."""
    for draft in list(talk.session.drafts):
        if draft.flow == flow and draft.given["appeal_id"] == appeal_id:
            talk.session.drop(draft)
