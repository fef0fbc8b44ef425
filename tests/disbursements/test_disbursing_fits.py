"""What is said of an appeal's money is one message, with the longest of everything; and how a bank's number is read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from flows.readers import Reference
from flows.readers.numbers.budget_lines import MOST_LINES
from handlers.disbursements.owner import MOST_USES
from models.core.money import LARGEST
from models.disbursements.confirmation import ISSUES, NOT_RECEIVED, RECEIVED
from models.disbursements.file import DisbursementFile, LineBalance
from models.disbursements.payee import MOST
from models.staff.file_access import TaskView
from tests.harness.words.notice_facts import ITEM, TITLE, WIDE
from tests.harness.words.reading import code_of, value_of

LEXICON = load_lexicon()
RENDERER = Renderer(LEXICON.words, LEXICON.choices)
NOW = datetime(2026, 11, 28, tzinfo=UTC)
NUMBER = 999_999


@dataclass
class Use:
    id: int = NUMBER
    amount_fen: int = LARGEST - 1
    state: str = "received_with_issues"
    code: str = "ABCDEFGH"
    paid_at: datetime | None = NOW
    receipts_at: datetime | None = None
    receipts_due: datetime | None = NOW


@dataclass
class Payee:
    name: str = WIDE * 30
    kind: str = "village"
    account_tail: str = "9999"
    payable_from: datetime = datetime(2026, 12, 31, tzinfo=UTC)


LABELS = {name: {key: words[0] for key, words in LEXICON.choices[name].items()} for name in ("payee_kind", "use_issue")}
BUDGET = [(n, LineBalance(NUMBER, ITEM, LARGEST - 1, LARGEST - 1)) for n in range(1, MOST_LINES + 1)]
OUTCOMES = (RECEIVED, *ISSUES, NOT_RECEIVED)
FILE: dict[str, Any] = {
    **{
        "number": NUMBER,
        "appeal": NUMBER,
        "title": TITLE,
        "appeal_state": "frozen",
        "item": ITEM,
        "line_fen": LARGEST - 1,
    },
    **{"amount_fen": LARGEST - 1, "held_fen": LARGEST - 1, "state": "received_with_issues", "round": 9},
    **{"payee_kind": "village", "payee_name": WIDE * 30, "account": f"{WIDE * 30} {'9' * 30}"},
    **{"payable_from": datetime(2026, 12, 31, tzinfo=UTC), "name": WIDE * 20, "phone": "13800000000"},
    **{"shown": 99, "receipts": 99, "issue": "asked_back", "paid_at": NOW, "reference": "9" * 40, "own_bank": True},
    "bank_fen": 1,
    "task": TaskView("use_call", "fund_holder", "9" * 20, NOW, mine=True),
}
SAID: dict[str, dict[str, Any]] = {
    "budget": {
        **{"number": NUMBER, "title": TITLE, "state": "executing", "free_fen": LARGEST - 1, "budget": BUDGET},
        **{"uses": [(n, Use()) for n in range(13, 13 + MOST_USES)], "changes": 16, "spare": 17, "now": NOW},
    },
    "which_payee": {
        **{"item": ITEM, "payees": [(n, Payee()) for n in range(1, MOST + 1)], "new": 6, "now": NOW, "labels": LABELS},
    },
    "disbursement": {
        **{
            "use": Use(state="requested"),
            "number": NUMBER,
            "item": ITEM,
            "reasons": list(LEXICON.choices["use_reason"]),
        },
        "ways": {name: n for n, name in enumerate(("say", "evidence", "receipts", "withdraw", "appeal"), 1)},
    },
    "confirm_received": {
        **{"number": NUMBER, "title": TITLE, "code": "ABCDEFGH", "amount_fen": LARGEST - 1, "item": ITEM},
        **{"labels": LABELS, "numbers": {outcome: n for n, outcome in enumerate(OUTCOMES, 1)}},
    },
    "which_payout": {"lines": [(n, Use()) for n in range(1, 6)]},
    "file": {
        **{
            "file": DisbursementFile(**FILE),
            "link": f"https://bangfu.example/{'a' * 200}",
            "now": NOW,
            "labels": LABELS,
        },
        "ways": list(enumerate((*OUTCOMES, "bounce", "appeal"), 1)),
    },
}


@pytest.mark.parametrize("name", sorted(SAID))
def test_the_longest_of_everything_is_one_message(name: str) -> None:
    words = RENDERER.say(Say(f"replies/disbursements/{name}", None, SAID[name]))
    assert len(words.encode()) <= REPLY_BYTES
    assert "None" not in words


ACCOUNT = Reference(min=8, max=30, digits=True, hidden=True)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("6228 4800 0000 0011", "6228480000000011"),
        ("６２２８-4800-0000-0011", "6228480000000011"),
        ("六二二八四八〇〇一一", "6228480011"),
        ("  62284800  ", "62284800"),
    ],
)
def test_an_account_is_read_however_its_figures_are_parted(said: str, number: str) -> None:
    assert value_of(ACCOUNT, said) == number


@pytest.mark.parametrize(
    ("reader", "said", "code"),
    [
        (ACCOUNT, "我的卡号", "not_reference"),
        (ACCOUNT, "6228ABCD0011", "not_reference"),
        (ACCOUNT, "", "not_reference"),
        (ACCOUNT, "6228480", "wrong_length"),
        (ACCOUNT, "6" * 31, "wrong_length"),
        (Reference(), "ABCDE", "not_reference"),
        (Reference(), "T-1", "wrong_length"),
        (Reference(), "T1'; DROP TABLE", "not_reference"),
    ],
)
def test_what_is_no_number_of_a_bank_is_told_why(reader: Reference, said: str, code: str) -> None:
    assert code_of(reader, said) == code


def test_a_transfers_number_keeps_its_letters_and_an_account_is_shown_by_its_tail() -> None:
    assert value_of(Reference(), "t2026-1128 ab") == "T20261128AB"
    assert ACCOUNT.shown("6228480000000011", None) == "****0011"  # type: ignore[arg-type]


LEFT: dict[str, Any] = {"number": NUMBER, "use": NUMBER, "state": "surplus"}
DRAFT = {"flow": "surplus", "given": {"appeal": NUMBER, "title": TITLE}}


@pytest.mark.parametrize("fen", [LARGEST - 1, 0])
def test_what_is_said_of_a_surplus_is_one_message(fen: int) -> None:
    parts = [
        Say("flows/disbursements/surplus/review", part, {"v": {**DRAFT, "facts": {"fen": fen}}})
        for part in ("head", "foot")
    ]
    done = Say("flows/disbursements/surplus/done", None, {"number": NUMBER, "fen": fen})
    codes = ("nothing_spent", "nothing_left", "request_under_way", "receipts_missing", "not_spendable")
    refused = [[Say("replies/refusals", code, {"v": LEFT})] for code in codes]
    for says in (parts, [done], *refused):
        words = RENDERER.render(says)
        assert 0 < len(words.encode()) <= REPLY_BYTES // 2
        assert "None" not in words
