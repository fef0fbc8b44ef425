"""What people mean by sentences that are no keyword (config/intents.toml)."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, inspect, select, table
from sqlalchemy.orm import Session as Database

from bot.words.intents import BadIntents, read_intents
from bot.words.lexicon import load_lexicon
from flows.language.folding import Folding
from handlers.routing.command_table import COMMANDS
from tests.bench.intents import score, sentences
from tests.harness.stage import Stage

LEXICON = load_lexicon()
INTENTS = LEXICON.intents
ANSWERS = Path(__file__).parents[2] / "templates/replies/routing/intents.txt"
# What a turn itself writes, whatever it answers.
OF_A_TURN = {"conversations", "turns", "service_windows", "menus_due"}


def test_most_of_what_people_type_is_understood_and_next_to_nothing_wrongly() -> None:
    """By 300 sentences of an author who had not seen the table; ``make bench ARGS=intents`` prints the figures."""
    figures = score(INTENTS)
    assert (figures.meant, figures.nothing) == (270, 30)
    assert figures.understood >= 0.92 * figures.meant, figures
    assert figures.wrong_at_once < 0.03 * 300, figures
    assert figures.nothing_started == 0, figures


def test_a_sentence_of_the_evaluation_set_stands_in_the_table_only_by_chance() -> None:
    said = {sentence for intent in INTENTS.table.values() for sentence in intent.says}
    assert sum(text in said for text, _ in sentences()) <= 20


def test_every_intent_leads_somewhere_and_is_said_in_a_dozen_ways() -> None:
    assert len(INTENTS.table) >= 60
    for name, intent in INTENTS.table.items():
        assert len(intent.says) >= 12, name
        assert not intent.command or COMMANDS[intent.command].staff is None, name


def test_every_answer_has_its_words_and_there_is_no_other() -> None:
    macros = set(re.findall(r"macro (\w+)\(v\)", ANSWERS.read_text(encoding="utf-8"))) - {"ways"}
    assert macros == {name for name, intent in INTENTS.table.items() if not intent.command}


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("我家的衣服都送掉了", "gave_all"),
        ("书都送完啦", "gave_all"),
        ("那床棉被我们收到了 谢谢好心人", "got_it"),
        ("橙子都让人拉走了", "sold_out"),
        ("货不卖了 撤下来", "take_off"),
        ("我想把我发的撤回来", "withdraw"),
        ("上架的价格写错了", "fix"),
        ("钱收到了", "received"),
    ],
)
def test_owners_say_in_their_own_words_what_became_of_theirs(text: str, command: str) -> None:
    likeliest = INTENTS.meaning_of(text).likely[0]
    assert INTENTS.table[likeliest].command == command
    assert not INTENTS.table[likeliest].at_once  # it ends or changes something: a number confirms it


def test_no_sentence_is_said_for_two_things() -> None:
    owners: dict[str, str] = {}
    for name, intent in INTENTS.table.items():
        for sentence in dict.fromkeys(intent.says):
            other = owners.setdefault(sentence, name)
            assert other == name or intent.command == INTENTS.table[other].command, (sentence, other, name)


def test_a_table_that_leads_nowhere_is_refused() -> None:
    raw: dict[str, Any] = {"same": {}, "left_out": {}, "nothing": {"says": []}}
    good = {"label": "看", "says": ["看"], "command": "menu"}
    for bad in (
        {**good, "says": []},
        {**good, "ways": ["here"]},
        {**good, "command": "", "ways": ["elsewhere"]},
        {**good, "command": "", "ways": ["here"]},
        {**good, "command": ""},
    ):
        with pytest.raises(BadIntents):
            read_intents({**raw, "intents": {"here": bad}}, {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("俺想捐款", "我要捐钱"),
        ("怎麼捐錢？", "请问怎么捐款呢"),
        ("錢去哪裏了", "钱去哪儿了？？？"),
        ("ＨＥＬＬＯ", "hello!"),
        ("捐５０块", "捐五十块"),
        ("老师您好，请问捐的钱去哪了", "捐的钱去哪了"),
    ],
)
def test_two_ways_of_saying_one_thing_are_folded_alike(one: str, other: str) -> None:
    assert INTENTS.folding.fold(one) == INTENTS.folding.fold(other)


@given(st.text())
def test_any_text_is_folded_and_understood_without_a_failure(text: str) -> None:
    folded = INTENTS.folding.fold(text)
    assert re.fullmatch(r"[0-9a-z#\u4e00-\u9fff]*", folded)
    meaning = INTENTS.meaning_of(text)
    assert len(meaning.likely) <= 3
    assert meaning.likely or not meaning.clear


# Beside a word that is no filler, something of each is left.
SAID = {sentence for intent in INTENTS.table.values() for sentence in intent.says}
MORE_THAN_FILLERS = sorted(sentence for sentence in SAID if INTENTS.folding.fold(f"萝{sentence}") != "萝")


@given(st.sampled_from(MORE_THAN_FILLERS), st.sampled_from(["请问", "麻烦问一下，", "哎呀"]))
def test_a_polite_beginning_changes_nothing(sentence: str, before: str) -> None:
    assert INTENTS.folding.fold(before + sentence) == INTENTS.folding.fold(sentence)


def test_a_word_that_says_nothing_is_kept_when_nothing_else_is_left() -> None:
    assert Folding({"我": ["俺"]}, ("你好",)).fold("你好") == "你好"


@pytest.mark.parametrize("person", ["newcomer", "donor", "resident"])
def test_what_runs_at_once_writes_nothing(stage: Stage, person: str) -> None:
    """The first sentence of each such intent: only what a turn itself keeps is written."""
    stage.open_appeal()
    stage.register("donor", "donor")
    stage.register("resident", "resident")
    stage.ask("resident")
    before = _rows(stage)
    for name, intent in INTENTS.table.items():
        if intent.at_once:
            stage.say(person, intent.says[0])
            assert stage.said, name
            assert "replies/routing/sorry" not in stage.said, name
    assert _rows(stage) == before


def _rows(stage: Stage) -> dict[str, int]:
    with Database(stage.database) as db:
        names = set(inspect(db.get_bind()).get_table_names()) - OF_A_TURN
        return {name: db.scalar(select(func.count()).select_from(table(name))) or 0 for name in sorted(names)}
