"""What is said of entries that are undone is one message, with the longest of everything."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from handlers.treasury.bank_entries import MOST
from models.core.money import LARGEST
from models.treasury.bank_entry import REVERSAL_REASONS, RULES, BankEntry

LEXICON = load_lexicon()
RENDERER = Renderer(LEXICON.words, LEXICON.choices)
NOW = datetime(2026, 12, 31, tzinfo=UTC)
FEN = LARGEST - 1
OPTIONS = list(enumerate((words[0] for words in LEXICON.choices["reverse_entry"].values()), 1))


def longest(kind: str) -> BankEntry:
    fee = 1_001 if kind == "settlement" else 0
    return BankEntry(kind=kind, id=999_999, at=NOW, amount_fen=FEN, fee_fen=fee, bank_reference="9" * 40)


@pytest.mark.parametrize("kind", RULES)
def test_the_longest_of_everything_is_one_message(kind: str) -> None:
    entry = longest(kind)
    given: dict[str, Any] = {"entry": entry.id, "kind": kind, "on": "2026-12-31", "reference": "9" * 40}
    given |= {"amount_fen": FEN, "fee_fen": entry.fee_fen, "bank_fen": entry.bank_fen}
    said = [
        (
            "replies/treasury/which_bank_entry",
            {"lines": list(enumerate([entry] * MOST, 1)), "more": True, "reference": ""},
        ),
        ("replies/treasury/which_bank_entry", {"lines": [], "more": False, "reference": "9" * 500}),
        *(("flows/treasury/reverse_entry/done", {**given, "why": why}) for why in REVERSAL_REASONS),
    ]
    for template, values in said:
        assert _fits(Say(template, None, values))
    draft = {"flow": "reverse_entry", "given": given}
    review = "flows/treasury/reverse_entry/review"
    for stands in (True, False):
        head, foot = (Say(review, part, {"v": {**draft, "facts": {"stands": stands}}}) for part in ("head", "foot"))
        why = Say("flows/treasury/reverse_entry/why", "echo", {"v": {**draft, "value": OPTIONS[0][1], "line": 1}})
        assert _fits(head, why, foot)
    for situation in ("ask", "help", "not_a_choice", "not_text", "not_heard"):
        values = {**draft, "options": OPTIONS, "said": OPTIONS[-1][1]}
        assert _fits(Say("flows/treasury/reverse_entry/why", situation, {"v": values}))
    for code in ("bank_short", "channel_short"):
        assert _fits(Say("replies/refusals", code, {"v": {"held_fen": FEN, "back_fen": FEN}}))


def _fits(*says: Say) -> bool:
    words = RENDERER.render(says)
    return 0 < len(words.encode()) <= REPLY_BYTES // 2 and "None" not in words
