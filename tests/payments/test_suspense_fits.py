"""What is said of payments that cannot be right is one message, with the longest of everything."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from handlers.payments.suspense import MOST
from models.core.money import LARGEST
from models.payments.suspense import KINDS, SuspenseItem
from models.payments.suspense_desk import SuspenseFile
from tests.harness.words.notice_facts import TITLE

LEXICON = load_lexicon()
RENDERER = Renderer(LEXICON.words, LEXICON.choices)
NOW = datetime(2026, 12, 31, tzinfo=UTC)
NUMBER = 999_999
GIVEN = {
    **{"suspense_item": NUMBER, "number": NUMBER, "title": TITLE, "gift": "ABCDEFGHJK", "wanted_fen": LARGEST},
    **{"amount_fen": LARGEST, "transaction": "9" * 64},
}
WAYS = list(enumerate(("give_back", "assign", "list"), 1))


def item(kind: str) -> SuspenseItem:
    numbers = {"id": NUMBER, "amount_fen": LARGEST, "transaction_id": "9" * 64, "out_trade_no": "9" * 32}
    return SuspenseItem(**numbers, kind=kind, opened_at=NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_of_everything_is_one_message(kind: str) -> None:
    file = SuspenseFile(item(kind), NOW, NUMBER, TITLE, "ABCDEFGHJK", LARGEST)
    said: dict[str, dict[str, Any]] = {
        "replies/payments/suspense_items": {"lines": [(n, item(kind)) for n in range(1, MOST + 1)], "more": True},
        "replies/payments/suspense_item": {"file": file, "ways": WAYS},
        "flows/payments/settle_suspense/done": {**GIVEN, "how": "assign"},
        "flows/payments/suspense_by_hand/done": GIVEN,
    }
    for template, values in said.items():
        _fits(template, None, values)
    for how in ("give_back", "assign"):
        for waits in (True, False):
            for macro in ("head", "foot"):
                values = {"v": {"given": {**GIVEN, "how": how}, "facts": {"waits": waits}}}
                _fits("flows/payments/settle_suspense/review", macro, values)


def _fits(template: str, macro: str | None, values: dict[str, Any]) -> None:
    words = RENDERER.say(Say(template, macro, values))
    assert 0 < len(words.encode()) <= REPLY_BYTES // 2
    assert "None" not in words
