"""What is said of matching pools is one message, with the longest of everything."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from models.appeals.beneficiary import AsksAs
from models.core.money import LARGEST
from models.donors.trace import Step
from models.giving.matching import MOST_POOLS, MatchingOffer
from models.giving.pool import LONGEST_SPONSOR
from models.giving.pool_file import PAGE, PoolFile
from models.organisations.collector import Collector
from models.public.views import PublicAppeal, PublicUpdate
from tests.harness.words.notice_facts import LONGEST_PLACE, TITLE, WIDE

LEXICON = load_lexicon()
RENDERER = Renderer(LEXICON.words, LEXICON.choices)
NOW = datetime(2026, 11, 28, tzinfo=UTC)
SPONSOR, NUMBER = WIDE * LONGEST_SPONSOR, 999_999
LABELS = {"appeal_category": {key: words[0] for key, words in LEXICON.choices["appeal_category"].items()}}
FEN = LARGEST - 1
FILE = PoolFile(
    number=NUMBER,
    sponsor=SPONSOR,
    appeal=NUMBER,
    title=TITLE,
    category=None,
    place="",
    cap_fen=FEN,
    per_donor_fen=FEN,
    per_appeal_fen=FEN,
    open_until=datetime(2026, 12, 31, tzinfo=UTC),
    state="open",
    paid_in_fen=FEN // 2,
    paid_back_fen=0,
    matched_fen=FEN // 2,
    came_back_fen=FEN,
    gifts=NUMBER,
    held_fen=FEN,
)
AROUND = replace(FILE, appeal=None, title="", category="public_works", place=LONGEST_PLACE, open_until=NOW)
WAYS = list(enumerate(("fund", "close", "list"), 1))
SAID: list[tuple[str, dict[str, Any]]] = [
    ("pool", {"pool": FILE, "now": NOW, "labels": LABELS, "ways": WAYS}),
    ("pool", {"pool": AROUND, "now": NOW, "labels": LABELS, "ways": [(1, "give_back")]}),
    ("pools", {"lines": [], "more": None, "now": NOW, "labels": LABELS}),
    (
        "pools",
        {"lines": [(n, AROUND) for n in range(1, PAGE + 1)], "more": PAGE + 1, "now": NOW, "labels": LABELS},
    ),
]


@pytest.mark.parametrize(("name", "values"), SAID, ids=lambda value: value if isinstance(value, str) else "")
def test_a_pool_fits(name: str, values: dict[str, Any]) -> None:
    said = RENDERER.render([Say(f"replies/giving/{name}", None, values)])
    assert 20 < len(said.encode()) <= REPLY_BYTES
    assert "None" not in said
    assert "{" not in said


def test_what_everybody_reads_of_it_is_short() -> None:
    """Beside a whole appeal, or four other steps of a gift."""
    offers = [MatchingOffer(SPONSOR, NOW)] * MOST_POOLS
    said = RENDERER.env.get_template("shared/giving/matching.txt").module.offered(offers)  # type: ignore[attr-defined]
    assert str(said).count("元，爱心企业") == MOST_POOLS
    assert len(str(said).encode()) <= 700
    for kind in ("matched", "unmatched"):
        step = Step(kind, NOW, FEN, title=SPONSOR)
        line = RENDERER.env.get_template("shared/donors/trace.txt").module.step(step, 12)  # type: ignore[attr-defined]
        assert len(str(line).encode()) <= 140


COLLECTOR = Collector("湖南省道县乡村振兴公益慈善基金会", "5" * 18, "9" * 20, "9" * 18, "湖南省永州市道县民政局")


def test_a_whole_appeal_with_all_who_match_it_fits() -> None:
    facts: dict[str, Any] = {
        **{"number": NUMBER, "kind": "crowdfund", "category": "public_works", "title": TITLE, "place": LONGEST_PLACE},
        **{"target_fen": FEN, "minimum_fen": FEN - 1, "raised_fen": FEN - 1, "gifts": NUMBER, "deadline": NOW},
        **{"paid_fen": FEN - 1, "promised_fen": FEN - 1, "collect_days": None},
        **{"state": "funding", "vouched_by": "township", "vouched_at": NOW, "published_at": NOW, "unconfirmed": True},
    }
    appeal = PublicAppeal(**facts)
    told = PublicUpdate(NUMBER, "thanks", NUMBER, TITLE, WIDE * 200, NOW, older=True)
    # Its owner's page, which has the most on it; an owner is not offered to give.
    ways = list(enumerate(("story", "budget", "updates", "thank", "messages", "use_money", "page", "list", "mine"), 1))
    values = {"item": appeal, "told": told, "revising": True, "now": NOW, "labels": LABELS, "ways": ways}
    values |= {"silent": "own", "collector": COLLECTOR, "collected": False, "asks_as": AsksAs(WIDE * 40, 99_999)}
    values["link"] = f"https://bangfu.daoxian.example.org/a/{NUMBER}"
    values["matching"] = [MatchingOffer(SPONSOR, datetime(2026, 12, 31, tzinfo=UTC))] * MOST_POOLS
    said = RENDERER.render([Say("replies/appeals/appeal", None, values)])
    assert said.count("元，爱心企业") == MOST_POOLS
    assert len(said.encode()) <= REPLY_BYTES
