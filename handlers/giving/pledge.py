"""捐 <number> [amount], 捐 <amount> 给 <number>: begin a pledge to one appeal; without a number, list appeals."""

from dataclasses import replace

from flows.engine.flow import Answer, Say
from flows.language.numerals import Unread
from flows.readers.numbers.money import read_fen, read_said_fen
from handlers.routing.dispatch import finish, run_command
from handlers.routing.talk import Talk
from handlers.routing.typed_commands import head_number
from models.people.message import MessageKind


def pledge(talk: Talk, said: str = "") -> Answer:
    """Begin a pledge; without a number, list the appeals."""
    return begin_gift(talk, "pledge", said) if said else run_command(talk, "browse_appeals", [])


def begin_gift(talk: Talk, flow: str, said: str) -> Answer:
    """Begin a gift's flow; an amount in ``said`` answers the first question.

    ``said``: an appeal's number, an amount or both. ``flow``: the flow's name, which is also its command's.
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
    message = replace(talk.message, kind=MessageKind.TEXT, text=amount)
    heard = finish(talk, talk.engine.read_message(talk.session, draft, message, talk.world))
    if draft.misses:
        heard.says += answer.says
    return heard


def is_gift(talk: Talk, said: str) -> bool:
    """Tell whether these words are only a gift, and not the beginning of a story (捐三千元买的种子)."""
    gift = _read(talk, said)
    return gift is not None and (not gift[1] or not isinstance(read_fen(gift[1], talk.world), Unread))


def _read(talk: Talk, said: str) -> tuple[int, str] | None:
    """Read the appeal's number and the words for the amount; None if a number could be either."""
    before, to, after = said.partition(talk.world.lexicon.words["pledge_to"][0])
    if before.strip() and to:
        return _either_way(talk, before.strip(), after.strip())
    head = head_number(after if to else said)
    if head is None or (head[1] and _is_amount(talk, str(head[0]), head[1])):
        return None
    return head


def _either_way(talk: Talk, one: str, other: str) -> tuple[int, str] | None:
    """Read 捐3块给4号 or 捐4号给3块: one side must be only a number, the other only an amount; else None."""
    ways = []
    for number, amount in ((one, other), (other, one)):
        head = head_number(number)
        if head and not head[1] and read_fen(amount, talk.world) is not Unread.NOT_A_NUMBER:
            ways.append((head[0], amount))
    return ways[0] if len(ways) == 1 else None


def _is_amount(talk: Talk, number: str, words: str) -> bool:
    """Tell whether number and words are one amount (捐100元, 捐50块吧), so that no appeal is named."""
    if read_said_fen(words, talk.world) is not Unread.NOT_A_NUMBER:
        return False
    return read_said_fen(number + words, talk.world) is not Unread.NOT_A_NUMBER


def _drop_earlier(talk: Talk, flow: str, appeal_id: int) -> None:
    """Drop an unfinished draft of a gift to the same appeal, which a new amount replaces."""
    for draft in list(talk.session.drafts):
        if draft.flow == flow and draft.given["appeal_id"] == appeal_id:
            talk.session.drop(draft)
