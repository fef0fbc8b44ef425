"""捐 <number> [amount], 捐 <amount> 给 <number>: begin a pledge to one appeal; without a number, list appeals."""

from dataclasses import replace
from fractions import Fraction

from flows.engine.flow import Answer, Say
from flows.language.numerals import Unread
from flows.readers.numbers.money import read_fen, read_said_fen
from handlers.public.catalogue import ways_to_give
from handlers.routing.answers import with_ways
from handlers.routing.dispatch import finish, run_command
from handlers.routing.talk import Talk
from handlers.routing.typed_commands import head_number
from models.appeals.appeal import Appeal, get_appeal
from models.giving.pledge import Pledge
from models.payments.collection import is_payable
from models.payments.expiry import let_go as drop_promise
from models.people.message import MessageKind
from models.people.user import get_user


def pledge(talk: Talk, said: str = "") -> Answer:
    """Begin a pledge; without a number, list the appeals."""
    return begin_gift(talk, "pledge", said) if said else run_command(talk, "browse_appeals", [])


def begin_gift(talk: Talk, flow: str, said: str) -> Answer:
    """Begin a gift's flow; an amount in ``said`` answers the first question.

    ``said``: an appeal's number, an amount or both. ``flow``: the flow's name, which is also its command's. An amount
    alone (捐50块) is for the appeal that the screen offers to give to, if it is one.
    """
    gift = _read(talk, said)
    if shown := _shown_appeal(talk):
        gift = _for_shown(talk, shown, gift, said)
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


def said_amount(talk: Talk, said: str) -> Answer | None:
    """Begin a gift from a sentence that says how much: to the number in it (给2号20块), or else to the appeal on the
    screen (我捐五十块, 给50). None for any other sentence."""
    words = talk.world.lexicon.words
    after = said.partition(words["pledge_to"][0])[2].strip()
    gift = _read(talk, after) if after else None
    if gift and isinstance(read_fen(gift[1], talk.world), Fraction):
        return begin_gift(talk, "pledge", after)
    gives = any(word in said for word in (*words["pledge"], *words["pledge_to"]))
    gave = any(word in said for word in words["gave_already"])
    fen = read_said_fen(said, talk.world, known_words=True)
    if not gives or gave or not isinstance(fen, Fraction) or not _shown_appeal(talk):
        return None
    return begin_gift(talk, "pledge", said)


def let_go(talk: Talk, code: str) -> Answer:
    """Drop an unpaid pledge of the person's own. Only a numbered line leads here. Raises NoSuchGift or PaidAlready."""
    donor = get_user(talk.turn.db, talk.turn.person.user_id)
    pledge = drop_promise(talk.turn.db, donor, code, talk.world.now)
    appeal = get_appeal(talk.turn.db, pledge.appeal_id)
    values = {"number": appeal.id, "title": appeal.title, "amount_fen": pledge.amount_fen, "code": pledge.code}
    return with_ways("replies/giving/let_go", values, ways_to_give(talk, str(appeal.id)))


def unpaid_link(talk: Talk, pledge: Pledge) -> str:
    """Return the link to pay the person's own pledge; empty while it cannot be paid."""
    payable = talk.world.collects and is_payable(talk.turn.db, pledge, talk.world.now)
    return talk.world.link("pay", f"pledge:{pledge.id}") if payable else ""


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


def _shown_appeal(talk: Talk) -> str:
    """Return the number of the one appeal that the screen offers to give to; empty where it is none, or several."""
    offered = {option.do[2] for option in talk.session.choices if option.do[:2] == ["command", "pledge"]}
    return offered.pop() if len(offered) == 1 else ""


def _for_shown(talk: Talk, shown: str, gift: tuple[int, str] | None, said: str) -> tuple[int, str] | None:
    """Read an amount, or a number that no appeal has (捐五十), as a gift to the appeal on the screen."""
    no_appeal = gift is None or (not gift[1] and talk.turn.db.get(Appeal, gift[0]) is None)
    is_amount = isinstance(read_said_fen(said, talk.world, known_words=True), Fraction)
    return (int(shown), said) if no_appeal and is_amount else gift


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
