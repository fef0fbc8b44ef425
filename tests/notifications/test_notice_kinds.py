"""What can be told: each kind has its words for every channel, and its card holds what WeChat lets it hold."""

import ast
import re
from pathlib import Path

import pytest

from bot.push.cards import fill, load_cards
from bot.simulator.fields import fits
from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import TEMPLATES, Renderer
from flows.engine.flow import Say
from handlers.notifications.push_replies import MOST_OFFERS
from handlers.routing.command_table import COMMANDS
from models.notifications.kinds import KINDS, PLEDGE_AGAIN, TOPICS, Offer, Standing, template_of
from tests.harness.words.notice_facts import CODE, DAY, LONGEST_PLACE, MOST, Facts, longest, usual

ROOT = Path(__file__).parents[2]
LEXICON = load_lexicon()
RENDERER = Renderer(LEXICON.words, LEXICON.choices)
CARDS = load_cards()
LONGEST = longest(LEXICON, LONGEST_PLACE)
USUAL = usual(LEXICON)
MOMENT = "2026年11月24日 10:00"


def say(kind: str, macro: str, facts: Facts) -> str:
    return RENDERER.say(Say(template_of(kind), macro, {"v": facts}))


def macros(kind: str) -> set[str]:
    source = (TEMPLATES / f"{template_of(kind)}.txt").read_text(encoding="utf-8")
    return set(re.findall(r"{% macro (\w+)", source))


def examples(kind: str) -> list[Facts]:
    return [facts for name, facts in USUAL if name == kind]


def test_every_kind_has_its_words_and_its_examples() -> None:
    written = (TEMPLATES / "notifications").rglob("*.txt")
    assert sorted(str(path.relative_to(TEMPLATES).with_suffix("")) for path in written) == sorted(
        map(template_of, KINDS)
    )
    assert set(LONGEST) == set(KINDS)
    assert {kind for kind, _ in USUAL} == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_has_words_for_each_way_it_may_go(kind: str) -> None:
    assert {"unread", "card"} <= macros(kind)
    assert ("push" in macros(kind)) is bool(KINDS[kind].offers)
    assert KINDS[kind].card in CARDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_everything_that_can_be_told_can_be_said(kind: str) -> None:
    for facts in [*examples(kind), LONGEST[kind]]:
        for macro in {"unread", "push"} & macros(kind):
            words = say(kind, macro, facts)
            assert words
            assert not re.search(r"None|\bstate\b|[{}]|Undefined", words), words
            offered = "".join(f"\n{n} {LEXICON.choices['push_offer'][o.name][0]}" for n, o in _offers(kind))
            assert len((words + offered).encode()) <= REPLY_BYTES


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_card_holds_what_wechat_lets_it_hold(kind: str) -> None:
    card = CARDS[KINDS[kind].card]
    for facts in [*examples(kind), LONGEST[kind]]:
        lines = fill(card, say(kind, "card", facts), MOMENT)
        assert set(lines) == set(card.fields.values())
        for field, value in lines.items():
            assert fits(field, value), (field, value)
            assert "None" not in value


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_a_card_leaves_out_is_never_its_number(kind: str) -> None:
    """And of what there usually is, but for people's own words and reasons, it leaves out nothing."""
    card = CARDS[KINDS[kind].card]
    for facts in examples(kind):
        cut = [value for value in fill(card, say(kind, "card", facts), MOMENT).values() if value.endswith("…")]
        assert not cut or facts.get("words") or facts.get("reasons"), cut
    written = say(kind, "card", LONGEST[kind])
    told = " ".join(fill(card, written, MOMENT).values())
    whole = {str(MOST), CODE, "SF" + "9" * 28}
    assert all(words in told for words in whole if words in written), told


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_state_fits_on_its_card_whole(kind: str) -> None:
    """What is longer is cut without a mark: half a sentence, which may mean something else."""
    for facts in examples(kind):
        told = fill(CARDS[KINDS[kind].card], say(kind, "card", facts), MOMENT).values()
        for state in re.findall(r"^state: (.+)$", say(kind, "card", facts), re.MULTILINE):
            assert re.sub(r"[\W_]", "", state) in told, state


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_card_names_nobody(kind: str) -> None:
    """WeChat shows it on a locked phone: no name, no ID number, no phone, nothing that staff answered."""
    marked = {"name": "赵钱孙", "words": "他家有病人，电话 13800000000"} if "number" in LONGEST[kind] else {}
    if kind in (
        *("introduction", "ordered", "order_accepted", "shipped", "order_handed", "order_received", "order_ended"),
        *(
            "after_sale_moved",
            "after_sale_ends",
            "order_cut",
            "order_short",
            "order_filled",
            "harvest_moved",
            "order_paid",
            "order_refunded",
        ),
        *("order_released", "stock_low", "campaign_opened", "campaign_ended", "campaign_moved", "campaign_firms"),
        *("firm_struck", "order_agreed"),
        *("appeal_update", "disaster_call", "thanks"),
        *("lot_picking", "lot_ends", "lot_failed", "lot_harvested"),
    ):
        return  # the name is a thing's; the words are public
    for facts in examples(kind):
        known = {name: words for name, words in marked.items() if name in facts}
        card = say(kind, "card", {**facts, **known})
        assert not any(words in card for words in ("赵钱孙", "13800000000", "王**"))


