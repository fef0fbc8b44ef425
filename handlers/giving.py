"""捐 <number> [amount]: opens a pledge to one appeal; without a number, shows what there is to give to."""

from dataclasses import replace

from flows.flow import Answer, Say
from flows.numerals import Unread
from flows.readers.money import read_fen
from handlers.dispatch import finish, run_command
from handlers.talk import Talk
from models.message import Kind

# What people put between the appeal's number and the amount (捐 12，50元).
_BETWEEN = " ,:;、"


def pledge(talk: Talk, number: str = "", words: str = "") -> Answer:
    """``words``: an amount said in the same breath; the flow's first question reads it as if it were its answer."""
    if not number:
        return run_command(talk, "browse_appeals", [])
    if words and _is_amount(talk, number, words):
        answer = run_command(talk, "browse_appeals", [])
        answer.says.insert(0, Say("replies/which_appeal"))
        return answer
    appeal_id, words = int(number), words.lstrip(_BETWEEN)
    if words:
        _drop_earlier(talk, appeal_id)
    said = " ".join(filter(None, (talk.world.lexicon.words["pledge"][0], number, words)))
    answer = talk.start("pledge", {"appeal_id": appeal_id, "said": said})
    draft = talk.session.draft
    if not words or draft is None:
        return answer
    amount = replace(talk.message, kind=Kind.TEXT, text=words)
    heard = finish(talk, talk.engine.hear(talk.session, draft, amount, talk.world))
    if draft.misses:
        heard.says += answer.says
    return heard


def _is_amount(talk: Talk, number: str, words: str) -> bool:
    """捐100元: the number belongs to the money, and nobody has said who it is for."""
    if read_fen(words, talk.world) is not Unread.NOT_A_NUMBER:
        return False
    return read_fen(number + words, talk.world) is not Unread.NOT_A_NUMBER


def _drop_earlier(talk: Talk, appeal_id: int) -> None:
    """An amount said anew replaces the pledge to the same appeal that was left unfinished."""
    for draft in list(talk.session.drafts):
        if draft.flow == "pledge" and draft.given["appeal_id"] == appeal_id:
            talk.session.drop(draft)