def _offers(kind: str) -> list[tuple[int, Offer]]:
    return list(enumerate(KINDS[kind].offers, 1))


@pytest.mark.parametrize("kind", [kind for kind in sorted(KINDS) if KINDS[kind].offers])
def test_what_a_push_offers_can_be_done_with_what_it_knows(kind: str) -> None:
    offers = KINDS[kind].offers
    assert len(offers) <= MOST_OFFERS
    for offer in offers:
        command, *facts = offer.do
        assert command in COMMANDS
        assert offer.name in LEXICON.choices["push_offer"]
        for each in [*examples(kind), LONGEST[kind]]:
            assert set(facts) <= {*each, "topic"}
        assert "topic" not in facts or KINDS[kind].topic
    # What a number does, nobody is told to write.
    words = "".join(say(kind, "push", facts) for facts in examples(kind))
    named = {offer.do[0] for offer in offers} & set(LEXICON.words)
    assert not any(f"回复“{LEXICON.words[name][0]}" in words for name in named)


def test_no_push_offers_to_give_to_an_appeal_that_takes_no_more() -> None:
    for kind in KINDS.values():
        assert PLEDGE_AGAIN not in kind.offered({"closed": True})
        assert len(kind.offered({"closed": True})) == len(kind.offers)  # a number means the same line
    assert PLEDGE_AGAIN in KINDS["appeal_update"].offered({"closed": False})
    assert PLEDGE_AGAIN not in KINDS["appeal_funded"].offers


def test_nobody_turns_off_what_a_right_or_a_sum_hangs_on() -> None:
    assert {kind for kind, each in KINDS.items() if each.standing is Standing.MONEY} == {
        "appeal_begins",
        "appeal_failed",
        "appeal_resumed",
        "disbursed",
        "payment_late",
        "payment_received",
        "ordered",
        "order_paid",
        "order_refunded",
        "order_released",
        "redirected",
        "refunded",
    }
    for each in KINDS.values():
        assert each.topic == "" or each.standing in (Standing.SERVICE, Standing.NEWS)
        assert each.topic == "" or each.topic in TOPICS
    assert {each.topic for each in KINDS.values()} == {"", *TOPICS}
    assert set(LEXICON.choices["topic"]) == set(TOPICS)


def test_every_kind_is_told_by_the_code_of_some_room() -> None:
    told = set()
    for folder in ("models", "flows", "handlers", "bot"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name != "notification_kinds.py" and "simulator" not in path.parts:
                nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                told |= {node.value for node in nodes if isinstance(node, ast.Constant) and node.value in KINDS}
    assert set(KINDS) == told


def test_days_are_said_as_people_say_them() -> None:
    for kind, facts in USUAL:
        assert DAY not in say(kind, "unread", facts) + say(kind, "card", facts)
